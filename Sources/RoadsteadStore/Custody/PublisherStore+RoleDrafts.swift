package import Codecs
import PostgresKit
package import TrustModel

extension PublisherStore {
    /// How long a draft waits for its signatures.
    package static let roleDraftDays: Int64 = 7

    /// What the next draft of a team would be made of, for one fleet; nil where the server signs alone.
    package func drafting(of name: TeamName, for fleet: FleetName) async throws -> TeamDrafting? {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let team = try await transaction.requireTeam(name)
            let custody = try await transaction.fetchOptional(FetchNewestCustody(team: team.id))
            guard let custody else { return nil }
            let handing = try await transaction.fetchOptional(ListHandingBack(teams: [team.id]))
            guard custody.custody == .team || handing != nil else { return nil }
            let facts = try await transaction.fetchOne(FetchDraftingFacts(team: team.id))
            let newest = try await transaction.fetchOptional(FetchNewestTeamRole(team: team.id))
            var former = handing?.former
            if former == nil { former = try await transaction.former(of: custody) }
            var open: [RoleDraftRecord] = []
            for row in try await transaction.fetchAll(ListOpenRoleDrafts(team: team.id)) {
                open.append(try await transaction.record(of: row))
            }
            let need = FetchRoleDraftNeed(fleet: try await transaction.requireFleet(fleet).id, team: team.id)
            return TeamDrafting(
                team: name, quorum: try await transaction.party(of: team.id, custody.epoch),
                former: try await former.asyncMap { try await transaction.party(of: team.id, $0) },
                isHandingBack: handing != nil,
                nextVersion: facts.version + 1, newest: newest?.role, newestFiles: newest?.files ?? [:],
                renewalAsked: facts.renewal, open: open, needed: try await transaction.fetchOptional(need))
        }
    }

    /// Opens a draft that a fleet waits for; what it waited for before ends, unless another fleet still does.
    ///
    /// - Throws: `StoreError(.fence)` when the version was given out or the custody changed meanwhile.
    @discardableResult
    package func openRoleDraft(
        _ draft: NewRoleDraft, for fleet: FleetName, now: UTCDate
    ) async throws -> Int64 {
        do {
            return try await pool.withTransaction(attempts: 4) { transaction in
                let team = try await transaction.lockTeam(draft.team)
                guard try await transaction.custody(of: team).epoch == draft.epoch else {
                    throw Self.overtaken(draft.team)
                }
                let insert = InsertRoleDraft(
                    team: team.id, draft: draft, files: try StoredFiles.bytes(draft.files), now: now,
                    expires: now.adding(days: Self.roleDraftDays))
                let id = try await transaction.fetchOne(insert)
                for signature in draft.signatures {
                    _ = try await transaction.fetchOptional(
                        InsertRoleSignature(draft: id, signature: signature, now: now))
                }
                try await Self.need(id, team, fleet, on: transaction, now: now)
                try await Self.audit(transaction, now).record(
                    .roleDraftOpened, "draft:\(id)", team: draft.team, detail: ["version": .integer(draft.version)])
                return id
            }
        } catch let error as PostgresError where error.code == .unique {
            throw Self.overtaken(draft.team)
        }
    }

    /// Remembers that a fleet waits for an open draft.
    package func needRoleDraft(_ id: Int64, of team: TeamName, for fleet: FleetName, now: UTCDate) async throws {
        try await pool.withTransaction(attempts: 4) { transaction in
            try await Self.need(id, try await transaction.lockTeam(team), fleet, on: transaction, now: now)
        }
    }

    /// Remembers that a fleet waits for no draft of a team.
    package func needNoRoleDraft(of name: TeamName, for fleet: FleetName, now: UTCDate) async throws {
        try await pool.withTransaction(attempts: 4) { transaction in
            let team = try await transaction.lockTeam(name)
            let row = try await transaction.requireFleet(fleet)
            try await transaction.execute(DeleteRoleDraftNeed(fleet: row.id, team: team.id))
            try await transaction.voidUnneededDrafts(of: team, audit: Self.audit(transaction, now))
        }
    }

    /// Makes a draft whose quorums the caller has verified the team's next role.
    package func closeRoleDraft(_ id: Int64, role: TeamRoleRecord, now: UTCDate) async throws {
        try await pool.withTransaction(attempts: 4) { transaction in
            let team = try await transaction.lockTeam(role.team)
            let content = NewFile(path: "", bytes: role.bytes)
            guard try await transaction.execute(CloseRoleDraft(id: id, sha256: content.sha256, now: now)) == 1 else {
                throw Self.overtaken(role.team)
            }
            try await Self.keep(role, on: transaction, now: now)
            try await Self.audit(transaction, now).record(
                .roleClosed, "draft:\(id)", team: team.name,
                detail: ["version": .integer(role.version), "sha256": .string(content.sha256)])
        }
    }

    /// Ends drafts that are past their week.
    package func expireRoleDrafts(now: UTCDate) async throws {
        try await pool.withTransaction(attempts: 4) { transaction in
            let audit = Self.audit(transaction, now)
            for draft in try await transaction.fetchAll(VoidExpiredRoleDrafts(now: now)) {
                try await audit.record(.roleDraftVoided, "draft:\(draft.id)", team: draft.team)
            }
        }
    }

    private static func need(
        _ id: Int64, _ team: TeamRow, _ fleet: FleetName, on transaction: Transaction, now: UTCDate
    ) async throws {
        let row = try await transaction.requireFleet(fleet)
        try await transaction.execute(SetRoleDraftNeed(fleet: row.id, team: team.id, draft: id))
        try await transaction.voidUnneededDrafts(of: team, audit: audit(transaction, now))
    }

    private static func overtaken(_ team: TeamName) -> StoreError {
        StoreError(
            .fence, "team \(team) has moved on while its draft was made",
            hint: "another publisher was faster; nothing is lost")
    }
}
