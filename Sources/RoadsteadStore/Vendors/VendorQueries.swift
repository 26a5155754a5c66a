import Codecs
import PostgresKit
import TrustModel

private let vendorColumns =
    "id, name, version, review_by, created_at, removed_at, count_vendor_uses(id) AS uses"

extension VendorRow {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), name: try row.value("name", { try VendorName($0) }),
            version: try row.value("version"), reviewBy: try row.value("review_by"),
            created: try row.value("created_at"), removed: try row.value("removed_at"),
            uses: try row.value("uses"))
    }
}

/// One that was removed too.
struct FetchVendor: Query {
    static let sql = "SELECT \(vendorColumns) FROM vendor WHERE name = $1"
    let name: VendorName
    var bindings: [Binding] { [.text(name.rawValue)] }
    func decode(_ row: Row) throws -> VendorRow { try VendorRow(row) }
}

/// Whoever changes a vendor, or what follows it, takes this first.
struct LockVendor: Query {
    static let sql = "SELECT \(vendorColumns) FROM vendor WHERE name = $1 FOR NO KEY UPDATE"
    let name: VendorName
    var bindings: [Binding] { [.text(name.rawValue)] }
    func decode(_ row: Row) throws -> VendorRow { try VendorRow(row) }
}

struct ListVendors: Query {
    static let sql = """
        SELECT \(vendorColumns) FROM vendor WHERE removed_at IS NULL AND name > $1
        AND ($2::timestamptz IS NULL OR review_by <= $2)
        AND ($3::bigint IS NULL OR NOT EXISTS (SELECT FROM vendor_version n
            WHERE n.vendor_id = vendor.id AND n.version = vendor.version AND n.registered_by = $3))
        ORDER BY name LIMIT $4
        """
    let after: String
    let reviewBefore: UTCDate?
    /// Not those that this person has registered.
    var besides: PersonID?
    let limit: Int
    var bindings: [Binding] { [.text(after), .date(reviewBefore), .int(besides?.rawValue), .int(limit)] }
    func decode(_ row: Row) throws -> VendorRow { try VendorRow(row) }
}

struct InsertVendor: Query {
    static let sql = """
        INSERT INTO vendor (name, version, review_by, created_at) VALUES ($1, 1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING \(vendorColumns)
        """
    let name: VendorName
    let reviewBy: UTCDate
    let now: UTCDate
    var bindings: [Binding] { [.text(name.rawValue), .date(reviewBy), .date(now)] }
    func decode(_ row: Row) throws -> VendorRow { try VendorRow(row) }
}

/// Moves a vendor to a version that was registered.
struct AdvanceVendor: Statement {
    static let sql = """
        UPDATE vendor SET version = $3, review_by = $4, removed_by_change = NULL, removed_at = NULL
        WHERE id = $1 AND version = $2
        """
    let vendor: VendorRow
    let version: Int64
    let reviewBy: UTCDate
    var bindings: [Binding] { [.int(vendor.id), .int(vendor.version), .int(version), .date(reviewBy)] }
}

/// Counts what was taken away, so that a change made before it does not bring it back.
struct CountVendorRemoval: Statement {
    static let sql = "UPDATE vendor SET version = version + 1 WHERE id = $1"
    let vendor: Int64
    var bindings: [Binding] { [.int(vendor)] }
}

struct RemoveVendorRow: Statement {
    static let sql = "UPDATE vendor SET removed_by_change = $2, removed_at = $3 WHERE id = $1 AND removed_at IS NULL"
    let vendor: Int64
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(vendor), .int(change), .date(now)] }
}

struct InsertVendorVersion: Statement {
    static let sql = """
        INSERT INTO vendor_version (vendor_id, version, details, asked_by, registered_by, change_number, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """
    let vendor: Int64
    let version: Int64
    let details: String
    let askedBy: Int64
    let registeredBy: PersonID
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] {
        [
            .int(vendor), .int(version), .text(details), .int(askedBy), .int(registeredBy.rawValue), .int(change),
            .date(now),
        ]
    }
}

/// What was said of some vendors last.
struct ListVendorDetails: Query {
    static let sql = """
        SELECT DISTINCT ON (v.vendor_id) v.vendor_id, v.details, team_name(v.asked_by) AS asked_by, v.registered_by,
            v.created_at
        FROM vendor_version v WHERE v.vendor_id = ANY ($1)
        ORDER BY v.vendor_id, v.version DESC
        """
    let vendors: [Int64]
    var bindings: [Binding] { [.ints(vendors)] }
    func decode(_ row: Row) throws -> (
        vendor: Int64, details: VendorDetails, askedBy: TeamName, by: PersonID, registered: UTCDate
    ) {
        (
            try row.value("vendor_id"), try row.value("details", { try StoredJSON.read($0) }),
            try row.value("asked_by", { try TeamName($0) }), PersonID(rawValue: try row.value("registered_by")),
            try row.value("created_at")
        )
    }
}

