import IdentityTokens

/// Who asks, proved.
struct Caller: Sendable, Equatable, CustomStringConvertible {
    /// As the configuration names it.
    let name: String
    /// Whose token proved it, and whom that names; nil where something else did.
    let issuer: String?
    let subject: String?

    init(_ name: String) { (self.name, issuer, subject) = (name, nil, nil) }

    init(_ name: String, _ token: VerifiedToken) { (self.name, issuer, subject) = (name, token.issuer, token.subject) }

    /// As decisions show it; never the token.
    var description: String {
        guard let issuer, let subject else { return name }
        return "\(name) (\(subject), says \(issuer))"
    }
}
