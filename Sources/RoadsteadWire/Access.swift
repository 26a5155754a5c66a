package import TrustModel

/// `GET /v1/can-i`: whether the caller may do something, by which role, or why not.
package struct AccessBody: Codable, Sendable, Equatable {
    package let verb: String
    package let object: String
    package let allowed: Bool
    /// The role that allows it, and where it is bound, as `team-admin on team:acme`.
    package let by: String?
    package let reason: String?
    package let hint: String?

    package init(verb: String, object: String, allowed: Bool, by: String?, reason: String?, hint: String?) {
        self.verb = verb
        self.object = object
        self.allowed = allowed
        self.by = by
        self.reason = reason
        self.hint = hint
    }

    package init(_ verb: PermissionVerb, _ object: String, _ decision: AuthorizationDecision) {
        switch decision {
        case .allowed(let binding):
            self.init(
                verb: verb.rawValue, object: object, allowed: true, by: "\(binding)", reason: nil, hint: nil)
        case .denied(let reason, let hint):
            self.init(
                verb: verb.rawValue, object: object, allowed: false, by: nil, reason: reason, hint: hint)
        }
    }
}
