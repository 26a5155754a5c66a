import Codecs
import PostgresKit
import TrustModel

/// A ceremony without what it does in its fleets.
struct CeremonyRow: Sendable {
    let id: Int64
    let note: String?
    let created: UTCDate
    let expires: UTCDate

    init(_ row: Row) throws {
        id = try row.value("id")
        note = try row.value("note")
        created = try row.value("created_at")
        expires = try row.value("expires_at")
    }
}

struct FetchCeremony: Query {
    static let sql = "SELECT id, note, created_at, expires_at FROM ceremony WHERE id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> CeremonyRow { try CeremonyRow(row) }
}

/// The newest first.
struct ListCeremonies: Query {
    static let sql = """
        SELECT c.id, c.note, c.created_at, c.expires_at FROM ceremony c
        WHERE ($1::bigint = 0 OR c.id < $1) AND ($2::text IS NULL OR EXISTS (SELECT FROM ceremony_fleet p
            JOIN fleet f ON f.id = p.fleet_id WHERE p.ceremony_id = c.id AND f.name = $2))
        AND ($3::text[] IS NULL OR NOT EXISTS (SELECT FROM ceremony_fleet p JOIN fleet f ON f.id = p.fleet_id
            WHERE p.ceremony_id = c.id AND f.name <> ALL ($3)))
        ORDER BY c.id DESC LIMIT $4
        """
    let before: Int64
    let fleet: FleetName?
    /// A ceremony is shown to who may read every fleet in it.
    let readable: Readable<FleetName>
    let limit: Int
    var bindings: [Binding] { [.int(before), .text(fleet?.rawValue), .names(readable), .int(limit)] }
    func decode(_ row: Row) throws -> CeremonyRow { try CeremonyRow(row) }
}

