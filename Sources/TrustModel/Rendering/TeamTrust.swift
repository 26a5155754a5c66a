import Codecs

/// One team's part of a host's trust, held against the fleet's settings but not yet against the denials.
struct TeamTrust: Sendable {
    /// Whether content must be within today's settings whole, or is cut down to them.
    enum Fit: Sendable {
        /// New content: one statement outside the team's scopes refuses all of it.
        case whole
        /// Last good content, which may be older than the settings.
        case cut
    }

    struct Store: Sendable {
        let id: TrustStoreID
        var anchors: [TrustAnchorFacts]
        let constraints: [TeamPolicy.AnchorConstraint]
        /// Identifiers of the denials that took a self-signed anchor away.
        var denied: Set<String> = []
    }

    /// Constraints of all stores together; one is repeated in each store that holds its anchor.
    private static let constraintLimit = 10_000

    let statements: [HostTrust.Statement]
    var stores: [Store]
    var warnings: [TrustWarning]

    init(
        _ content: TeamTargets, team: FleetSettings.Team, owners: ScopeOwners, rules: FleetPolicy? = nil, fit: Fit
    ) throws {
        guard let bytes = content.policy else {
            throw TrustModelError(.document, "its role lists no \(TeamPolicy.fileName)")
        }
        let policy = try TeamPolicy(verifiedBytes: bytes)
        guard policy.team == team.name, content.team == team.name else {
            throw TrustModelError(.document, "its policy is the one of team \(policy.team)")
        }
        var warnings: [TrustWarning] = []
        statements = try Self.statements(policy, team: team.name, owners: owners, fit: fit, &warnings).map {
            Self.held($0, to: rules, &warnings)
        }
        stores = try Self.stores(content, policy: policy, team: team, &warnings)
        self.warnings = warnings
    }

    /// A team of which nothing can be used.
    init(warnings: [TrustWarning]) {
        statements = []
        stores = []
        self.warnings = warnings
    }

    private static func statements(
        _ policy: TeamPolicy, team: TeamName, owners: ScopeOwners, fit: Fit, _ warnings: inout [TrustWarning]
    ) throws -> [HostTrust.Statement] {
        var names: Set<String> = []
        var taken: Set<RegistryScope> = []
        var statements: [HostTrust.Statement] = []
        for statement in policy.statements {
            guard names.insert(statement.name).inserted, !statement.name.isEmpty else {
                throw TrustModelError(.policy, "two statements have the name \"\(statement.name.prefix(64))\"")
            }
            if let scope = statement.registryScopes.first(where: { !taken.insert($0).inserted }) {
                throw TrustModelError(.policy, "registry scope \(scope) stands twice in its statements")
            }
            let foreign = statement.registryScopes.filter { owners.owner(of: $0) != team }
            if let scope = foreign.first {
                let found = "statement \"\(statement.name.prefix(64))\" speaks for \(scope), which is not the team's"
                guard fit == .cut else { throw TrustModelError(.foreignScope, found) }
                warnings.append(TrustWarning(.statement, team: team, "\(found) any more; it is left out there"))
            }
            let scopes = statement.registryScopes.filter { owners.owner(of: $0) == team }
            if scopes.isEmpty { continue }
            statements.append(
                HostTrust.Statement(
                    name: statement.name, team: team, scopes: scopes.sorted(), level: statement.level,
                    override: statement.override,
                    stores: statement.stores.map { TrustStoreID(team: team, kind: $0.kind, name: $0.name) },
                    trustedIdentities: statement.trustedIdentities))
        }
        return statements
    }

    /// A statement as the fleet's administrators let it count.
    private static func held(
        _ statement: HostTrust.Statement, to rules: FleetPolicy?, _ warnings: inout [TrustWarning]
    ) -> HostTrust.Statement {
        var statement = statement
        if let level = rules?.standardLevel, statement.name == statement.team?.rawValue {
            statement = statement.lowered(to: level) ?? statement
        }
        guard let floor = rules?.floor, let raised = statement.raised(to: floor) else { return statement }
        warnings.append(
            TrustWarning(
                .floor, team: statement.team,
                "statement \"\(statement.name.prefix(64))\" asks less than the fleet's floor \(floor.rawValue); it is held to that"
            ))
        return raised
    }

    private static func stores(
        _ content: TeamTargets, policy: TeamPolicy, team: FleetSettings.Team, _ warnings: inout [TrustWarning]
    ) throws -> [Store] {
        var stores: [Store] = []
        var constraintCount = 0
        for (id, pem) in content.stores.sorted(by: { $0.key < $1.key }) {
            guard id.team == team.name else {
                throw TrustModelError(.store, "its role carries the store \(id) of another team")
            }
            var anchors = try TrustAnchorFacts.parse(pem: pem, of: id)
            if let allowed = team.allowed(in: id.kind) {
                for anchor in anchors where !allowed.contains(anchor.sha256) {
                    warnings.append(
                        TrustWarning(
                            .anchor, team: team.name,
                            "anchor \(anchor.sha256) of store \(id) is not among the anchors that the fleet's settings allow; it is left out"
                        ))
                }
                anchors.removeAll { !allowed.contains($0.sha256) }
            }
            let held = Set(anchors.map(\.sha256))
            let constraints = policy.constraints.filter { held.contains($0.anchor) }
            constraintCount += constraints.count
            guard constraintCount <= constraintLimit else {
                throw TrustModelError(
                    .document, "its policy limits anchors more than \(constraintLimit) times over all stores")
            }
            stores.append(Store(id: id, anchors: anchors, constraints: constraints))
        }
        return stores
    }
}
