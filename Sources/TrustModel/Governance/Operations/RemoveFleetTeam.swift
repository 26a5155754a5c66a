/// Takes a team out of a fleet.
package struct RemoveFleetTeam: FleetOperation, HandingOver {
    package static let kind = OperationKind.removeFleetTeam

    package let fleet: FleetName
    package let team: TeamName
    package let acceptHandover: Bool?

    package init(fleet: FleetName, team: TeamName, acceptHandover: Bool? = nil) {
        self.acceptHandover = acceptHandover
        self.fleet = fleet
        self.team = team
    }

    package var summary: String {
        "takes team \(team) out of fleet \(fleet)"
    }
}
