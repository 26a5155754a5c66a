package import Codecs
import PKI

/// What signatures on one artifact must satisfy: a trust policy statement with its stores at hand.
package struct VerificationPolicy: Sendable {
    /// The statement's name.
    package let name: String
    /// The team whose statement it is; nil in a Notation configuration, which knows no teams.
    package let team: TeamName?
    package let level: VerificationLevel
    package let overrides: [VerificationCheck: CheckAction]
    package let timestampRequirement: TimestampRequirement
    package let stores: [TrustStore]
    package let identities: [TrustedIdentity]
    /// In how many of the stores, each counted once, a signer must be found (n of m).
    package let requiredStores: Int

    package init(
        name: String, team: TeamName? = nil, level: VerificationLevel,
        overrides: [VerificationCheck: CheckAction] = [:], timestampRequirement: TimestampRequirement = .always,
        stores: [TrustStore], identities: [TrustedIdentity], requiredStores: Int = 1
    ) {
        self.name = name
        self.team = team
        self.level = level
        self.overrides = overrides
        self.timestampRequirement = timestampRequirement
        self.stores = stores
        self.identities = identities
        self.requiredStores = max(1, requiredStores)
    }

    /// What a failed check means.
    package func action(for check: VerificationCheck) -> CheckAction {
        overrides[check] ?? level.action(for: check)
    }
}

extension NotationPolicy.Statement {
    /// The statement with its stores, each read by `load`; what `load` throws makes that store unusable, and no other.
    package func policy(load: (NamedStore) throws -> TrustStore) -> VerificationPolicy {
        let stores = trustStores.map { store in
            do { return try load(store) } catch { return TrustStore(store, problem: "\(error)") }
        }
        return VerificationPolicy(
            name: name, level: level, overrides: overrides, timestampRequirement: timestampRequirement, stores: stores,
            identities: trustedIdentities)
    }
}

extension HostTrust {
    /// The policy for a repository at a moment: the longest scope that covers it wins; nil where none does.
    ///
    /// - Throws: `TrustModelError(.policy)` where two statements claim it with equal scopes, or where the statement is
    ///   one that a Notation configuration must not have either.
    package func policy(
        for repository: RegistryScope, at time: UTCDate
    ) throws(TrustModelError) -> VerificationPolicy? {
        try deciding(repository, at: time).map { found throws(TrustModelError) in try policy(of: found.statement) }
    }

    /// The statement that decides about a repository at a moment, and its scope that does.
    package func deciding(
        _ repository: RegistryScope, at time: UTCDate
    ) throws(TrustModelError) -> (scope: RegistryScope, statement: Statement)? {
        let candidates = statements(at: time).compactMap { statement -> (scope: RegistryScope, statement: Statement)? in
            let scopes = statement.scopes.filter { $0.covers(repository) }
            return scopes.max { $0.length < $1.length }.map { ($0, statement) }
        }
        guard let longest = candidates.max(by: { $0.scope.length < $1.scope.length }) else { return nil }
        let claiming = candidates.filter { $0.scope.length == longest.scope.length }.map(\.statement)
        guard claiming.count == 1 else {
            throw TrustModelError(
                .policy,
                "more than one statement is for \(repository) with equal scopes: "
                    + claiming.map { "\"\($0.name.prefix(64))\"" }.joined(separator: ", "),
                hint: "the team gives every scope to one statement")
        }
        return longest
    }

    private func policy(of statement: Statement) throws(TrustModelError) -> VerificationPolicy {
        let level: VerificationLevel = try word(statement.level, "verification level")
        let overrides = try NotationPolicy.Statement.overrides(
            (statement.override ?? [:]).map { ($0.key, $0.value) }, level: level)
        var stores: [TrustStore] = []
        for id in statement.stores { stores.append(try store(id)) }
        return VerificationPolicy(
            name: statement.name, team: statement.team, level: level, overrides: overrides, stores: stores,
            identities: try NotationPolicy.Statement.identities(statement.trustedIdentities))
    }

    private func store(_ id: TrustStoreID) throws(TrustModelError) -> TrustStore {
        let name = try NamedStore(id)
        guard let store = stores.first(where: { $0.id == id }) else {
            return TrustStore(name, problem: "the host was given no store of that name")
        }
        var anchors: [TrustStore.Anchor] = []
        for text in store.anchors {
            guard let der = try? Base64.decode(text), let certificate = try? Certificate(der: der) else {
                return TrustStore(name, problem: "one of its anchors is not a certificate")
            }
            let constraint = store.constraints.first { $0.anchor == certificate.sha256 }
            anchors.append(TrustStore.Anchor(certificate, constraint: constraint))
        }
        return TrustStore(name, anchors: anchors)
    }
}
