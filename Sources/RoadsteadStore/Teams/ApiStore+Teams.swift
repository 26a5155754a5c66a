package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    package func teams(_ page: PageRequest) async throws -> KeysetPage<TeamRecord> {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let rows = try await transaction.fetchAll(ListTeams(after: page.textAfter, limit: page.fetched))
            return KeysetPage(fetched: try await transaction.records(of: rows), limit: page.limit) { $0.name.rawValue }
        }
    }

    package func team(_ name: TeamName) async throws -> TeamRecord {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            try await transaction.record(of: try await transaction.requireTeam(name))
        }
    }

    /// Makes a team in the server's custody; the name of a removed team is never used again.
    package func createTeam(
        _ name: TeamName, displayName: String, by actor: Actor, now: UTCDate
    ) async throws -> TeamRecord {
        try Texts.check(displayName, "display name", maximum: 200)
        return try await work(actor, .administer, now: now) { work in
            let transaction = work.transaction
            let insert = InsertTeam(name: name, displayName: displayName, custody: .server, now: now)
            guard let team = try await transaction.fetchOptional(insert) else {
                if let removed = try await transaction.fetchOne(FetchTeamRemoval(name: name)) {
                    throw StoreError(
                        .conflict, "there was a team \"\(name)\" until \(removed), and names are never used again",
                        hint: "choose another name")
                }
                throw StoreError(.conflict, "there is a team \"\(name)\" already")
            }
            try await work.audit.record(.teamCreated, name, team: name)
            return try await transaction.record(of: team)
        }
    }

    /// Removes a team that is in no fleet any more; its scopes become free, its name does not.
    package func removeTeam(_ name: TeamName, by actor: Actor, now: UTCDate) async throws {
        try await work(actor, .administer, now: now) { work in
            let team = try await work.transaction.lockTeam(name)
            guard try await work.transaction.fetchOne(CountFleetsOfTeam(team: team.id)) == 0 else {
                throw StoreError(
                    .conflict, "team \"\(name)\" is still in a fleet", hint: "take it out of every fleet first")
            }
            try await work.transaction.execute(DeleteScopesOfTeam(team: team.id))
            try await work.transaction.execute(RemoveTeam(id: team.id, now: now))
            try await work.audit.record(.teamRemoved, name, team: name)
        }
    }

    // MARK: - Registry scopes and repositories

    /// Gives a registry scope to a team. One exact scope has one owner; of nested ones the longest counts.
    package func addScope(
        _ scope: RegistryScope, to name: TeamName, by actor: Actor, now: UTCDate
    ) async throws -> TeamRecord {
        try await work(actor, .administer, now: now) { work in
            let transaction = work.transaction
            let team = try await transaction.lockTeam(name)
            guard try await transaction.fetchOptional(InsertScope(scope: scope, team: team.id, now: now)) != nil else {
                let owner = try await transaction.fetchOptional(FetchScopeOwner(scope: scope))
                throw StoreError(
                    .conflict, "the scope \"\(scope)\" belongs to team \"\(owner?.rawValue ?? "?")\" already",
                    hint: owner == name ? nil : "take it from that team first, or give a longer one")
            }
            try await work.audit.record(.scopeAdded, scope, team: name)
            try await transaction.execute(SendPublishSignal())
            return try await transaction.record(of: team)
        }
    }

    package func removeScope(
        _ scope: RegistryScope, from name: TeamName, by actor: Actor, now: UTCDate
    ) async throws -> TeamRecord {
        try await work(actor, .administer, now: now) { work in
            let transaction = work.transaction
            let team = try await transaction.lockTeam(name)
            guard try await transaction.execute(DeleteScope(scope: scope, team: team.id)) == 1 else {
                throw StoreError(.notFound, "team \"\(name)\" does not own the scope \"\(scope)\"")
            }
            try await work.audit.record(.scopeRemoved, scope, team: name)
            try await transaction.execute(SendPublishSignal())
            return try await transaction.record(of: team)
        }
    }

    package func repositories(_ page: PageRequest) async throws -> KeysetPage<RegistryScope> {
        let names = try await pool.fetchAll(ListRepositories(after: page.textAfter, limit: page.fetched))
        return KeysetPage(fetched: names, limit: page.limit) { $0.rawValue }
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
