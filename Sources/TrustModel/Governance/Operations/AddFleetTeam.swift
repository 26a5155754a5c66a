/// Takes a team into a fleet.
package struct AddFleetTeam: FleetOperation {
    package static let kind = OperationKind.addFleetTeam

    package let fleet: FleetName
    package let team: TeamName

    package init(fleet: FleetName, team: TeamName) {
        self.fleet = fleet
        self.team = team
    }

    package var summary: String {
        "takes team \(team) into fleet \(fleet)"
    }
}
