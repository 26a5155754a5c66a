import Codecs
import PostgresKit
import TrustModel

/// Drafts of teams' roles that lack the signature of a key that the person holds.
struct RoleDraftsToSign: InboxSource {
    func items(_ request: InboxRequest) async throws -> [InboxItem] {
        let query = ListRoleDraftsToSign(
            person: request.person, now: request.now, limit: ApiStore.inboxItemsOfSource)
        return try await request.transaction.fetchAll(query).filter { request.may(.holdKey($0.team)) }.map { draft in
            InboxItem(
                .roleDraft, "draft \(draft.id)", "version \(draft.version) of team \(draft.team) lacks your signature",
                due: draft.expires, command: "roadstead change sign --draft \(draft.id) --key …")
        }
    }
}

/// Ceremonies that are open; which person holds which of their keys is not known here.
struct CeremoniesToSign: InboxSource {
    func items(_ request: InboxRequest) async throws -> [InboxItem] {
        guard request.may(.administer) else { return [] }
        let query = ListOpenCeremonies(now: request.now, limit: ApiStore.inboxItemsOfSource)
        return try await request.transaction.fetchAll(query).map { ceremony in
            InboxItem(
                .ceremony, "ceremony \(ceremony.id)",
                "ceremony \(ceremony.id) for \(ceremony.fleets.joined(separator: ", ")) waits for signatures",
                due: ceremony.expires, command: "roadstead ceremony sign \(ceremony.id) --key …")
        }
    }
}

struct ListRoleDraftsToSign: Query {
    static let sql = """
        SELECT d.id, t.name AS team, d.version, d.expires_at FROM role_draft d JOIN team t ON t.id = d.team_id
        WHERE d.state = 'open' AND d.expires_at > $2 AND EXISTS (
            SELECT FROM team_custody_key c JOIN team_key k ON k.key_id = c.key_id
            WHERE c.team_id = d.team_id AND c.epoch IN (d.epoch, d.former_epoch) AND k.person_id = $1
                AND team_key_counts(k.key_id) AND NOT EXISTS (
                    SELECT FROM role_draft_signature s WHERE s.draft_id = d.id AND s.key_id = k.key_id))
        ORDER BY d.id LIMIT $3
        """
    let person: PersonID
    let now: UTCDate
    let limit: Int
    var bindings: [Binding] { [.int(person.rawValue), .date(now), .int(limit)] }
    func decode(_ row: Row) throws -> (id: Int64, team: TeamName, version: Int64, expires: UTCDate) {
        (
            try row.value("id"), try row.value("team", { try TeamName($0) }), try row.value("version"),
            try row.value("expires_at")
        )
    }
}

struct ListOpenCeremonies: Query {
    static let sql = """
        SELECT c.id, c.expires_at, string_agg(f.name, ',' ORDER BY f.name) AS fleets
        FROM ceremony c JOIN ceremony_fleet p ON p.ceremony_id = c.id AND p.state = 'open'
        JOIN fleet f ON f.id = p.fleet_id WHERE c.expires_at > $1 GROUP BY c.id ORDER BY c.id LIMIT $2
        """
    let now: UTCDate
    let limit: Int
    var bindings: [Binding] { [.date(now), .int(limit)] }
    func decode(_ row: Row) throws -> (id: Int64, expires: UTCDate, fleets: [String]) {
        let fleets: String = try row.value("fleets")
        return (try row.value("id"), try row.value("expires_at"), fleets.split(separator: ",").map(String.init))
    }
}
