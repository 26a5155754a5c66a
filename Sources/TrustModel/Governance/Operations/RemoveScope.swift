/// Takes a registry scope from its team.
package struct RemoveScope: GovernedOperation, HandingOver {
    package static let kind = OperationKind.removeScope
    package static let concern = ChangeConcern.administration

    package let team: TeamName
    package let scope: RegistryScope
    package let acceptHandover: Bool?

    package init(team: TeamName, scope: RegistryScope, acceptHandover: Bool? = nil) {
        self.acceptHandover = acceptHandover
        self.team = team
        self.scope = scope
    }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package var summary: String { "takes the registry scope \(scope) from team \(team)" }
}
