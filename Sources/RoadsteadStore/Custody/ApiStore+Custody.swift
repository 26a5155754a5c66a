package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    /// Keys of a team's members, retired ones too.
    package func teamKeys(of name: TeamName) async throws -> [TeamKeyRecord] {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            try await transaction.fetchAll(ListTeamKeys(team: try await transaction.requireTeam(name).id))
        }
    }

    /// Takes in the caller's own key, of which the caller has verified that its holder has it.
    ///
    /// - Throws: `StoreError(.conflict)` for a key that serves anything already: one key serves one team, for ever.
    package func registerTeamKey(
        _ key: PublicKeyRecord, of name: TeamName, by actor: Actor, now: UTCDate
    ) async throws -> TeamKeyRecord {
        try await work(actor, .holdKey(name), now: now) { work in
            let transaction = work.transaction
            let team = try await transaction.lockTeam(name)
            if let use = try await transaction.fetchOptional(FetchKeyUse(key: key)) {
                throw StoreError(
                    .conflict, "key \(key.keyID.prefix(16)) serves as \(use.words) already",
                    hint: "make another key for this team: roadstead key generate")
            }
            let insert = InsertTeamKey(key: key, team: team.id, holder: actor.person, now: now)
            guard try await transaction.fetchOptional(insert) != nil else {
                let present = try await transaction.fetchOptional(
                    FetchTeamKey(keyID: key.keyID, publicKey: key.publicKey))
                throw StoreError(
                    .conflict,
                    "key \(key.keyID.prefix(16)) is registered for team \(present?.team.rawValue ?? "?") already"
                        + (present?.retired == nil ? "" : " and retired"),
                    hint: "one key serves one team, and a retired one never comes back; make another key")
            }
            try await work.audit.record(.teamKeyRegistered, key.keyID, team: name)
            return try await transaction.fetchOne(FetchTeamKey(keyID: key.keyID))
        }
    }

    /// Ends a key at once: its holder's own doing, or that of somebody who may remove in the team.
    ///
    /// - Returns: who signs for the team, for saying what has to follow.
    package func retireTeamKey(
        _ keyID: String, of name: TeamName, by actor: Actor, now: UTCDate
    ) async throws -> CustodyRecord {
        try await work(actor, nil, now: now) { work in
            let transaction = work.transaction
            try work.authority.requireAny([.holdKey(name), .remove(name)])
            let team = try await transaction.lockTeam(name)
            guard let key = try await transaction.fetchOptional(FetchTeamKey(keyID: keyID)), key.team == name else {
                throw StoreError(.notFound, "team \(name) has no key \(keyID.prefix(16))")
            }
            try work.authority.require(key.holder == actor.person ? .holdKey(name) : .remove(name))
            guard try await transaction.execute(RetireTeamKey(keyID: keyID, by: actor.person, now: now)) == 1 else {
                throw StoreError(.conflict, "key \(keyID.prefix(16)) was retired already")
            }
            try await work.audit.record(.teamKeyRetired, keyID, team: name)
            try await transaction.execute(SendPublishSignal())
            return try await transaction.custody(of: team)
        }
    }

    /// Who signs a team's role, and the fleets in which the server could put other keys in their place.
    package func custody(of name: TeamName) async throws -> (record: CustodyRecord, online: [FleetName]) {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let team = try await transaction.requireTeam(name)
            return (
                try await transaction.custody(of: team),
                try await transaction.fetchAll(ListOnlineFleets(teams: [team.id])).map(\.fleet)
            )
        }
    }
}

extension Transaction {
    func custody(of team: TeamRow) async throws -> CustodyRecord {
        guard let newest = try await fetchOptional(FetchNewestCustody(team: team.id)) else {
            return CustodyRecord(
                team: team.name, epoch: 0, custody: .server, keys: [], threshold: 0, formerLost: false, change: nil,
                created: nil)
        }
        return CustodyRecord(
            team: team.name, epoch: newest.epoch, custody: newest.custody,
            keys: try await fetchAll(ListCustodyKeys(team: team.id, epoch: newest.epoch)),
            threshold: newest.threshold, formerLost: newest.formerLost, change: newest.change, created: newest.created)
    }

    /// Those of the teams that the server signs for once their members have handed over.
    func handingBack(of teams: [TeamRow]) async throws -> Set<TeamName> {
        let handed = Set(try await fetchAll(ListHandingBack(teams: teams.map(\.id))).map(\.team))
        return Set(teams.filter { handed.contains($0.id) }.map(\.name))
    }

    /// The quorums of those of the teams that are in their own custody, of the newest epoch each.
    func quorums(of teams: [TeamRow]) async throws -> [TeamName: TeamQuorumRecord] {
        var quorums: [TeamName: TeamQuorumRecord] = [:]
        for row in try await fetchAll(ListCustodies(teams: teams.map(\.id))) {
            guard let team = teams.first(where: { $0.id == row.team }) else { continue }
            let keys = try await fetchAll(ListCustodyKeys(team: row.team, epoch: row.epoch)).map(\.key)
            quorums[team.name] = TeamQuorumRecord(epoch: row.epoch, keys: keys, threshold: row.threshold)
        }
        return quorums
    }
}
