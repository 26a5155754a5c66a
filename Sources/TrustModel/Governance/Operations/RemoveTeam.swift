/// Removes a team that is in no fleet any more; its scopes become free, its name never does.
package struct RemoveTeam: GovernedOperation, HandingOver {
    package static let kind = OperationKind.removeTeam
    package static let concern = ChangeConcern.administration

    package let team: TeamName
    package let acceptHandover: Bool?

    package init(team: TeamName, acceptHandover: Bool? = nil) {
        self.acceptHandover = acceptHandover
        self.team = team
    }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package var summary: String { "removes the team \(team)" }
}
