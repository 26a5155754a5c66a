import Codecs
import PostgresKit
import TrustModel

extension Transaction {
    func roleDraft(_ id: Int64) async throws -> RoleDraftRecord {
        guard let row = try await fetchOptional(FetchRoleDraft(id: id)) else { throw StoreError.noSuch("draft", id) }
        return try await record(of: row)
    }

    func record(of row: RoleDraftRow) async throws -> RoleDraftRecord {
        RoleDraftRecord(
            id: row.id, team: row.team, contentNumber: row.contentNumber, version: row.version,
            signedPart: row.signedPart, files: row.files, state: row.state, note: row.note, opened: row.opened,
            expires: row.expires, closed: row.closed, quorum: try await party(of: row.teamRow, row.epoch),
            former: try await row.formerEpoch.asyncMap { try await party(of: row.teamRow, $0) },
            signatures: try await fetchAll(ListRoleSignatures(draft: row.id)))
    }

    /// Whose keys spoke for a team in an epoch; the server's own before the first, and in its custody.
    func party(of team: Int64, _ epoch: Int64) async throws -> RoleDraftRecord.Party {
        let custody = try await fetchOptional(FetchCustodyEpoch(team: team, epoch: epoch))
        guard let custody, custody.custody == .team else {
            return RoleDraftRecord.Party(
                epoch: epoch, keys: try await fetchAll(ListServerKeysOfTeam(team: team)), threshold: 1, holders: [:],
                retired: [])
        }
        let keys = try await fetchAll(ListCustodyKeys(team: team, epoch: epoch))
        return RoleDraftRecord.Party(
            epoch: epoch, keys: keys.map(\.key), threshold: custody.threshold,
            holders: Dictionary(keys.map { ($0.key.keyID, $0.holderName) }) { first, _ in first },
            retired: Set(keys.filter { !$0.counts }.map(\.key.keyID)))
    }

    /// Ends the drafts that no fleet waits for any more.
    func voidUnneededDrafts(of team: TeamRow, audit: AuditWriter) async throws {
        let void = VoidUnneededRoleDrafts(team: team.id, note: "the team's content has changed", now: audit.now)
        for id in try await fetchAll(void) { try await audit.record(.roleDraftVoided, "draft:\(id)", team: team.name) }
    }

    /// Ends all drafts of a team: other keys sign from now on.
    func voidDrafts(of team: TeamRow, note: String, audit: AuditWriter) async throws {
        for id in try await fetchAll(VoidRoleDrafts(team: team.id, note: note, now: audit.now)) {
            try await audit.record(.roleDraftVoided, "draft:\(id)", team: team.name)
        }
    }
}
