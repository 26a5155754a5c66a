package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    package func roleDraft(_ id: Int64) async throws -> RoleDraftRecord {
        let record = try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) {
            try await $0.roleDraft(id)
        }
        guard reader.teams.contains(record.team) else { throw StoreError.noSuch("draft", id) }
        return record
    }

    /// The drafts of a team that wait for signatures.
    package func openRoleDrafts(of name: TeamName) async throws -> [RoleDraftRecord] {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let team = try await transaction.requireTeam(name)
            var records: [RoleDraftRecord] = []
            for row in try await transaction.fetchAll(ListOpenRoleDrafts(team: team.id)) {
                records.append(try await transaction.record(of: row))
            }
            return records
        }
    }

    /// The draft that holds what a change brought; nil when there is none, or none yet.
    package func roleDraft(ofChange number: Int64) async throws -> RoleDraftRecord? {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            guard let row = try await transaction.fetchOptional(FindRoleDraftOfChange(change: number)),
                reader.teams.contains(row.team)
            else { return nil }
            return try await transaction.record(of: row)
        }
    }

    /// The role that a draft follows, to show what it changes.
    package func newestRole(of name: TeamName) async throws -> (role: TeamRoleRecord, files: [String: [UInt8]])? {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            try await transaction.fetchOptional(
                FetchNewestTeamRole(team: try await transaction.requireTeam(name).id))
        }
    }

    /// Keeps the caller's own signature, which the caller has verified.
    ///
    /// - Throws: `StoreError(.forbidden)` for a key that the caller does not hold, or that was retired.
    package func addRoleSignature(
        _ signature: [UInt8], by keyID: String, to id: Int64, by actor: Actor, now: UTCDate
    ) async throws -> RoleDraftRecord {
        try await work(actor, nil, now: now) { work in
            let transaction = work.transaction
            guard let row = try await transaction.fetchOptional(FetchRoleDraft(id: id)),
                Reader(work.authority).teams.contains(row.team)
            else { throw StoreError.noSuch("draft", id) }
            try work.authority.require(.holdKey(row.team))
            // Closing, voiding and retiring a key take turns with this.
            _ = try await transaction.lockTeam(row.team)
            let draft = try await transaction.roleDraft(id)
            try await Self.check(keyID, of: draft, by: actor, transaction, now: now)
            let record = RoleDraftRecord.Signature(keyID: keyID, signature: signature, person: actor.person)
            let insert = InsertRoleSignature(draft: id, signature: record, now: now)
            if try await transaction.fetchOptional(insert) != nil {
                try await work.audit.record(
                    .roleSigned, "draft:\(id)", team: draft.team, detail: ["key": .string(keyID)])
                try await transaction.execute(SendPublishSignal())
            }
            return try await transaction.roleDraft(id)
        }
    }

    private static func check(
        _ keyID: String, of draft: RoleDraftRecord, by actor: Actor, _ transaction: Transaction, now: UTCDate
    ) async throws {
        guard draft.state == .open else {
            throw StoreError(
                .notOpen, "draft \(draft.id) is \(draft.state.rawValue)\(draft.note.map { ": \($0)" } ?? "")",
                hint: "roadstead team custody show \(draft.team)")
        }
        guard now < draft.expires else {
            throw StoreError(
                .expired, "draft \(draft.id) expired at \(draft.expires)", hint: "a new one is opened within a minute")
        }
        let key = try await transaction.fetchOptional(FetchTeamKey(keyID: keyID))
        guard let key, key.team == draft.team, key.holder == actor.person else {
            throw StoreError(
                .forbidden, "key \(keyID.prefix(16)) is not yours, and each holder signs with their own key",
                hint: "roadstead team keys list \(draft.team)")
        }
        guard key.retired == nil else {
            throw StoreError(
                .forbidden, "key \(keyID.prefix(16)) was retired and signs nothing more",
                hint: "register another key, and have it set: roadstead team custody set \(draft.team) …")
        }
    }
}
