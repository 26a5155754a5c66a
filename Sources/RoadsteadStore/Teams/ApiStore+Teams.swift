package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    package func teams(_ page: PageRequest) async throws -> KeysetPage<TeamRecord> {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let list = ListTeams(after: page.textAfter, readable: reader.teams, limit: page.fetched)
            let rows = try await transaction.fetchAll(list)
            return KeysetPage(fetched: try await transaction.records(of: rows), limit: page.limit) { $0.name.rawValue }
        }
    }

    package func team(_ name: TeamName) async throws -> TeamRecord {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            try await transaction.record(of: try await transaction.requireTeam(name))
        }
    }

    // MARK: - Repositories

    package func repositories(_ page: PageRequest) async throws -> KeysetPage<RegistryScope> {
        let list = ListRepositories(after: page.textAfter, readable: reader.teams, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(list), limit: page.limit) { $0.rawValue }
    }

    /// Records a repository, into which prefixes expand; whoever may propose for the team that owns it may do so.
    ///
    /// - Returns: whether it is new.
    /// - Throws: `StoreError(.conflict)` when a new one would be above `RepositoryLimits`.
    @discardableResult
    package func addRepository(_ name: RegistryScope, by actor: Actor, now: UTCDate) async throws -> Bool {
        guard name.hasPath else {
            throw StoreError(.invalid, "\"\(name)\" is a registry, not a repository", hint: "registry/path")
        }
        return try await work(actor, nil, now: now) { work in
            guard let owner = try await work.transaction.fetchOptional(FetchRepositoryOwner(repository: name)) else {
                throw StoreError(
                    .conflict, "no team owns a scope that covers \"\(name)\"", hint: "add the scope to a team first")
            }
            try work.authority.requireAny([.propose(owner), .administer])
            let team = try await work.transaction.lockTeam(owner)
            guard try await work.transaction.fetchOptional(InsertRepository(name: name, now: now)) != nil else {
                return false
            }
            if let count = try await work.transaction.fetchOptional(CountRepositories(team: team.id)) {
                try RepositoryLimits.check(everywhere: count.everywhere, ofTeam: count.ofTeam, team: owner)
            }
            try await work.audit.record(.repositoryAdded, name, team: owner)
            try await work.transaction.execute(SendPublishSignal())
            return true
        }
    }

    /// Forgets a repository; whoever may record it may do so.
    package func removeRepository(_ name: RegistryScope, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, nil, now: now) { work in
            let owner = try await work.transaction.fetchOptional(FetchRepositoryOwner(repository: name))
            try work.authority.requireAny((owner.map { [.propose($0)] } ?? []) + [.administer])
            guard try await work.transaction.execute(DeleteRepository(name: name)) == 1 else {
                throw StoreError.noSuch("repository", name)
            }
            try await work.audit.record(.repositoryRemoved, name, team: owner)
            try await work.transaction.execute(SendPublishSignal())
        }
    }

    // MARK: - Trust stores

    package func createStore(_ store: TrustStoreID, by actor: Actor, now: UTCDate) async throws -> StoreRecord {
        try await work(actor, .createStore(store.team), now: now) { work in
            let team = try await work.transaction.lockTeam(store.team)
            let insert = InsertStore(team: team.id, kind: store.kind, name: store.name, now: now)
            guard try await work.transaction.fetchOptional(insert) != nil else {
                throw StoreError(.conflict, "there is a store \"\(store)\" already")
            }
            _ = try await work.transaction.fetchOne(AdvanceTeam(id: team.id, change: nil))
            try await work.audit.record(.storeCreated, store, team: store.team)
            try await work.transaction.execute(SendPublishSignal())
            return StoreRecord(id: store, anchors: 0)
        }
    }
}

extension Transaction {
    func requireTeam(_ name: TeamName) async throws -> TeamRow {
        guard let team = try await fetchOptional(FetchTeam(name: name)) else { throw StoreError.noSuch("team", name) }
        return team
    }

    func lockTeam(_ name: TeamName) async throws -> TeamRow {
        guard let team = try await fetchOptional(LockTeam(name: name)) else { throw StoreError.noSuch("team", name) }
        return team
    }

    func record(of team: TeamRow) async throws -> TeamRecord {
        guard let record = try await records(of: [team]).first else { throw StoreError.noSuch("team", team.name) }
        return record
    }

    func records(of teams: [TeamRow]) async throws -> [TeamRecord] {
        let ids = teams.map(\.id)
        let scopes = Dictionary(grouping: try await fetchAll(ListScopes(teams: ids)), by: \.team)
        let stores = Dictionary(grouping: try await fetchAll(ListStores(teams: ids)), by: \.team)
        let online = Set(try await fetchAll(ListOnlineFleets(teams: ids)).map(\.team))
        return teams.map { team in
            TeamRecord(
                name: team.name, displayName: team.displayName, custody: team.custody, version: team.version,
                scopes: (scopes[team.id] ?? []).map(\.scope).sorted(), stores: (stores[team.id] ?? []).map(\.store),
                created: team.created, targetsOnline: online.contains(team.id))
        }
    }
}
