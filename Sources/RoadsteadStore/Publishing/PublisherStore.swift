import Codecs
package import PostgresKit
package import TrustModel

/// The store as a publisher sees it: brings approved changes in, reads what releases are made from, keeps what was signed.
package struct PublisherStore: Sendable {
    let pool: ConnectionPool
    let inspector: AnchorInspector
    /// Whoever holds a fleet's lock holds a connection and needs another one for the work.
    private let locks: PermitQueue
    /// The same for whoever makes keys, one at a time.
    let makers = PermitQueue(count: 1)

    /// - Parameter pool: of two connections at least; half of them may hold locks, the others are for the work.
    package init(pool: ConnectionPool, inspector: AnchorInspector = .certificates) {
        self.pool = pool
        self.inspector = inspector
        locks = PermitQueue(count: max(1, pool.limits.connections / 2))
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
        try await locks.acquire()
        defer { locks.release() }
        return try await pool.withTransaction { transaction in
            guard try await transaction.fetchOne(TryPublishingLock(fleet: fleet)) else { return nil }
            return try await body()
        }
    }

    /// Everything that the fleet's next release is made from, in one state of the database.
    package func state(of name: FleetName) async throws -> FleetState {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { try await $0.state(of: name) }
    }

    /// Of several keys for one purpose the first is in force; the others only help hosts over the change.
    fileprivate static func inForce(_ keys: [ServerKeyRecord]) -> (held: [ServerKeyRecord], former: [ServerKeyRecord]) {
        var places: Set<KeyPlace> = []
        var (held, former): ([ServerKeyRecord], [ServerKeyRecord]) = ([], [])
        for key in keys { if places.insert(key.place).inserted { held.append(key) } else { former.append(key) } }
        return (held, former)
    }
}

extension Transaction {
    func state(of name: FleetName) async throws -> FleetState {
        let fleet = try await requireFleet(name)
        let teams = try await fetchAll(ListTeamsOfFleet(fleet: fleet.id))
        let ids = teams.map(\.id)
        let contents = try await contents(of: teams, in: fleet)
        let current = try await fetchAll(ListCurrentRoles(fleet: fleet.id))
        let teamRoles = try await fetchAll(ListTeamRoles(contents: contents))
        let versions =
            try await fetchAll(ListRoleVersions(fleet: fleet.id)) + fetchAll(ListTeamVersions(teams: ids))
        let recent = try await fetchAll(ListReleases(fleet: name, before: 0, limit: 2))
        let keys = try await fetchAll(ListKeysFor(fleet: fleet.id, teams: ids))
        let (held, former) = PublisherStore.inForce(keys.map(\.record))
        return FleetState(
            content: try await content(of: fleet, teams, contents),
            roots: try await fetchAll(ListRoots(fleet: name)),
            current: Dictionary(current.map { ($0.role ?? "", $0) }) { first, _ in first },
            counters: Dictionary(versions, uniquingKeysWith: max),
            contentNumbers: Dictionary(contents.map { ($0.team.name, $0.number) }) { first, _ in first },
            teamRoles: Dictionary(teamRoles.map { ($0.team, $0) }) { first, _ in first },
            keys: held, formerKeys: former,
            changes: try await fetchAll(ListChangesToRelease(contents: contents, fleet: fleet.id)),
            last: recent.first { $0.state == .published }, unfinished: recent.first { $0.state != .published },
            pending: try await pendingCeremony(of: fleet, keys: keys.filter(\.isPending).map(\.record.key.keyID)),
            signedTargets: try await signedTargets(of: fleet),
            teamQuorums: try await quorums(of: teams), handingBack: try await handingBack(of: teams),
            halt: try await fetchOptional(ListHalts(fleet: name))?.reason,
            auditHead: try await fetchOne(FetchAuditHead()))
    }

    func content(of fleet: FleetRow, _ teams: [TeamRow], _ contents: [TakenContent]) async throws -> FleetContent {
        let ids = teams.map(\.id)
        let scopes = Dictionary(grouping: try await fetchAll(ListScopes(teams: ids)), by: \.team)
        let settings = try await fetchAll(ListEnforcerModes(fleet: fleet.id))
        let certificates = try await certificates(in: contents)
        let allowed = try await allowedAnchors(in: contents)
        return FleetContent(
            fleet: fleet.name, id: fleet.fleetID, profile: fleet.profile,
            enforcers: EnforcerKind.allCases.map { kind in
                let mode = settings.first { $0.enforcer == kind }?.mode ?? fleet.mode
                return FleetSettings.EnforcerSetting(enforcer: kind, mode: mode)
            },
            teams: try contents.map { content in
                TeamContent(
                    name: content.team.name, custody: content.team.custody,
                    scopes: (scopes[content.team.id] ?? []).map(\.scope), stores: try content.stores(certificates),
                    statements: content.document.statements, constraints: content.document.constraints ?? [],
                    allowedAnchors: allowed[content.team.id])
            },
            denials: try await fetchAll(ListDenialsInForce(teams: ids)).map(\.published),
            repositories: try await fetchAll(ListRepositoriesOfTeams(teams: ids)), options: fleet.options,
            policy: try await fleetPolicy(of: fleet),
            exceptions: try await fetchAll(ListExceptions(fleet: fleet.name, all: false)).map(\.exception))
    }
}
