/// What an operation of a change does.
package enum OperationKind: String, Codable, Sendable, Hashable, CaseIterable {
    case addAnchor = "add-anchor"
    case removeAnchor = "remove-anchor"
    case liftDenial = "lift-denial"
    case setCustody = "set-custody"
    case renewRole = "renew-role"
    case addTeam = "add-team"
    case setPolicy = "set-policy"

    /// The type that describes a kind; nil for those that `ChangeOperation` describes itself.
    package var governed: (any GovernedOperation.Type)? {
        switch self {
        case .addAnchor, .removeAnchor, .liftDenial, .setCustody, .renewRole: nil
        case .addTeam: AddTeam.self
        case .setPolicy: SetPolicy.self
        }
    }
}
