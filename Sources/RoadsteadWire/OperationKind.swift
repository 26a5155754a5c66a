/// What an operation of a change does.
package enum OperationKind: String, Codable, Sendable, Hashable, CaseIterable {
    case addAnchor = "add-anchor"
    case removeAnchor = "remove-anchor"
    case liftDenial = "lift-denial"
    case setCustody = "set-custody"
    case renewRole = "renew-role"
}
