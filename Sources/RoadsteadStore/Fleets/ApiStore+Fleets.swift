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
            let list = ListFleets(after: page.textAfter, readable: reader.fleets, limit: page.fetched)
            for row in try await transaction.fetchAll(list) {
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
            options: fleet.options,
            note: try await fetchOptional(FetchFleetNote(fleet: fleet.id)),
            halt: try await fetchOptional(ListHalts(fleet: fleet.name))?.reason)
    }
}
