import Codecs
package import PostgresKit
package import TrustModel

/// The store as a publisher sees it: brings approved changes in, reads what releases are made from, keeps what was signed.
package struct PublisherStore: Sendable {
    let pool: ConnectionPool
    let inspector: AnchorInspector

    package init(pool: ConnectionPool, inspector: AnchorInspector = .certificates) {
        self.pool = pool
        self.inspector = inspector
    }

    package var files: PublishedFiles { PublishedFiles(pool: pool) }

    package func fleets() async throws -> [FleetName] { try await pool.fetchAll(ListFleetNames()) }

    /// Runs the closure while no other publisher works on the fleet; nil when one does.
    ///
    /// The lock is for politeness: it ends with its connection, also while the closure still runs. What keeps two
    /// publishers apart in truth are the constraints that the recording functions meet, as `StoreError(.fence)`.
    package func withPublishingLock<Result>(
        _ fleet: FleetName, _ body: () async throws -> Result
    ) async throws -> Result? {
        try await pool.withTransaction { transaction in
            guard try await transaction.fetchOne(TryPublishingLock(fleet: fleet)) else { return nil }
            return try await body()
        }
    }

    /// Everything that the fleet's next release is made from, in one state of the database.
    package func state(of name: FleetName) async throws -> FleetState {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let fleet = try await transaction.requireFleet(name)
            let teams = try await transaction.fetchAll(ListTeamsOfFleet(fleet: fleet.id))
            let ids = teams.map(\.id)
            let current = try await transaction.fetchAll(ListCurrentRoles(fleet: fleet.id))
            let teamRoles = try await transaction.fetchAll(ListLatestTeamRoles(teams: ids))
            let recent = try await transaction.fetchAll(ListReleases(fleet: name, before: 0, limit: 2))
            return FleetState(
                content: try await transaction.content(of: fleet, teams),
                roots: try await transaction.fetchAll(ListRoots(fleet: name)),
                current: Dictionary(current.map { ($0.role ?? "", $0) }) { first, _ in first },
                counters: Self.counters(
                    try await transaction.fetchAll(ListRoleVersions(fleet: fleet.id)), teamRoles),
                teamRoles: Dictionary(teamRoles.map { ($0.team, $0) }) { first, _ in first },
                keys: try await transaction.fetchAll(ListKeysFor(fleet: fleet.id, teams: ids)),
                changes: try await transaction.fetchAll(ListChangesToRelease(teams: ids, fleet: fleet.id)),
                last: recent.first { $0.state == .published }, unfinished: recent.first { $0.state != .published })
        }
    }

    private static func counters(
        _ versions: [(role: String, version: Int64)], _ teamRoles: [TeamRoleRecord]
    ) -> [String: Int64] {
        let all = versions.map { ($0.role, $0.version) } + teamRoles.map { ($0.team.rawValue, $0.version) }
        return Dictionary(all, uniquingKeysWith: max)
    }
}

extension Transaction {
    func content(of fleet: FleetRow, _ teams: [TeamRow]) async throws -> FleetContent {
        let ids = teams.map(\.id)
        let scopes = Dictionary(grouping: try await fetchAll(ListScopes(teams: ids)), by: \.team)
        let stores = Dictionary(grouping: try await fetchAll(ListStores(teams: ids)), by: \.team)
        let anchors = Dictionary(grouping: try await fetchAll(ListActiveAnchors(teams: ids)), by: \.store)
        let settings = try await fetchAll(ListEnforcerModes(fleet: fleet.id))
        return FleetContent(
            fleet: fleet.name, id: fleet.fleetID, profile: fleet.profile,
            enforcers: EnforcerKind.allCases.map { kind in
                let mode = settings.first { $0.enforcer == kind }?.mode ?? fleet.mode
                return FleetSettings.EnforcerSetting(enforcer: kind, mode: mode)
            },
            teams: teams.map { team in
                TeamContent(
                    name: team.name, custody: team.custody, scopes: (scopes[team.id] ?? []).map(\.scope),
                    stores: (stores[team.id] ?? []).map { entry in
                        StoreContent(
                            kind: entry.store.id.kind, name: entry.store.id.name,
                            anchors: (anchors[entry.id] ?? []).map(\.certificate))
                    })
            },
            repositories: try await fetchAll(ListRepositoriesOfTeams(teams: ids)))
    }
}
