/// Makes a team, in the server's custody.
package struct AddTeam: GovernedOperation {
    package static let kind = OperationKind.addTeam
    package static let concern = ChangeConcern.administration

    package let team: TeamName
    package let displayName: String

    package init(team: TeamName, displayName: String) {
        self.team = team
        self.displayName = displayName
    }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package var summary: String { "makes the team \(team) (\(displayName))" }
}
