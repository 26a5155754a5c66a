/// Says what holds for a fleet's images beside its teams: all of it, and what is left out is as in a new fleet.
package struct SetFleetPolicy: FleetOperation, ReplacingOperation {
    package static let kind = OperationKind.setFleetPolicy

    package let fleet: FleetName
    package let policy: FleetPolicy
    package let madeFrom: String?

    /// - Throws: `TrustModelError(.policy)` for what hosts could not obey.
    package init(fleet: FleetName, policy: FleetPolicy, madeFrom: String? = nil) throws(TrustModelError) {
        try policy.check()
        self.init(checked: policy, of: fleet, madeFrom: madeFrom)
    }

    private init(checked policy: FleetPolicy, of fleet: FleetName, madeFrom: String?) {
        self.fleet = fleet
        self.policy = policy
        self.madeFrom = madeFrom
    }

    package func made(from state: String?) -> Self { Self(checked: policy, of: fleet, madeFrom: state) }

    package var summary: String {
        let lines = policy.lines
        return "sets the policy of fleet \(fleet): \(lines.isEmpty ? "none of its own" : lines.joined(separator: "; "))"
    }

    private enum CodingKeys: String, CodingKey { case fleet, statements, standardLevel, floor, madeFrom }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let fleet = try container.decode(FleetName.self, forKey: .fleet)
        let statements = try container.decodeIfPresent([FleetPolicy.Statement].self, forKey: .statements)
        let standardLevel = try container.decodeIfPresent(VerificationLevel.self, forKey: .standardLevel)
        let floor = try container.decodeIfPresent(VerificationLevel.self, forKey: .floor)
        try self.init(
            fleet: fleet,
            policy: FleetPolicy(statements: statements ?? [], standardLevel: standardLevel, floor: floor),
            madeFrom: try container.decodeIfPresent(String.self, forKey: .madeFrom))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(fleet, forKey: .fleet)
        try container.encode(policy.statements, forKey: .statements)
        try container.encodeIfPresent(policy.standardLevel, forKey: .standardLevel)
        try container.encodeIfPresent(policy.floor, forKey: .floor)
        try container.encodeIfPresent(madeFrom, forKey: .madeFrom)
    }
}
