/// Takes a team out of a fleet.
package struct RemoveFleetTeam: FleetOperation {
    package static let kind = OperationKind.removeFleetTeam

    package let fleet: FleetName
    package let team: TeamName

    package init(fleet: FleetName, team: TeamName) {
        self.fleet = fleet
        self.team = team
    }

    package var summary: String {
        "takes team \(team) out of fleet \(fleet)"
    }
}
