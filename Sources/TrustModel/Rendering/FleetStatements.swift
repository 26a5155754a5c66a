/// The fleet's own statements as hosts obey them: within what no team of the fleet owns.
struct FleetStatements: Sendable {
    private(set) var statements: [HostTrust.Statement] = []
    private(set) var warnings: [TrustWarning] = []

    init(_ policy: FleetPolicy?, owners: ScopeOwners) {
        var names: Set<String> = []
        var taken: Set<RegistryScope> = []
        for statement in policy?.statements ?? [] {
            let free = statement.registryScopes.filter { owners.isFree($0) && taken.insert($0).inserted }
            if let owned = statement.registryScopes.first(where: { !owners.isFree($0) }) {
                warnings.append(
                    TrustWarning(
                        .statement,
                        "the fleet's statement \"\(statement.name.prefix(64))\" is left out for \(owned), which belongs to a team"
                    ))
            }
            guard !free.isEmpty, !statement.name.isEmpty, names.insert(statement.name).inserted else { continue }
            statements.append(
                HostTrust.Statement(
                    name: statement.name, team: nil, scopes: free.sorted(), level: statement.level,
                    override: statement.override, stores: statement.stores,
                    trustedIdentities: statement.trustedIdentities))
        }
    }
}
