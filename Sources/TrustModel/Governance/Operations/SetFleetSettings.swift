/// Sets what a fleet's hosts do beside their mode: all of it, and what is left out is as in a new fleet.
package struct SetFleetSettings: FleetOperation, ReplacingOperation {
    package static let kind = OperationKind.setFleetSettings

    package let fleet: FleetName
    package let options: FleetOptions
    package let madeFrom: String?

    package init(fleet: FleetName, options: FleetOptions, madeFrom: String? = nil) {
        self.fleet = fleet
        self.options = options
        self.madeFrom = madeFrom
    }

    package func made(from state: String?) -> Self { Self(fleet: fleet, options: options, madeFrom: state) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        fleet = try container.decode(FleetName.self, forKey: .fleet)
        options = try FleetOptions(
            rejectAfterSeconds: try container.decodeIfPresent(Int64.self, forKey: .rejectAfterSeconds),
            inexpressible: try container.decodeIfPresent(FleetSettings.Inexpressible.self, forKey: .inexpressible)
                ?? .rejectScope,
            localScopes: try container.decodeIfPresent([RegistryScope].self, forKey: .localScopes) ?? [])
        madeFrom = try container.decodeIfPresent(String.self, forKey: .madeFrom)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(fleet, forKey: .fleet)
        try container.encodeIfPresent(options.rejectAfterSeconds, forKey: .rejectAfterSeconds)
        try container.encode(options.inexpressible, forKey: .inexpressible)
        try container.encode(options.localScopes, forKey: .localScopes)
        try container.encodeIfPresent(madeFrom, forKey: .madeFrom)
    }

    private enum CodingKeys: String, CodingKey { case fleet, rejectAfterSeconds, inexpressible, localScopes, madeFrom }

    package var summary: String { "sets fleet \(fleet): \(options)" }
}
