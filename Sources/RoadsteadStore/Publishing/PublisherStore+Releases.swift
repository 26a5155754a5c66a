package import Codecs
import PostgresKit
package import TrustModel

extension PublisherStore {
    /// Keeps what a release will be before it is signed, for whoever signs later or after a crash.
    package func recordBuilt(
        _ release: NewRelease, of name: FleetName, payload: [UInt8], now: UTCDate
    ) async throws {
        try await fenced(name) { transaction in
            let fleet = try await transaction.lockFleet(name)
            let difference = try StoredJSON.text(release.difference)
            try await transaction.execute(
                InsertRelease(
                    fleet: fleet.id, release: release, digest: nil, payload: payload, difference: difference, now: now))
            try await Self.audit(transaction, now).record(.releaseBuilt, "\(name)/\(release.number)", fleet: name)
        }
    }

    /// Keeps a signed release with its files; none of them is served before it is published.
    ///
    /// - Parameters:
    ///   - digest: SHA-256 of the snapshot's bytes, lower-case hexadecimal.
    ///   - teamRoles: team roles that were signed for it, for the other fleets.
    ///   - ceremony: the closed ceremony whose result it takes in.
    package func recordSigned(
        _ release: NewRelease, of name: FleetName, digest: String, files: [NewFile], teamRoles: [TeamRoleRecord],
        ceremony: Int64? = nil, now: UTCDate
    ) async throws {
        try await fenced(name) { transaction in
            let fleet = try await transaction.lockFleet(name)
            let difference = try StoredJSON.text(release.difference)
            let sign = SignRelease(
                fleet: fleet.id, number: release.number, digest: digest, difference: difference, now: now)
            if try await transaction.execute(sign) == 0 {
                try await transaction.execute(
                    InsertRelease(
                        fleet: fleet.id, release: release, digest: digest, payload: nil, difference: difference,
                        now: now))
            }
            for role in teamRoles { try await Self.keep(role, on: transaction, now: now) }
            try await transaction.store(files, fleet: fleet.id, release: release.number, now: now)
            if let ceremony {
                let take = ReleaseCeremony(ceremony: ceremony, fleet: fleet.id, release: release.number)
                guard try await transaction.execute(take) == 1 else {
                    throw StoreError(
                        .fence, "ceremony \(ceremony) of fleet \"\(name)\" no longer waits for a release",
                        hint: "another ceremony was opened, or another publisher was faster; nothing is lost")
                }
            }
            try await transaction.execute(
                InsertReleaseChange(fleet: fleet.id, release: release))
            try await Self.audit(transaction, now).record(
                .releaseSigned, "\(name)/\(release.number)", fleet: name, detail: ["digest": .string(digest)])
        }
    }

    /// Serves a signed release from now on, and the root of the ceremony that it took in; the keys whose place that
    /// ceremony's took are deleted.
    package func recordPublished(_ number: Int64, of name: FleetName, now: UTCDate) async throws {
        try await fenced(name) { transaction in
            let fleet = try await transaction.lockFleet(name)
            guard try await transaction.execute(PublishRelease(fleet: fleet.id, number: number, now: now)) == 1,
                try await transaction.execute(AdvanceFleet(fleet: fleet.id, release: number)) == 1
            else {
                throw StoreError(.fence, "release \(number) of fleet \"\(name)\" is not the signed one that comes next")
            }
            let published = try await transaction.fetchOptional(PublishCeremony(fleet: fleet.id, release: number))
            var retired: [String] = []
            if let published {
                retired = try await Self.changeKeys(
                    published.ceremony, published.targetsOnline, fleet.id, transaction, now)
            }
            let audit = Self.audit(transaction, now)
            try await audit.record(.releasePublished, "\(name)/\(number)", fleet: name)
            if let published {
                try await audit.record(
                    .ceremonyPublished, "ceremony:\(published.ceremony)", fleet: name,
                    detail: ["release": .integer(number)])
            }
            for keyID in retired { try await audit.record(.keyRetired, keyID, fleet: name) }
        }
    }

    /// Puts a ceremony's keys in the place of those before.
    private static func changeKeys(
        _ ceremony: Int64, _ targetsOnline: Bool, _ fleet: Int64, _ transaction: Transaction, _ now: UTCDate
    ) async throws -> [String] {
        let fresh = try await transaction.fetchAll(ListCeremonyKeys(ceremony: ceremony)).filter { $0.fleet == fleet }
        var roles = Set(fresh.map(\.key.role))
        if !targetsOnline { roles.insert("targets") }
        let retire = RetireKeys(fleet: fleet, roles: roles.sorted(), now: now)
        let retired = try await transaction.fetchAll(retire)
        _ = try await transaction.fetchAll(AdoptCeremonyKeys(ceremony: ceremony, fleet: fleet))
        return retired
    }

    /// Keeps why a closed ceremony's result could not be published, for those who held it.
    ///
    /// - Returns: false when the same was said already.
    @discardableResult
    package func noteTrouble(
        _ reason: String, ceremony: Int64, in fleet: FleetName, now: UTCDate
    ) async throws -> Bool {
        let note = NoteCeremonyTrouble(ceremony: ceremony, fleet: fleet, reason: String(reason.prefix(1_000)))
        return try await pool.withTransaction(attempts: 4) { try await $0.execute(note) == 1 }
    }

    /// Serves a timestamp that was signed anew over the release that is published.
    package func recordTimestamp(_ file: NewFile, of name: FleetName, now: UTCDate) async throws {
        guard file.role == "timestamp" else {
            throw StoreError(.invalid, "\(file.path) is no timestamp")
        }
        try await fenced(name) { transaction in
            let fleet = try await transaction.lockFleet(name)
            guard fleet.release > 0 else { throw StoreError(.fence, "fleet \"\(name)\" has published nothing yet") }
            try await transaction.store([file], fleet: fleet.id, release: fleet.release, now: now)
        }
    }

    /// Turns the database's refusals of what does not follow into one error.
    func fenced(_ fleet: FleetName, _ body: (Transaction) async throws -> Void) async throws {
        do {
            try await pool.withTransaction(attempts: 4, body)
        } catch let error as PostgresError
            where error.code == .unique || error.constraint == "release_goes_on"
        {
            throw StoreError(
                .fence,
                "what was to be recorded for fleet \"\(fleet)\" does not follow what is there "
                    + "(\(error.constraint ?? "a constraint"))",
                hint: "another publisher was faster; nothing is lost")
        }
    }

    static func keep(_ role: TeamRoleRecord, on transaction: Transaction, now: UTCDate) async throws {
        let content = NewFile(path: "", bytes: role.bytes)
        try await transaction.execute(InsertContent(sha256: content.sha256, bytes: role.bytes))
        let insert = InsertTeamRole(role: role, sha256: content.sha256, now: now)
        if try await transaction.fetchOptional(insert) != nil { return }
        guard try await transaction.fetchOptional(FindTeamRole(role: role)) == content.sha256 else {
            throw StoreError(
                .fence, "version \(role.version) of team \"\(role.team)\" was signed with other bytes already",
                hint: "another publisher was faster; nothing is lost")
        }
    }

    static func audit(_ transaction: Transaction, _ now: UTCDate) -> AuditWriter {
        AuditWriter(transaction: transaction, actor: .publisher, now: now)
    }
}
