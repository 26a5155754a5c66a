import Codecs
import PostgresKit
import TrustModel

/// What each fleet published at a moment, from the files that were out then: the release, whom its signed settings listen
/// to, which content each of those roles says, and what it denied.
private let publishedThen = """
    live AS (
        SELECT DISTINCT ON (f.id) f.id AS fleet_id, f.name AS fleet, r.number, r.published_at, r.digest
        FROM fleet f JOIN release r ON r.fleet_id = f.id AND r.published_at <= $1
        WHERE ($2::text IS NULL OR f.name = $2) AND (f.removed_at IS NULL OR f.removed_at > $1)
        ORDER BY f.id, r.number DESC
    ), files AS (
        SELECT DISTINCT ON (p.fleet_id, p.role) p.fleet_id, p.role, p.version, p.sha256
        FROM live l JOIN published_file p ON p.fleet_id = l.fleet_id AND p.release <= l.number
        WHERE p.role IS NOT NULL AND p.role NOT IN ('root', 'timestamp', 'snapshot')
        ORDER BY p.fleet_id, p.role, p.version DESC
    ), settings AS (
        SELECT f.fleet_id, d ->> 'name' AS role FROM files f JOIN published_content c ON c.sha256 = f.sha256
            CROSS JOIN LATERAL jsonb_array_elements(
                convert_from(c.bytes, 'UTF8')::jsonb #> '{signed,delegations,roles}') AS d
        WHERE f.role = 'targets'
    ), listed AS (
        SELECT fleet_id, role FROM settings
        UNION
        SELECT f.fleet_id, d ->> 'name' FROM settings s JOIN files f ON f.fleet_id = s.fleet_id AND f.role = s.role
            JOIN published_content c ON c.sha256 = f.sha256
            CROSS JOIN LATERAL jsonb_array_elements(
                convert_from(c.bytes, 'UTF8')::jsonb #> '{signed,delegations,roles}') AS d
        WHERE s.role ~ '^teams-[0-9]{2}$'
    ), denied AS (
        SELECT f.fleet_id, n ->> 'kind' AS kind, n ->> 'value' AS value, n ->> 'issuer' AS issuer, n ->> 'team' AS team,
            n ->> 'id' AS id
        FROM files f JOIN published_content r ON r.sha256 = f.sha256
            JOIN published_content c ON c.sha256 = convert_from(r.bytes, 'UTF8')::jsonb
                #>> '{signed,targets,deny/deny.json,hashes,sha256}'
            CROSS JOIN LATERAL jsonb_array_elements(convert_from(c.bytes, 'UTF8')::jsonb -> 'denials') AS n
        WHERE f.role = 'deny'
    )
    """

/// The anchors that fleets trusted at a moment, with who is answerable for each.
struct ListTrustAt: Query {
    static let sql = """
        WITH \(publishedThen), placed AS (
            SELECT l.fleet_id, l.fleet, l.number, l.published_at, t.id AS team_id, t.name AS team, c.number AS content,
                s.value ->> 'kind' AS kind, s.value ->> 'name' AS store, a.value AS sha256
            FROM listed d JOIN live l ON l.fleet_id = d.fleet_id
                JOIN files f ON f.fleet_id = d.fleet_id AND f.role = d.role
                JOIN team t ON t.name = d.role
                JOIN team_role r ON r.team_id = t.id AND r.version = f.version
                JOIN team_content c ON c.team_id = t.id AND c.number = coalesce(r.content_number,
                    (SELECT min(o.number) FROM team_content o WHERE o.team_id = t.id))
                CROSS JOIN LATERAL jsonb_array_elements(c.document::jsonb -> 'stores') AS s
                CROSS JOIN LATERAL jsonb_array_elements_text(s.value -> 'anchors') AS a
            WHERE ($3::text IS NULL OR t.name = $3) AND ($4::text IS NULL OR a.value = $4)
                AND ($5 OR $6::text[] IS NULL OR t.name = ANY ($6) OR $7::text[] IS NULL OR l.fleet = ANY ($7))
        ), keyed AS (
            SELECT p.*, concat_ws('/', p.fleet, p.team, p.kind, p.store, p.sha256) COLLATE "C" AS key FROM placed p
        )
        SELECT k.key, k.fleet, k.number, k.published_at, k.team, k.content, k.kind, k.store, k.sha256, a.id AS anchor,
            a.subject, a.origin, a.owner, a.justification, a.evidence, a.added_at, a.added_by_change, p.subject AS author,
            array(SELECT q.subject FROM change_decision x JOIN change g ON g.number = x.change_number
                JOIN person q ON q.id = x.person_id
                WHERE x.change_number = a.added_by_change AND x.approves AND x.digest = g.digest ORDER BY q.subject)
                AS approvers,
            (SELECT n.id FROM denied n WHERE n.fleet_id = k.fleet_id AND (n.team IS NULL OR n.team = k.team)
                AND ((n.kind = 'certificate' AND n.value = k.sha256) OR (n.kind = 'key' AND n.value = a.key_sha256))
                ORDER BY n.id LIMIT 1) AS denial
        FROM keyed k LEFT JOIN LATERAL (
            SELECT a.* FROM anchor a JOIN trust_store s ON s.id = a.store_id
            WHERE a.team_id = k.team_id AND s.kind = k.kind AND s.name = k.store AND a.sha256 = k.sha256
                AND a.added_at <= k.published_at ORDER BY a.id DESC LIMIT 1) AS a ON true
        LEFT JOIN change c ON c.number = a.added_by_change LEFT JOIN person p ON p.id = c.author
        WHERE k.key > $8 ORDER BY k.key LIMIT $9
        """
    let at: UTCDate
    let filter: TrustFilter
    let readable: ReadableAudit
    let after: String
    let limit: Int

