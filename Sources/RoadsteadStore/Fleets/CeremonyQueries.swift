import Codecs
import PostgresKit
import TrustModel

private let draftSelect = """
    SELECT d.id, d.fleet_id AS fleet_row, f.name AS fleet, f.fleet_id, d.version, d.signed_part, d.state, d.created_at,
        d.expires_at
    FROM root_draft d JOIN fleet f ON f.id = d.fleet_id
    """

/// A draft without its signatures.
struct RootDraftRow: Sendable {
    let id: Int64
    let fleetRow: Int64
    let fleet: FleetName
    let fleetID: FleetID
    let version: Int64
    let signedPart: [UInt8]
    let state: RootDraftRecord.State
    let created: UTCDate
    let expires: UTCDate

    init(_ row: Row) throws {
        id = try row.value("id")
        fleetRow = try row.value("fleet_row")
        fleet = try row.value("fleet", { try FleetName($0) })
        fleetID = try row.value("fleet_id", { try FleetID($0) })
        version = try row.value("version")
        signedPart = try row.value("signed_part")
        state = try row.value("state", { try stored($0) })
        created = try row.value("created_at")
        expires = try row.value("expires_at")
    }
}

struct FetchRootDraft: Query {
    static let sql = "\(draftSelect) WHERE d.id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> RootDraftRow { try RootDraftRow(row) }
}

struct LockRootDraft: Query {
    static let sql = "\(draftSelect) WHERE d.id = $1 FOR UPDATE OF d"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> RootDraftRow { try RootDraftRow(row) }
}

struct VoidRootDrafts: Statement {
    static let sql = "UPDATE root_draft SET state = 'void' WHERE fleet_id = $1 AND state = 'open'"
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
}

struct InsertRootDraft: Query {
    static let sql = """
        INSERT INTO root_draft (fleet_id, version, signed_part, created_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
        """
    let fleet: Int64
    let version: Int64
    let signedPart: [UInt8]
    let by: PersonID
    let now: UTCDate
    let expires: UTCDate

    var bindings: [Binding] {
        [.int(fleet), .int(version), .bytes(signedPart), .int(by.rawValue), .date(now), .date(expires)]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct CloseRootDraft: Statement {
    static let sql = "UPDATE root_draft SET state = 'closed' WHERE id = $1 AND state = 'open'"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
}

struct ListRootSignatures: Query {
    static let sql = "SELECT key_id, signature, person_id FROM root_draft_signature WHERE draft_id = $1 ORDER BY key_id"
    let draft: Int64
    var bindings: [Binding] { [.int(draft)] }
    func decode(_ row: Row) throws -> RootDraftRecord.Signature {
        RootDraftRecord.Signature(
            keyID: try row.value("key_id"), signature: try row.value("signature"),
            person: PersonID(rawValue: try row.value("person_id")))
    }
}

struct InsertRootSignature: Query {
    static let sql = """
        INSERT INTO root_draft_signature (draft_id, key_id, signature, person_id, signed_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING RETURNING key_id
        """
    let draft: Int64
    let keyID: String
    let signature: [UInt8]
    let by: PersonID
    let now: UTCDate

    var bindings: [Binding] { [.int(draft), .text(keyID), .bytes(signature), .int(by.rawValue), .date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}

/// Moves the fleet from one root to the next, and only to the next.
struct AdvanceRoot: Statement {
    static let sql = "UPDATE fleet SET root_version = $2 WHERE id = $1 AND root_version = $2 - 1"
    let fleet: Int64
    let version: Int64
    var bindings: [Binding] { [.int(fleet), .int(version)] }
}

/// A root key of one fleet; the same key again for the same fleet changes nothing.
struct InsertRootKey: Query {
    static let sql = """
        INSERT INTO signing_key (key_id, public_key, key_object, fleet_id, role, created_at)
        VALUES ($1, $2, $3, $4, 'root', $5) ON CONFLICT DO NOTHING RETURNING key_id
        """
    let key: PublicKeyRecord
    let fleet: Int64
    let now: UTCDate
    var bindings: [Binding] {
        [.text(key.keyID), .bytes(key.publicKey), .bytes(key.keyObject), .int(fleet), .date(now)]
    }
    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}

/// What a key is already used for.
struct FetchKeyUse: Query {
    static let sql = """
        SELECT k.key_id, k.fleet_id, k.role, f.name AS fleet, t.name AS team
        FROM signing_key k LEFT JOIN fleet f ON f.id = k.fleet_id LEFT JOIN team t ON t.id = k.team_id
        WHERE k.public_key = $1 OR k.key_id = $2 LIMIT 1
        """
    let key: PublicKeyRecord
    var bindings: [Binding] { [.bytes(key.publicKey), .text(key.keyID)] }

    func decode(_ row: Row) throws -> (fleet: Int64?, role: String?, words: String) {
        let (role, fleet, team): (String?, String?, String?) = (
            try row.value("role"), try row.value("fleet"), try row.value("team")
        )
        let words = team.map { "team \($0)" } ?? "the \(role ?? "?") key of fleet \(fleet ?? "?")"
        return (try row.value("fleet_id"), role, words)
    }
}