struct InsertCeremony: Query {
    static let sql = """
        INSERT INTO ceremony (note, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4) RETURNING id
        """
    let note: String?
    let by: PersonID
    let now: UTCDate
    let expires: UTCDate
    var bindings: [Binding] { [.text(note), .int(by.rawValue), .date(now), .date(expires)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

// MARK: - In one fleet

private let partSelect = """
    SELECT p.ceremony_id, p.fleet_id AS fleet_row, f.name AS fleet, f.fleet_id, f.profile, p.state, p.starts_over,
        p.targets_online, p.release, p.reason, c.expires_at
    FROM ceremony_fleet p JOIN fleet f ON f.id = p.fleet_id JOIN ceremony c ON c.id = p.ceremony_id
    """

/// What a ceremony does in one fleet, without its drafts.
struct CeremonyFleetRow: Sendable {
    let ceremony: Int64
    let fleetRow: Int64
    let fleet: FleetName
    let fleetID: FleetID
    let profile: FleetProfile
    let state: CeremonyFleetRecord.State
    let startsOver: Bool
    let targetsOnline: Bool
    let release: Int64?
    let reason: String?
    let expires: UTCDate

    init(_ row: Row) throws {
        ceremony = try row.value("ceremony_id")
        fleetRow = try row.value("fleet_row")
        fleet = try row.value("fleet", { try FleetName($0) })
        fleetID = try row.value("fleet_id", { try FleetID($0) })
        profile = try row.value("profile", { try stored($0) })
        state = try row.value("state", { try stored($0) })
        startsOver = try row.value("starts_over")
        targetsOnline = try row.value("targets_online")
        release = try row.value("release")
        reason = try row.value("reason")
        expires = try row.value("expires_at")
    }
}

struct ListCeremonyFleets: Query {
    static let sql = "\(partSelect) WHERE p.ceremony_id = $1 ORDER BY f.name"
    let ceremony: Int64
    var bindings: [Binding] { [.int(ceremony)] }
    func decode(_ row: Row) throws -> CeremonyFleetRow { try CeremonyFleetRow(row) }
}

struct LockCeremonyFleets: Query {
    static let sql = "\(partSelect) WHERE p.ceremony_id = $1 AND f.name = ANY ($2) ORDER BY f.name FOR UPDATE OF p"
    let ceremony: Int64
    let fleets: [FleetName]
    var bindings: [Binding] { [.int(ceremony), .texts(fleets.map(\.rawValue))] }
    func decode(_ row: Row) throws -> CeremonyFleetRow { try CeremonyFleetRow(row) }
}

/// The ceremony that a fleet is in, if any.
struct FetchCurrentCeremony: Query {
    static let sql = "\(partSelect) WHERE p.fleet_id = $1 AND p.state IN ('open', 'closed') FOR UPDATE OF p"
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> CeremonyFleetRow { try CeremonyFleetRow(row) }
}

/// The same for those who only read.
struct FetchClosedCeremony: Query {
    static let sql = "\(partSelect) WHERE p.fleet_id = $1 AND p.state = 'closed'"
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> CeremonyFleetRow { try CeremonyFleetRow(row) }
}

struct InsertCeremonyFleet: Statement {
    static let sql = """
        INSERT INTO ceremony_fleet (ceremony_id, fleet_id, starts_over, targets_online) VALUES ($1, $2, $3, $4)
        """
    let ceremony: Int64
    let fleet: Int64
    let startsOver: Bool
    let targetsOnline: Bool
    var bindings: [Binding] { [.int(ceremony), .int(fleet), .bool(startsOver), .bool(targetsOnline)] }
}

struct VoidCeremonyFleet: Statement {
    static let sql = """
        UPDATE ceremony_fleet SET state = 'void', reason = $3
        WHERE ceremony_id = $1 AND fleet_id = $2 AND state IN ('open', 'closed') AND release IS NULL
        """
    let ceremony: Int64
    let fleet: Int64
    let reason: String
    var bindings: [Binding] { [.int(ceremony), .int(fleet), .text(reason)] }
}

/// Ends what was not completed in time; what is closed waits for nobody any more and stays.
struct VoidExpiredCeremonies: Query {
    static let sql = """
        UPDATE ceremony_fleet p SET state = 'void', reason = 'expired' FROM ceremony c, fleet f
        WHERE c.id = p.ceremony_id AND f.id = p.fleet_id AND p.state = 'open' AND c.expires_at <= $1
        RETURNING p.ceremony_id, f.name
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> (ceremony: Int64, fleet: FleetName) {
        (try row.value("ceremony_id"), try row.value("name", { try FleetName($0) }))
    }
}

struct CloseCeremonyFleet: Statement {
    static let sql = """
        UPDATE ceremony_fleet SET state = 'closed', closed_at = $3
        WHERE ceremony_id = $1 AND fleet_id = $2 AND state = 'open'
        """
    let ceremony: Int64
    let fleet: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(ceremony), .int(fleet), .date(now)] }
}

/// Says which release takes a closed ceremony in.
struct ReleaseCeremony: Statement {
    static let sql = """
        UPDATE ceremony_fleet SET release = $3 WHERE ceremony_id = $1 AND fleet_id = $2 AND state = 'closed'
        AND release IS NULL
        """
    let ceremony: Int64
    let fleet: Int64
    let release: Int64
    var bindings: [Binding] { [.int(ceremony), .int(fleet), .int(release)] }
}

struct PublishCeremony: Query {
    static let sql = """
        UPDATE ceremony_fleet SET state = 'published', reason = NULL
        WHERE fleet_id = $1 AND release = $2 AND state = 'closed' RETURNING ceremony_id, targets_online
        """
    let fleet: Int64
    let release: Int64
    var bindings: [Binding] { [.int(fleet), .int(release)] }
    func decode(_ row: Row) throws -> (ceremony: Int64, targetsOnline: Bool) {
        (try row.value("ceremony_id"), try row.value("targets_online"))
    }
}

/// Keeps why a closed ceremony could not be published; the same again changes nothing.
struct NoteCeremonyTrouble: Statement {
    static let sql = """
        UPDATE ceremony_fleet SET reason = $3
        WHERE ceremony_id = $1 AND fleet_id = (SELECT id FROM fleet WHERE name = $2) AND state = 'closed'
        AND release IS NULL AND reason IS DISTINCT FROM $3
        """
    let ceremony: Int64
    let fleet: FleetName
    let reason: String
    var bindings: [Binding] { [.int(ceremony), .text(fleet.rawValue), .text(reason)] }
}

// MARK: - Drafts

struct InsertMetadataDraft: Query {
    static let sql = """
        INSERT INTO metadata_draft (ceremony_id, fleet_id, role, version, base_sha256, signed_part)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
        """
    let ceremony: Int64
    let fleet: Int64
    let draft: NewMetadataDraft
    var bindings: [Binding] {
        [
            .int(ceremony), .int(fleet), .text(draft.role), .int(draft.version), .text(draft.baseSHA256),
            .bytes(draft.signedPart),
        ]
    }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct InsertDraftFile: Statement {
    static let sql = "INSERT INTO metadata_draft_file (draft_id, path, sha256) VALUES ($1, $2, $3)"
    let draft: Int64
    let file: NewFile
    var bindings: [Binding] { [.int(draft), .text(file.path), .text(file.sha256)] }
}

/// Every draft of a ceremony with the bytes that it follows.
struct ListMetadataDrafts: Query {
    static let sql = """
        SELECT d.id, d.fleet_id, d.role, d.version, d.base_sha256, d.signed_part, b.bytes AS base, c.bytes AS file
        FROM metadata_draft d LEFT JOIN published_content b ON b.sha256 = d.base_sha256
            LEFT JOIN published_content c ON c.sha256 = d.file_sha256
        WHERE d.ceremony_id = $1 ORDER BY d.role, d.id
        """
    let ceremony: Int64
    var bindings: [Binding] { [.int(ceremony)] }
    func decode(_ row: Row) throws -> (fleet: Int64, draft: MetadataDraftRecord) {
        let draft = MetadataDraftRecord(
            id: try row.value("id"), role: try row.value("role"), version: try row.value("version"),
            baseSHA256: try row.value("base_sha256"), base: try row.value("base"),
            signedPart: try row.value("signed_part"), file: try row.value("file"), files: [], signatures: [])
        return (try row.value("fleet_id"), draft)
    }
}

/// The newest file of a role in a fleet, published or on its way.
struct FetchNewestFile: Query {
    static let sql = """
        SELECT sha256 FROM published_file WHERE fleet_id = $1 AND role = $2 ORDER BY version DESC LIMIT 1
        """
    let fleet: Int64
    let role: String
    var bindings: [Binding] { [.int(fleet), .text(role)] }
    func decode(_ row: Row) throws -> String { try row.value("sha256") }
}

struct CloseMetadataDraft: Statement {
    static let sql = "UPDATE metadata_draft SET file_sha256 = $2 WHERE id = $1 AND file_sha256 IS NULL"
    let id: Int64
    let sha256: String
    var bindings: [Binding] { [.int(id), .text(sha256)] }
}

struct ListDraftSignatures: Query {
    static let sql = """
        SELECT s.draft_id, s.key_id, s.signature, s.person_id
        FROM metadata_draft_signature s JOIN metadata_draft d ON d.id = s.draft_id
        WHERE d.ceremony_id = $1 ORDER BY s.draft_id, s.key_id
        """
    let ceremony: Int64
    var bindings: [Binding] { [.int(ceremony)] }
    func decode(_ row: Row) throws -> (draft: Int64, signature: MetadataDraftRecord.Signature) {
        let signature = MetadataDraftRecord.Signature(
            keyID: try row.value("key_id"), signature: try row.value("signature"),
            person: PersonID(rawValue: try row.value("person_id")))
        return (try row.value("draft_id"), signature)
    }
}

struct InsertDraftSignature: Query {
    static let sql = """
        INSERT INTO metadata_draft_signature (draft_id, key_id, signature, person_id, signed_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING key_id
        """
    let signature: NewDraftSignature
    let by: PersonID
    let now: UTCDate
    var bindings: [Binding] {
        [
            .int(signature.draft), .text(signature.keyID), .bytes(signature.signature), .int(by.rawValue), .date(now),
        ]
    }
    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}

/// The newest closed metadata of each role that a fleet's ceremonies signed, but root.
struct ListSignedDrafts: Query {
    static let sql = """
        SELECT DISTINCT ON (d.role) d.id, d.role, d.version, c.bytes
        FROM metadata_draft d JOIN ceremony_fleet p ON p.ceremony_id = d.ceremony_id AND p.fleet_id = d.fleet_id
            JOIN published_content c ON c.sha256 = d.file_sha256
        WHERE d.fleet_id = $1 AND d.role <> 'root' AND p.state IN ('closed', 'published')
        ORDER BY d.role, d.version DESC, d.id DESC
        """
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> (id: Int64, role: String, version: Int64, bytes: [UInt8]) {
        (try row.value("id"), try row.value("role"), try row.value("version"), try row.value("bytes"))
    }
}

struct ListDraftFiles: Query {
    static let sql = """
        SELECT f.draft_id, f.path, c.bytes FROM metadata_draft_file f JOIN published_content c ON c.sha256 = f.sha256
        WHERE f.draft_id = ANY ($1) ORDER BY f.path
        """
    let drafts: [Int64]
    var bindings: [Binding] { [.ints(drafts)] }
    func decode(_ row: Row) throws -> (draft: Int64, file: NewFile) {
        (try row.value("draft_id"), NewFile(path: try row.value("path"), bytes: try row.value("bytes")))
    }
}

/// What a closed ceremony signed in a fleet, role by role.
struct ListClosedDrafts: Query {
    static let sql = """
        SELECT d.role, d.version, c.bytes FROM metadata_draft d JOIN published_content c ON c.sha256 = d.file_sha256
        WHERE d.ceremony_id = $1 AND d.fleet_id = $2 ORDER BY d.role
        """
    let ceremony: Int64
    let fleet: Int64
    var bindings: [Binding] { [.int(ceremony), .int(fleet)] }
    func decode(_ row: Row) throws -> (role: String, version: Int64, bytes: [UInt8]) {
        (try row.value("role"), try row.value("version"), try row.value("bytes"))
    }
}
