import Codecs
import PostgresKit
import TrustModel

struct SetPromotesFrom: Statement {
    static let sql = "UPDATE fleet SET promotes_from = $2 WHERE id = $1"
    let fleet: Int64
    let source: Int64?
    var bindings: [Binding] { [.int(fleet), .int(source)] }
}

/// Keeps for a fleet what it takes now as if that had been promoted to it. The teams are locked as by `LockTeam`, so that
/// a removal either is in what is kept or knows that it is.
struct FreezeContents: Statement {
    static let sql = """
        INSERT INTO fleet_team_content (fleet_id, team_id, number)
        SELECT m.fleet_id, m.team_id, t.content_version
        FROM fleet_team m JOIN team t ON t.id = m.team_id WHERE m.fleet_id = $1
        ORDER BY t.id FOR SHARE OF t
        """
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
}

struct ForgetPromotedContents: Statement {
    static let sql = "DELETE FROM fleet_team_content WHERE fleet_id = $1"
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
}

struct InsertPromotedContent: Statement {
    static let sql = "INSERT INTO fleet_team_content (fleet_id, team_id, number) VALUES ($1, $2, $3)"
    let fleet: Int64
    let team: Int64
    let number: Int64
    var bindings: [Binding] { [.int(fleet), .int(team), .int(number)] }
}

/// The fleets from which a fleet gets its contents, one after the other; itself first.
struct ListSources: Query {
    static let sql = """
        WITH RECURSIVE source AS (
            SELECT id, name, promotes_from FROM fleet WHERE id = $1
            UNION SELECT f.id, f.name, f.promotes_from FROM source s JOIN fleet f ON f.id = s.promotes_from
        )
        SELECT id FROM source
        """
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

/// A team's role as a fleet has published it, with the number of its content.
struct PublishedTeamRole: Sendable {
    let version: Int64
    let bytes: [UInt8]
    let number: Int64
}

/// Which of a team's anchors are active now: in this place, with these bytes.
struct ListActivePlaces: Query {
    static let sql = """
        SELECT s.kind, s.name, a.sha256 FROM anchor a JOIN trust_store s ON s.id = a.store_id
        WHERE a.team_id = $1 AND a.state = 'active'
        """
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> TeamContentDocument.Placed {
        TeamContentDocument.Placed(
            kind: try row.value("kind", { try stored($0) }), store: try row.value("name", { try TrustStoreName($0) }),
            sha256: try row.value("sha256"))
    }
}

/// What hosts of the fleet have of a team now; nothing for a team that it does not include any more.
struct FetchPublishedTeamRole: Query {
    static let sql = """
        SELECT p.version, c.bytes,
            coalesce(r.content_number, (SELECT min(f.number) FROM team_content f WHERE f.team_id = r.team_id)) AS number
        FROM fleet_team m JOIN fleet f ON f.id = m.fleet_id JOIN team t ON t.id = m.team_id
        JOIN published_file p ON p.fleet_id = f.id AND p.role = t.name AND p.release <= f.published_release
        JOIN team_role r ON r.team_id = t.id AND r.version = p.version AND r.sha256 = p.sha256
        JOIN published_content c ON c.sha256 = p.sha256
        WHERE m.fleet_id = $1 AND m.team_id = $2 ORDER BY p.version DESC LIMIT 1
        """
    let fleet: Int64
    let team: Int64
    var bindings: [Binding] { [.int(fleet), .int(team)] }
    func decode(_ row: Row) throws -> PublishedTeamRole {
        PublishedTeamRole(
            version: try row.value("version"), bytes: try row.value("bytes"), number: try row.value("number"))
    }
}

struct MovePromotedContent: Statement {
    static let sql = "UPDATE fleet_team_content SET number = $3 WHERE fleet_id = $1 AND team_id = $2"
    let fleet: Int64
    let team: Int64
    let number: Int64
    var bindings: [Binding] { [.int(fleet), .int(team), .int(number)] }
}

/// Keeps a content that is none of the team's own, under the next number; the team's own newest has to follow it.
struct InsertHotFix: Query {
    static let sql = """
        WITH advanced AS (
            UPDATE team SET content_version = content_version + 1 WHERE id = $1 RETURNING id, content_version
        )
        INSERT INTO team_content (team_id, number, document, change_number, fleet_id, base)
        SELECT id, content_version, $2, $3, $4, $5 FROM advanced RETURNING number
        """
    let team: Int64
    let document: String
    let change: Int64
    let fleet: Int64
    let base: Int64
    var bindings: [Binding] { [.int(team), .text(document), .int(change), .int(fleet), .int(base)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

/// What a published change did to one anchor.
struct ChangedAnchor: Sendable {
    let place: TeamContentDocument.Placed
    let subject: String
    /// Whether the change added it; otherwise it removed it.
    let isAdded: Bool
    /// The change that removed it since, of what was added.
    let removedByChange: Int64?
    /// When it ends by itself.
    let until: UTCDate?
}

struct ListAnchorsOfChange: Query {
    static let sql = """
        SELECT s.kind, s.name, a.sha256, a.subject, a.added_by_change = $2 AS is_added, a.removed_by_change, a.until
        FROM anchor a JOIN trust_store s ON s.id = a.store_id
        WHERE a.team_id = $1 AND (a.added_by_change = $2 OR a.removed_by_change = $2) ORDER BY a.id
        """
    let team: Int64
    let change: Int64
    var bindings: [Binding] { [.int(team), .int(change)] }
    func decode(_ row: Row) throws -> ChangedAnchor {
        ChangedAnchor(
            place: TeamContentDocument.Placed(
                kind: try row.value("kind", { try stored($0) }),
                store: try row.value("name", { try TrustStoreName($0) }), sha256: try row.value("sha256")),
            subject: try row.value("subject"), isAdded: try row.value("is_added"),
            removedByChange: try row.value("removed_by_change"), until: try row.value("until"))
    }
}

/// Whether some fleet takes another content of the team than the newest: then a removal is not enough.
struct IsPromotedSomewhere: Query {
    static let sql = "SELECT EXISTS (SELECT FROM fleet_team_content WHERE team_id = $1) AS promoted"
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> Bool { try row.value("promoted") }
}

/// Whether some fleet, when it was last looked at, could not publish the team's role, or nothing at all.
struct IsHeldSomewhere: Query {
    static let sql = """
        SELECT EXISTS (
            SELECT FROM fleet_team m JOIN fleet_note n ON n.fleet_id = m.fleet_id
            WHERE m.team_id = $1 AND (n.document::jsonb ->> 'failure' IS NOT NULL
                OR n.document::jsonb -> 'held' @> jsonb_build_array(jsonb_build_object('team', $2::text)))) AS held
        """
    let team: TeamRow
    var bindings: [Binding] { [.int(team.id), .text(team.name.rawValue)] }
    func decode(_ row: Row) throws -> Bool { try row.value("held") }
}
