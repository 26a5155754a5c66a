/// One kind of step of a change that a type of its own describes: what it asks of people, and how it reads.
///
/// A kind stands in `OperationKind`; what it does to the database is the store's.
package protocol GovernedOperation: Sendable, Hashable, Codable {
    static var kind: OperationKind { get }
    static var concern: ChangeConcern { get }
    /// Whether others must agree: everything but taking trust or authority away.
    var adds: Bool { get }
    /// What the author must hold, all of it.
    func proposal(in team: TeamName?) -> [Permission]
    /// What an approver must hold.
    func approval(in team: TeamName?) -> Permission
    /// What somebody must hold who does it alone; nil where nobody does. Asked only of what does not add.
    func alone(in team: TeamName?) -> Permission?
    /// The fleet that it is about; nil for others.
    var concernedFleet: FleetName? { get }
    /// The team that asks for it where its change is of no team; its people are no outsiders.
    var asking: TeamName? { get }
    /// What it does, in a line for people.
    var summary: String { get }
}

extension GovernedOperation {
    package var adds: Bool { true }
    package func alone(in team: TeamName?) -> Permission? { nil }
    package var concernedFleet: FleetName? { nil }
    package var asking: TeamName? { nil }
}

/// An operation of any governed kind, comparable.
package struct GovernedStep: Sendable, Hashable {
    package let operation: any GovernedOperation

    package init(_ operation: any GovernedOperation) { self.operation = operation }

    package static func == (lhs: Self, rhs: Self) -> Bool {
        AnyHashable(lhs.operation) == AnyHashable(rhs.operation)
    }

    package func hash(into hasher: inout Hasher) { AnyHashable(operation).hash(into: &hasher) }
}
