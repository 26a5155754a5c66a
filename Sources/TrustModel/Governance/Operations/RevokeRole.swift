/// Takes a role away, by the number of its binding; the last trust administrator stays.
package struct RevokeRole: GovernedOperation {
    package static let kind = OperationKind.revokeRole
    package static let concern = ChangeConcern.administration

    package let binding: Int64

    package init(binding: Int64) { self.binding = binding }

    package var adds: Bool { false }
    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package func alone(in team: TeamName?) -> Permission? { .administer }
    package var summary: String { "takes the role binding \(binding) away" }
}
