import PostgresKit
import TrustModel

/// The content of a team that a fleet takes: the newest, or what was promoted to it.
struct TakenContent: Sendable {
    let team: TeamRow
    let number: Int64
    let document: TeamContentDocument

    /// - Parameter certificates: DER by SHA-256.
    func stores(_ certificates: [String: [UInt8]]) throws -> [StoreContent] {
        try document.stores.map { store in
            StoreContent(
                kind: store.kind, name: store.name,
                anchors: try store.anchors.map { sha256 in
                    guard let certificate = certificates[sha256] else {
                        throw StoreError(
                            .damaged, "the certificate \(sha256) of content \(number) of team \"\(team.name)\" is gone",
                            hint: "the database was changed by hand or restored in part: restore it whole")
                    }
                    return certificate
                })
        }
    }
}

/// A numbered content, wherever it came from.
struct ContentRow: Sendable {
    let team: Int64
    let number: Int64
    let document: TeamContentDocument
}

extension ContentRow {
    init(_ row: Row) throws {
        self.init(
            team: try row.value("team_id"), number: try row.value("number"),
            document: try row.value("document", { try TeamContentDocument(parsing: $0) }))
    }
}

/// What a fleet takes of its teams. A fleet to which contents are promoted takes nothing of a team that has none.
struct ListTakenContents: Query {
    static let sql = """
        SELECT c.team_id, c.number, c.document
        FROM fleet f JOIN fleet_team m ON m.fleet_id = f.id JOIN team t ON t.id = m.team_id
        LEFT JOIN fleet_team_content p ON p.fleet_id = m.fleet_id AND p.team_id = m.team_id
        JOIN team_content c ON c.team_id = t.id
            AND c.number = CASE WHEN f.promotes_from IS NULL THEN t.content_version ELSE p.number END
        WHERE f.id = $1 ORDER BY t.name
        """
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> ContentRow { try ContentRow(row) }
}

struct FetchContent: Query {
    static let sql = "SELECT team_id, number, document FROM team_content WHERE team_id = $1 AND number = $2"
    let team: Int64
    let number: Int64
    var bindings: [Binding] { [.int(team), .int(number)] }
    func decode(_ row: Row) throws -> ContentRow { try ContentRow(row) }
}

/// Certificates of some teams' anchors, removed ones included: a fleet may still take a content that holds them.
struct ListCertificates: Query {
    static let sql = """
        SELECT DISTINCT ON (sha256) sha256, certificate, subject FROM anchor
        WHERE team_id = ANY ($1) AND sha256 = ANY ($2) ORDER BY sha256
        """
    let teams: [Int64]
    let digests: [String]
    var bindings: [Binding] { [.ints(teams), .texts(digests)] }
    func decode(_ row: Row) throws -> (sha256: String, certificate: [UInt8], subject: String) {
        (try row.value("sha256"), try row.value("certificate"), try row.value("subject"))
    }
}

/// The newest signed role of each content. One from before contents were numbered says the first that was.
///
/// While a hot fix waits for its role, the content that follows it is content with the role of the one before, which says
/// the same: so the hot fix is signed first, and what follows comes out above it. Where it had to be signed for itself
/// meanwhile, by other keys, that role is the content's.
struct ListTeamRoles: Query {
    static let sql = """
        WITH wanted AS (
            SELECT w.team_id, coalesce((
                SELECT max(b.number) FROM team_content b
                WHERE b.team_id = w.team_id AND b.number < w.number AND b.fleet_id IS NULL AND EXISTS (
                    SELECT FROM team_content h
                    JOIN fleet_team_content p ON p.team_id = h.team_id AND p.number = h.number
                    WHERE h.team_id = w.team_id AND h.number = w.number - 1 AND h.fleet_id IS NOT NULL
                        AND NOT EXISTS (SELECT FROM team_role r
                            WHERE r.team_id = h.team_id AND r.content_number = h.number))
                AND NOT EXISTS (SELECT FROM team_role r
                    WHERE r.team_id = w.team_id AND r.content_number = w.number)
                ), w.number) AS number
            FROM unnest($1::bigint[], $2::bigint[]) AS w (team_id, number)
        )
        SELECT DISTINCT ON (r.team_id) t.name, r.version, r.content_number, c.bytes
        FROM wanted w
        JOIN team t ON t.id = w.team_id
        JOIN team_role r ON r.team_id = w.team_id
        JOIN published_content c ON c.sha256 = r.sha256
        WHERE w.number
            = coalesce(r.content_number, (SELECT min(f.number) FROM team_content f WHERE f.team_id = r.team_id))
        ORDER BY r.team_id, r.version DESC
        """
    let contents: [TakenContent]
    var bindings: [Binding] { [.ints(contents.map(\.team.id)), .ints(contents.map(\.number))] }
    func decode(_ row: Row) throws -> TeamRoleRecord {
        TeamRoleRecord(
            team: try row.value("name", { try TeamName($0) }), version: try row.value("version"),
            bytes: try row.value("bytes"), contentNumber: try row.value("content_number"))
    }
}

