/// How a credential is shown.
package enum CredentialKind: String, Sendable, Codable, CaseIterable {
    /// A token that this server made.
    case token
    /// Tokens that a provider issues to one identity.
    case provider
    /// A client certificate that its holder registered.
    case certificate
}
