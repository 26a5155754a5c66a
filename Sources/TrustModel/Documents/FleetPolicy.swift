/// What the trust administrators say of a fleet's images beside its teams.
package struct FleetPolicy: Sendable, Hashable, Codable {
    /// One of the fleet's own statements, for scopes that no team of it owns, by stores of its teams.
    package struct Statement: Sendable, Hashable, Codable {
        package let name: String
        package let registryScopes: [RegistryScope]
        /// `strict`, `permissive`, `audit` or `skip`, as in Notation.
        package let level: String
        package let override: [String: String]?
        package let stores: [TrustStoreID]
        package let trustedIdentities: [String]

        package init(
            name: String, registryScopes: [RegistryScope], level: String, override: [String: String]? = nil,
            stores: [TrustStoreID], trustedIdentities: [String]
        ) {
            self.name = name
            self.registryScopes = registryScopes
            self.level = level
            self.override = override
            self.stores = stores
            self.trustedIdentities = trustedIdentities
        }
    }

    /// In `critical` of settings with a floor: a host that does not know it would accept more than was said.
    package static let floorFeature = "policy-floor"

    package let statements: [Statement]
    /// The level of the standard statement, of teams that wrote none; absent for strict.
    package let standardLevel: VerificationLevel?
    /// The least that a team's statement may ask, check by check; absent for anything.
    package let floor: VerificationLevel?

    package init(
        statements: [Statement] = [], standardLevel: VerificationLevel? = nil, floor: VerificationLevel? = nil
    ) {
        self.statements = statements
        self.standardLevel = standardLevel
        self.floor = floor
    }

    package static let none = FleetPolicy()

    /// Refuses what hosts could not obey.
    ///
    /// - Throws: `TrustModelError(.policy)` for statements as no team could write them either, and a standard level
    ///   that skips, or that the floor forbids.
    package func check() throws(TrustModelError) {
        if !statements.isEmpty { _ = try TeamStatements(statements.map(\.asTeamStatement)) }
        guard let standardLevel else { return }
        guard standardLevel != .skip else {
            throw TrustModelError(
                .policy, "the standard statement cannot skip verification", hint: "strict, permissive or audit")
        }
        guard standardLevel.rank >= (floor ?? .skip).rank else {
            throw TrustModelError(
                .policy, "the standard level \(standardLevel.rawValue) is below the floor \(floor?.rawValue ?? "")",
                hint: "lower the floor, or raise the standard level")
        }
    }

    /// What it says, a line each.
    package var lines: [String] {
        statements.map { "the fleet's statement \($0.summary)" }
            + (standardLevel.map { ["the standard statement of teams is \($0.rawValue)"] } ?? [])
            + (floor.map { ["no statement of a team counts for less than \($0.rawValue)"] } ?? [])
    }
}

extension FleetPolicy.Statement {
    /// What it says, for people.
    package var summary: String { asTeamStatement.summary(stores: stores.map(\.description)) }

    /// The same with references as teams write them, of which each stands once.
    fileprivate var asTeamStatement: TeamPolicy.Statement {
        var references: [TeamPolicy.StoreReference] = []
        for store in stores {
            let reference = TeamPolicy.StoreReference(kind: store.kind, name: store.name)
            if !references.contains(reference) { references.append(reference) }
        }
        return TeamPolicy.Statement(
            name: name, registryScopes: registryScopes, level: level, override: override, stores: references,
            trustedIdentities: trustedIdentities)
    }
}
