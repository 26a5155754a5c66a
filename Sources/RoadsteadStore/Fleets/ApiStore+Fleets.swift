package import Codecs
import PostgresKit
import SigningKeys
package import TrustModel

extension FleetID {
    /// An identity that no fleet has had.
    package static func random() throws -> FleetID { try FleetID(Hex.encode(SecureRandom.bytes(16))) }
}

extension ApiStore {
    package func fleets(_ page: PageRequest) async throws -> KeysetPage<FleetRecord> {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            var records: [FleetRecord] = []
            for row in try await transaction.fetchAll(ListFleets(after: page.textAfter, limit: page.fetched)) {
                records.append(try await transaction.record(of: row))
            }
            return KeysetPage(fetched: records, limit: page.limit) { $0.name.rawValue }
        }
    }

    package func fleet(_ name: FleetName) async throws -> FleetRecord {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            try await transaction.record(of: try await transaction.requireFleet(name))
        }
    }

    /// Makes a fleet, which observes until it is told otherwise.
    package func createFleet(
        _ name: FleetName, id: FleetID, displayName: String, profile: FleetProfile, by actor: Actor, now: UTCDate
    ) async throws -> FleetRecord {
        try Texts.check(displayName, "display name", maximum: 200)
        return try await work(actor, .createFleet, now: now) { work in
            let insert = InsertFleet(name: name, id: id, displayName: displayName, profile: profile, now: now)
            guard let fleet = try await work.transaction.fetchOptional(insert) else {
                throw StoreError(
                    .conflict, "there is, or was, a fleet \"\(name)\" already", hint: "choose another name")
            }
            try await work.audit.record(.fleetCreated, name, fleet: name, detail: ["id": .string(id.rawValue)])
            try await work.transaction.execute(SendPublishSignal())
            return try await work.transaction.record(of: fleet)
        }
    }

    /// Sets the mode of one enforcer, or of all, which ends what was set for single ones.
    package func setMode(
        _ mode: EnforcementMode, of name: FleetName, enforcer: EnforcerKind? = nil, by actor: Actor, now: UTCDate
    ) async throws -> FleetRecord {
        try await work(actor, .operateFleet(name), now: now) { work in
            let transaction = work.transaction
            let fleet = try await transaction.lockFleet(name)
            if let enforcer {
                try await transaction.execute(SetEnforcerMode(fleet: fleet.id, enforcer: enforcer, mode: mode))
            } else {
                try await transaction.execute(ClearEnforcerModes(fleet: fleet.id))
                try await transaction.execute(SetFleetMode(fleet: fleet.id, mode: mode))
            }
            try await work.audit.record(
                .fleetModeSet, name, fleet: name,
                detail: ["mode": .string(mode.rawValue), "enforcer": .string(enforcer?.rawValue ?? "all")])
            try await transaction.execute(SendPublishSignal())
            return try await transaction.record(of: try await transaction.requireFleet(name))
        }
    }

    package func addTeam(
        _ team: TeamName, to name: FleetName, by actor: Actor, now: UTCDate
    ) async throws -> FleetRecord {
        try await work(actor, .operateFleet(name), now: now) { work in
            let transaction = work.transaction
            let fleet = try await transaction.lockFleet(name)
            let member = try await transaction.lockTeam(team)
            let insert = InsertFleetTeam(fleet: fleet.id, team: member.id, now: now)
            guard try await transaction.fetchOptional(insert) != nil else {
                throw StoreError(.conflict, "team \"\(team)\" is in fleet \"\(name)\" already")
            }
            try await transaction.takeFromSource(member, into: fleet)
            try await work.audit.record(.fleetTeamAdded, team, team: team, fleet: name)
            try await transaction.execute(SendPublishSignal())
            return try await transaction.record(of: fleet)
        }
    }

    package func removeTeam(
        _ team: TeamName, from name: FleetName, by actor: Actor, now: UTCDate
    ) async throws -> FleetRecord {
        try await work(actor, .operateFleet(name), now: now) { work in
            let transaction = work.transaction
            let fleet = try await transaction.lockFleet(name)
            let member = try await transaction.lockTeam(team)
            guard try await transaction.execute(DeleteFleetTeam(fleet: fleet.id, team: member.id)) == 1 else {
                throw StoreError(.notFound, "team \"\(team)\" is not in fleet \"\(name)\"")
            }
            try await work.audit.record(.fleetTeamRemoved, team, team: team, fleet: name)
            try await transaction.execute(SendPublishSignal())
            return try await transaction.record(of: fleet)
        }
    }

    // MARK: - Releases

    /// The newest first; the cursor is the number of the last one seen.
    package func releases(of fleet: FleetName, _ page: PageRequest) async throws -> KeysetPage<ReleaseRecord> {
        let query = ListReleases(fleet: fleet, before: try page.numberAfter(), limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.number)" }
    }

    package func release(_ number: Int64, of fleet: FleetName) async throws -> ReleaseRecord {
        guard let release = try await pool.fetchOptional(FetchRelease(fleet: fleet, number: number)) else {
            throw StoreError.noSuch("release of fleet \(fleet)", number)
        }
        return release
    }
}

extension Transaction {
    func requireFleet(_ name: FleetName) async throws -> FleetRow {
        guard let fleet = try await fetchOptional(FetchFleet(name: name)) else {
            throw StoreError.noSuch("fleet", name)
        }
        return fleet
    }

    func lockFleet(_ name: FleetName) async throws -> FleetRow {
        guard let fleet = try await fetchOptional(LockFleet(name: name)) else {
            throw StoreError.noSuch("fleet", name)
        }
        return fleet
    }

    func record(of fleet: FleetRow) async throws -> FleetRecord {
        let summary = try await fetchOne(FetchFleetSummary(fleet: fleet.id))
        return FleetRecord(
            name: fleet.name, id: fleet.fleetID, displayName: fleet.displayName, profile: fleet.profile,
            mode: fleet.mode, enforcers: try await fetchAll(ListEnforcerModes(fleet: fleet.id)),
            teams: try await fetchAll(ListTeamsOfFleet(fleet: fleet.id)).map(\.name), created: fleet.created,
            rootVersion: fleet.rootVersion, rootSHA256: summary.rootSHA256, release: fleet.release,
            releasePublished: summary.published, releaseDigest: summary.digest, targetsOnline: summary.targetsOnline,
            hosts: summary.hosts, hostsBehind: summary.hostsBehind, promotesFrom: fleet.promotesFrom,
            note: try await fetchOptional(FetchFleetNote(fleet: fleet.id)),
            halt: try await fetchOptional(ListHalts(fleet: fleet.name))?.reason)
    }
}
