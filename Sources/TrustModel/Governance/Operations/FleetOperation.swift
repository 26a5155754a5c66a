/// An operation about what one fleet's hosts do.
package protocol FleetOperation: GovernedOperation {
    var fleet: FleetName { get }
}

extension FleetOperation {
    package static var concern: ChangeConcern { .fleets }
    package var concernedFleet: FleetName? { fleet }
    package func proposal(in team: TeamName?) -> [Permission] { [.proposeFleet(fleet)] }
    package func approval(in team: TeamName?) -> Permission { .approveFleet(fleet) }
}