    var bindings: [Binding] {
        [
            .date(at), .text(filter.fleet?.rawValue), .text(filter.team?.rawValue), .text(filter.certificate),
            .bool(readable.isEverything), .names(readable.teams), .names(readable.fleets),
            .text(after), .int(limit),
        ]
    }

    func decode(_ row: Row) throws -> TrustedAnchorRecord {
        TrustedAnchorRecord(
            key: try row.value("key"), fleet: try row.value("fleet", { try FleetName($0) }),
            release: try row.value("number"), published: try row.value("published_at"),
            team: try row.value("team", { try TeamName($0) }), content: try row.value("content"),
            kind: try row.value("kind", { try stored($0) }), store: try row.value("store", { try TrustStoreName($0) }),
            certificateSHA256: try row.value("sha256"), anchor: try row.value("anchor"),
            subject: try row.value("subject"), origin: try row.value("origin"), owner: try row.value("owner"),
            justification: try row.value("justification"), evidence: try row.value("evidence"),
            added: try row.value("added_at"), change: try row.value("added_by_change"),
            author: try row.value("author"), approvers: try row.value("approvers"), denial: try row.value("denial"))
    }
}

/// What fleets had published at a moment, and how far their hosts had come, by the last receipt of each.
struct ListFleetsAt: Query {
    static let sql = """
        WITH \(publishedThen)
        SELECT l.fleet, l.number, l.published_at, l.digest, count(h.id) AS hosts,
            count(h.id) FILTER (WHERE x.release >= l.number) AS applied,
            count(h.id) FILTER (WHERE x.release IS NULL) AS silent,
            (SELECT count(*) FROM denied n WHERE n.fleet_id = l.fleet_id) AS denials
        FROM live l LEFT JOIN host h ON h.fleet_id = l.fleet_id AND h.enrolled_at <= $1
            AND (h.removed_at IS NULL OR h.removed_at > $1)
        LEFT JOIN LATERAL (
            SELECT (convert_from(r.bytes, 'UTF8')::jsonb ->> 'release')::bigint AS release FROM receipt r
            WHERE r.host_id = h.id AND r.received_at <= $1 ORDER BY r.sequence DESC LIMIT 1) AS x ON true
        WHERE $3 OR $4::text[] IS NULL OR $5::text[] IS NULL OR l.fleet = ANY ($5) OR EXISTS (SELECT FROM listed d WHERE d.fleet_id = l.fleet_id AND d.role = ANY ($4))
        GROUP BY l.fleet_id, l.fleet, l.number, l.published_at, l.digest ORDER BY l.fleet
        """
    let at: UTCDate
    let filter: TrustFilter
    let readable: ReadableAudit

    var bindings: [Binding] {
        [
            .date(at), .text(filter.fleet?.rawValue), .bool(readable.isEverything), .names(readable.teams),
            .names(readable.fleets),
        ]
    }

    func decode(_ row: Row) throws -> FleetAtRecord {
        FleetAtRecord(
            fleet: try row.value("fleet", { try FleetName($0) }), release: try row.value("number"),
            published: try row.value("published_at"), snapshotSHA256: try row.value("digest"),
            hosts: try row.value("hosts"), applied: try row.value("applied"), silent: try row.value("silent"),
            denials: try row.value("denials"))
    }
}
