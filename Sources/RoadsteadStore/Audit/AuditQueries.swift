import Codecs
import PostgresKit
import TrustModel

/// The only way into the log; the database makes the chain.
struct AppendAuditEvent: Query {
    static let sql = "SELECT append_audit_event($1, $2, $3, $4, $5, $6, $7, $8, $9) AS sequence"
    let at: UTCDate
    let actor: String
    let credential: Int64?
    let requestID: String?
    let action: String
    let team: String?
    let fleet: String?
    let object: String
    let detail: String

    var bindings: [Binding] {
        [
            .date(at), .text(actor), .int(credential), .text(requestID), .text(action), .text(team), .text(fleet),
            .text(object), .text(detail),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("sequence") }
}

struct ListAuditEvents: Query {
    static let sql = """
        SELECT sequence, at, actor, credential_id, request_id, action, team, fleet, object, detail, previous_hash, hash
        FROM audit_event
        WHERE sequence > $1 AND sequence <= $2 AND ($3
            OR (team IS NOT NULL AND ($4::text[] IS NULL OR team = ANY ($4)))
            OR (fleet IS NOT NULL AND ($5::text[] IS NULL OR fleet = ANY ($5))))
            AND ($6::timestamptz IS NULL OR at >= $6) AND ($7::timestamptz IS NULL OR at < $7)
            AND ($8::text IS NULL OR actor = $8) AND ($9::text IS NULL OR object = $9)
            AND ($10::text IS NULL OR action = $10) AND ($11::text IS NULL OR team = $11)
            AND ($12::text IS NULL OR fleet = $12)
        ORDER BY sequence LIMIT $13
        """
    let after: Int64
    var upTo = Int64.max
    var filter = AuditFilter()
    var readable = ReadableAudit.everything
    let limit: Int

    var bindings: [Binding] {
        [
            .int(after), .int(upTo), .bool(readable.isEverything), .names(readable.teams),
            .names(readable.fleets), .date(filter.from), .date(filter.to), .text(filter.actor),
            .text(filter.object), .text(filter.action), .text(filter.team?.rawValue), .text(filter.fleet?.rawValue),
            .int(limit),
        ]
    }

    func decode(_ row: Row) throws -> AuditEntry {
        AuditEntry(
            sequence: try row.value("sequence"), at: try row.value("at"), actor: try row.value("actor"),
            credential: try row.value("credential_id"), requestID: try row.value("request_id"),
            action: try row.value("action"), team: try row.value("team"), fleet: try row.value("fleet"),
            object: try row.value("object"), detail: try row.value("detail"),
            previousHash: try row.value("previous_hash"), hash: try row.value("hash"))
    }
}

struct FetchAuditHead: Query {
    static let sql = "SELECT sequence, hash FROM audit_head"
    var bindings: [Binding] { [] }

    func decode(_ row: Row) throws -> AuditHead {
        AuditHead(sequence: try row.value("sequence"), hash: try row.value("hash"))
    }
}