/// The anchors that some vendors have now.
struct ListVendorAnchors: Query {
    static let sql = """
        SELECT id, vendor_id, kind, certificate, sha256, subject, not_after, added_by_change, added_at FROM vendor_anchor
        WHERE vendor_id = ANY ($1) AND state = 'active' ORDER BY id
        """
    let vendors: [Int64]
    var bindings: [Binding] { [.ints(vendors)] }
    func decode(_ row: Row) throws -> (vendor: Int64, anchor: VendorAnchorRecord) {
        (
            try row.value("vendor_id"),
            VendorAnchorRecord(
                id: try row.value("id"), kind: try row.value("kind", { try stored($0) }),
                certificate: try row.value("certificate"), sha256: try row.value("sha256"),
                subject: try row.value("subject"), notAfter: try row.value("not_after"),
                change: try row.value("added_by_change"), added: try row.value("added_at"))
        )
    }
}

struct InsertVendorAnchor: Statement {
    static let sql = """
        INSERT INTO vendor_anchor (vendor_id, kind, certificate, sha256, key_sha256, subject, not_before, not_after,
            added_by_change, added_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """
    let vendor: Int64
    let anchor: VendorAnchor
    let facts: AnchorFacts
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] {
        [
            .int(vendor), .text(anchor.kind.rawValue), .bytes(anchor.certificate), .text(facts.certificateSHA256),
            .text(facts.keySHA256), .text(facts.subject), .date(facts.notBefore), .date(facts.notAfter), .int(change),
            .date(now),
        ]
    }
}

struct RemoveVendorAnchorRow: Statement {
    static let sql = """
        UPDATE vendor_anchor SET state = 'removed', removed_by_change = $2, removed_at = $3
        WHERE id = $1 AND state = 'active'
        """
    let anchor: Int64
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(anchor), .int(change), .date(now)] }
}

/// The stores that follow some vendors now; teams in the order in which they are locked.
struct ListVendorUses: Query {
    static let sql = """
        SELECT u.id, u.vendor_id, u.team_id, u.store_id, t.name AS team, s.kind, s.name AS store, u.added_by_change,
            u.added_at
        FROM vendor_use u JOIN team t ON t.id = u.team_id JOIN trust_store s ON s.id = u.store_id
        WHERE u.vendor_id = ANY ($1) AND u.ended_at IS NULL AND t.removed_at IS NULL ORDER BY t.name, s.kind, s.name
        """
    let vendors: [Int64]
    var bindings: [Binding] { [.ints(vendors)] }
    func decode(_ row: Row) throws -> (vendor: Int64, use: VendorUseRow) {
        (
            try row.value("vendor_id"),
            VendorUseRow(
                id: try row.value("id"), teamID: try row.value("team_id"), storeID: try row.value("store_id"),
                store: try TrustStoreID(row, team: "team", kind: "kind", name: "store"),
                change: try row.value("added_by_change"), added: try row.value("added_at"))
        )
    }
}

/// The fleets that take the newest of a team; to those that lag behind, what a vendor changes comes by promotion.
struct ListFleetsOfTeams: Query {
    static let sql = """
        SELECT m.team_id, f.name FROM fleet_team m JOIN fleet f ON f.id = m.fleet_id
        WHERE m.team_id = ANY ($1) AND f.removed_at IS NULL AND f.promotes_from IS NULL ORDER BY f.name
        """
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> (team: Int64, fleet: FleetName) {
        (try row.value("team_id"), try row.value("name", { try FleetName($0) }))
    }
}

struct InsertVendorUse: Query {
    static let sql = """
        INSERT INTO vendor_use (vendor_id, team_id, store_id, added_by_change, added_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING RETURNING id
        """
    let vendor: Int64
    let team: Int64
    let store: Int64
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(vendor), .int(team), .int(store), .int(change), .date(now)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct EndVendorUse: Statement {
    static let sql = "UPDATE vendor_use SET ended_by_change = $2, ended_at = $3 WHERE id = $1 AND ended_at IS NULL"
    let use: Int64
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(use), .int(change), .date(now)] }
}

/// Puts a vendor's anchor into a store that follows it; nothing where the store holds it already.
struct InsertFollowingAnchor: Query {
    static let sql = """
        INSERT INTO anchor (store_id, team_id, vendor_id, certificate, sha256, key_sha256, subject, not_before, not_after,
            origin, justification, owner, evidence, review_by, added_by_change, added_at)
        SELECT u.store_id, u.team_id, u.vendor_id, a.certificate, a.sha256, a.key_sha256, a.subject, a.not_before,
            a.not_after, 'third-party', $3, $4, $5, v.review_by, $6, $7
        FROM vendor_use u JOIN vendor v ON v.id = u.vendor_id JOIN vendor_anchor a ON a.vendor_id = v.id
        WHERE u.id = $1 AND a.kind = $8 AND a.sha256 = $2 AND a.state = 'active'
        ON CONFLICT DO NOTHING RETURNING id
        """
    let use: Int64
    let sha256: String
    let kind: TrustStoreKind
    let justification: String
    let owner: String
    let evidence: String
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] {
        [
            .int(use), .text(sha256), .text(justification), .text(owner), .text(evidence), .int(change), .date(now),
            .text(kind.rawValue),
        ]
    }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

/// Takes certificates out of a store, also where the team registered them itself as well.
struct RemoveFollowingAnchors: Query {
    static let sql = """
        UPDATE anchor SET state = 'removed', removed_by_change = $3, removed_at = $4
        WHERE store_id = $1 AND sha256 = ANY ($2) AND state = 'active' RETURNING sha256
        """
    let store: Int64
    let digests: [String]
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(store), .texts(digests), .int(change), .date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("sha256") }
}
