import Codecs
package import TrustModel

/// Who asks for something: a person, by one credential, in one request.
///
/// It is made by authentication only; roles and limits are read again in the transaction that acts.
package struct Actor: Sendable, Hashable {
    package let person: PersonID
    package let credential: Int64
    package let requestID: String

    init(person: PersonID, credential: Int64, requestID: String) {
        self.person = person
        self.credential = credential
        self.requestID = requestID
    }
}

/// A caller whose token was good a moment ago.
package struct Session: Sendable {
    package let actor: Actor
    package let person: PersonRecord
    package let credential: CredentialRecord
    /// The person's roles, own and by groups, as they stood when the credential was looked at.
    package let held: [BindingRecord]

    package var bindings: [RoleBinding] { held.map(\.binding) }
    package var limits: TokenLimits { credential.limits }

    /// Whether the caller may do something, as it stood when the token was looked at.
    package func decide(_ permission: Permission) -> AuthorizationDecision {
        Authorization.decide(permission, bindings: bindings, limits: limits)
    }

    /// - Throws: `StoreError(.forbidden)`.
    package func require(_ permission: Permission) throws {
        if case .denied(let reason, let hint) = decide(permission) {
            throw StoreError(.forbidden, reason, hint: hint)
        }
    }
}
