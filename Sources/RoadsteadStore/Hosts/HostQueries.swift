import Codecs
import PostgresKit
import TrustModel

private let hostSelect = """
    SELECT h.id, h.name, f.name AS fleet, f.fleet_id, h.public_key, h.labels, h.enrolled_at, h.removed_at,
        coalesce(s.sequence, 0) AS sequence, coalesce(s.release, 0) AS release,
        coalesce(s.release_digest, '') AS release_digest, coalesce(s.agent_version, '') AS agent_version,
        coalesce(s.enforcers, '[]') AS enforcers, coalesce(s.warnings, '[]') AS warnings, s.last_seen_at,
        greatest(0, f.published_release - coalesce(s.release, 0)) AS behind
    FROM host h JOIN fleet f ON f.id = h.fleet_id LEFT JOIN host_state s ON s.host_id = h.id
    """

extension HostRecord {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), name: try row.value("name"), fleet: try row.value("fleet", { try FleetName($0) }),
            fleetID: try row.value("fleet_id", { try FleetID($0) }), publicKey: try row.value("public_key"),
            labels: try row.value("labels", { try StoredJSON.read($0) }), enrolled: try row.value("enrolled_at"),
            removed: try row.value("removed_at"), sequence: try row.value("sequence"),
            release: try row.value("release"), releaseDigest: try row.value("release_digest"),
            agentVersion: try row.value("agent_version"),
            enforcers: try row.value("enforcers", { try StoredJSON.read($0) }),
            warnings: try row.value("warnings", { try StoredJSON.read($0) }), lastSeen: try row.value("last_seen_at"),
            behind: try row.value("behind"))
    }
}

struct FetchHost: Query {
    static let sql = "\(hostSelect) WHERE h.id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> HostRecord { try HostRecord(row) }
}

struct FetchHostByName: Query {
    static let sql = "\(hostSelect) WHERE f.name = $1 AND h.name = $2 AND h.removed_at IS NULL"
    let fleet: FleetName
    let name: String
    var bindings: [Binding] { [.text(fleet.rawValue), .text(name)] }
    func decode(_ row: Row) throws -> HostRecord { try HostRecord(row) }
}

struct ListHosts: Query {
    static let sql = """
        \(hostSelect) WHERE h.id > $1 AND h.removed_at IS NULL AND ($2::text IS NULL OR f.name = $2)
        AND ($3::text[] IS NULL OR f.name = ANY ($3)) ORDER BY h.id LIMIT $4
        """
    let after: Int64
    let fleet: FleetName?
    let readable: Readable<FleetName>
    let limit: Int
    var bindings: [Binding] { [.int(after), .text(fleet?.rawValue), .names(readable), .int(limit)] }
    func decode(_ row: Row) throws -> HostRecord { try HostRecord(row) }
}

struct RemoveHost: Statement {
    static let sql = "UPDATE host SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL"
    let id: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .date(now)] }
}

struct InsertHost: Query {
    static let sql = """
        INSERT INTO host (fleet_id, name, public_key, labels, join_token_id, enrolled_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id
        """
    let fleet: Int64
    let host: NewHost
    let labels: String
    let token: Int64
    let now: UTCDate

    var bindings: [Binding] {
        [.int(fleet), .text(host.name), .bytes(host.publicKey), .text(labels), .int(token), .date(now)]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct InsertHostState: Statement {
    static let sql = "INSERT INTO host_state (host_id, last_seen_at) VALUES ($1, $2)"
    let host: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(host), .date(now)] }
}

// MARK: - Join tokens

struct InsertJoinToken: Query {
    static let sql = """
        INSERT INTO join_token (token_sha256, fleet_id, labels, uses_left, created_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
        """
    let tokenSHA256: [UInt8]
    let fleet: Int64
    let labels: String
    let uses: Int
    let by: PersonID
    let now: UTCDate
    let expires: UTCDate

    var bindings: [Binding] {
        [
            .bytes(tokenSHA256), .int(fleet), .text(labels), .int(uses), .int(by.rawValue), .date(now),
            .date(expires),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

private let joinSelect = """
    SELECT j.id, j.fleet_id AS fleet_row, f.name AS fleet, j.labels, j.uses_left, j.expires_at
    FROM join_token j JOIN fleet f ON f.id = j.fleet_id
    """

/// The token, locked: several hosts that join with it take turns.
struct LockJoinToken: Query {
    static let sql = "\(joinSelect) WHERE j.token_sha256 = $1 FOR NO KEY UPDATE OF j"
    let tokenSHA256: [UInt8]
    var bindings: [Binding] { [.bytes(tokenSHA256)] }

    func decode(_ row: Row) throws -> (token: JoinTokenRecord, fleetRow: Int64) {
        let token = JoinTokenRecord(
            id: try row.value("id"), fleet: try row.value("fleet", { try FleetName($0) }),
            labels: try row.value("labels", { try StoredJSON.read($0) }), usesLeft: try row.value("uses_left"),
            expires: try row.value("expires_at"))
        return (token, try row.value("fleet_row"))
    }
}

struct UseJoinToken: Statement {
    static let sql = "UPDATE join_token SET uses_left = uses_left - 1 WHERE id = $1 AND uses_left > 0"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
}

// MARK: - Receipts

/// Takes a receipt's number only when it is above the last one.
struct UpdateHostState: Statement {
    static let sql = """
        UPDATE host_state SET sequence = $2, release = $3, release_digest = $4, agent_version = $5, enforcers = $6,
            warnings = $7, reported_at = $8, last_seen_at = $9
        WHERE host_id = $1 AND sequence < $2
        """
    let host: Int64
    let receipt: Receipt
    let enforcers: String
    let warnings: String
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(host), .int(receipt.sequence), .int(receipt.release), .text(receipt.releaseDigest),
            .text(receipt.agentVersion), .text(enforcers), .text(warnings), .date(receipt.issued), .date(now),
        ]
    }
}

struct InsertReceipt: Statement {
    static let sql = """
        INSERT INTO receipt (host_id, sequence, bytes, signature, received_at) VALUES ($1, $2, $3, $4, $5)
        """
    let host: Int64
    let sequence: Int64
    let bytes: [UInt8]
    let signature: [UInt8]
    let now: UTCDate
    var bindings: [Binding] { [.int(host), .int(sequence), .bytes(bytes), .bytes(signature), .date(now)] }
}