/// The highest version of each team's role or draft, with whatever content: one counter per team for ever.
struct ListTeamVersions: Query {
    static let sql = """
        SELECT t.name, max(r.version) AS version
        FROM (SELECT team_id, version FROM team_role UNION ALL SELECT team_id, version FROM role_draft) AS r
        JOIN team t ON t.id = r.team_id WHERE r.team_id = ANY ($1) GROUP BY t.name
        """
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> (role: String, version: Int64) {
        (try row.value("name"), try row.value("version"))
    }
}

/// Published changes that are in what a fleet takes, and that no release of it has brought yet.
struct ListChangesToRelease: Query {
    static let sql = """
        WITH RECURSIVE taken AS (
            SELECT c.team_id, c.number, c.base, c.change_number
            FROM unnest($1::bigint[], $2::bigint[]) AS w (team_id, number) JOIN team_content c USING (team_id, number)
            UNION ALL
            SELECT c.team_id, c.number, c.base, c.change_number
            FROM taken t JOIN team_content c ON c.team_id = t.team_id AND c.number = t.base
        )
        SELECT c.number FROM change c WHERE c.state = 'published' AND (c.team_id = ANY ($1) OR (
            c.team_id IS NULL AND EXISTS (SELECT FROM team_content h JOIN taken t ON t.team_id = h.team_id
                WHERE h.change_number = c.number AND h.fleet_id IS NULL AND h.number <= t.number)))
        AND NOT EXISTS (SELECT FROM release_change r WHERE r.fleet_id = $3 AND r.change_number = c.number)
        AND (c.number IN (SELECT t.change_number FROM taken t) OR NOT EXISTS (
            SELECT FROM team_content h JOIN taken t ON t.team_id = h.team_id AND t.base IS NULL
            WHERE h.change_number = c.number AND h.fleet_id IS NULL AND h.number > t.number))
        ORDER BY c.number
        """
    let contents: [TakenContent]
    let fleet: Int64
    var bindings: [Binding] {
        [.ints(contents.map(\.team.id)), .ints(contents.map(\.number)), .int(fleet)]
    }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

extension Transaction {
    /// What the fleet takes of each of its teams.
    func contents(of teams: [TeamRow], in fleet: FleetRow) async throws -> [TakenContent] {
        let rows = try await fetchAll(ListTakenContents(fleet: fleet.id))
        let found = Dictionary(rows.map { ($0.team, $0) }) { first, _ in first }
        return try teams.map { team in
            guard let content = found[team.id] else {
                throw StoreError(
                    .damaged, "nothing was promoted to fleet \"\(fleet.name)\" for its team \"\(team.name)\"",
                    hint: "take the team out of the fleet and in again: roadstead fleet set \(fleet.name)")
            }
            return TakenContent(team: team, number: content.number, document: content.document)
        }
    }

    /// The certificates that some contents name, by digest.
    func certificates(in contents: [TakenContent]) async throws -> [String: [UInt8]] {
        let digests = Set(contents.flatMap { $0.document.stores.flatMap(\.anchors) })
        let query = ListCertificates(teams: contents.map(\.team.id), digests: Array(digests))
        return Dictionary(try await fetchAll(query).map { ($0.sha256, $0.certificate) }) { first, _ in first }
    }
}
