/// Gives a registry scope to a team. One exact scope has one owner; of nested ones the longest counts.
package struct AddScope: GovernedOperation {
    package static let kind = OperationKind.addScope
    package static let concern = ChangeConcern.administration

    package let team: TeamName
    package let scope: RegistryScope

    package init(team: TeamName, scope: RegistryScope) {
        self.team = team
        self.scope = scope
    }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package var summary: String { "gives the registry scope \(scope) to team \(team)" }
}
