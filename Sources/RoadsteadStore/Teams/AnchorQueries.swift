package import Codecs
import PostgresKit
package import TrustModel

private let anchorSelect = """
    SELECT a.id, t.name AS team, s.kind, s.name AS store, a.certificate, a.sha256, a.key_sha256, a.subject, a.not_before,
        a.not_after, a.origin, a.justification, a.owner, a.evidence, a.review_by, a.state, a.added_by_change, a.added_at,
        a.removed_by_change, a.removed_at, a.until, v.name AS vendor
    FROM anchor a JOIN trust_store s ON s.id = a.store_id JOIN team t ON t.id = a.team_id
    LEFT JOIN vendor v ON v.id = a.vendor_id
    """

extension AnchorRecord {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), store: try TrustStoreID(row, team: "team", kind: "kind", name: "store"),
            certificate: try row.value("certificate"), sha256: try row.value("sha256"),
            keySHA256: try row.value("key_sha256"), subject: try row.value("subject"),
            notBefore: try row.value("not_before"), notAfter: try row.value("not_after"),
            origin: try row.value("origin", { try stored($0) }), justification: try row.value("justification"),
            owner: try row.value("owner"), evidence: try row.value("evidence"), reviewBy: try row.value("review_by"),
            state: try row.value("state", { try stored($0) }), addedByChange: try row.value("added_by_change"),
            added: try row.value("added_at"), removedByChange: try row.value("removed_by_change"),
            removed: try row.value("removed_at"), until: try row.value("until"),
            vendor: try row.value("vendor", { (name: String?) in try name.map { try VendorName($0) } }))
    }
}

/// Which anchors a list is to hold; what is nil does not matter.
package struct AnchorFilter: Sendable {
    package var team: TeamName?
    package var kind: TrustStoreKind?
    package var store: TrustStoreName?
    package var state: AnchorRecord.State?
    /// The vendor through which they are there.
    package var vendor: VendorName?
    /// Only those in force that must be looked at until then.
    package var reviewBefore: UTCDate?
    /// Whether they follow a vendor; nil where it does not matter.
    package var ofVendors: Bool?

    package init(
        team: TeamName? = nil, kind: TrustStoreKind? = nil, store: TrustStoreName? = nil,
        state: AnchorRecord.State? = nil, vendor: VendorName? = nil, reviewBefore: UTCDate? = nil,
        ofVendors: Bool? = nil
    ) {
        self.team = team
        self.kind = kind
        self.store = store
        self.state = state
        self.vendor = vendor
        self.reviewBefore = reviewBefore
        self.ofVendors = ofVendors
    }
}

struct ListAnchors: Query {
    static let sql = """
        \(anchorSelect) WHERE a.id > $1 AND ($2::text IS NULL OR t.name = $2) AND ($3::text IS NULL OR s.kind = $3)
        AND ($4::text IS NULL OR s.name = $4) AND ($5::text IS NULL OR a.state = $5)
        AND ($6::text[] IS NULL OR t.name = ANY ($6)) AND ($7::text IS NULL OR v.name = $7)
        AND ($8::timestamptz IS NULL OR (a.state = 'active' AND a.review_by <= $8))
        AND ($10::boolean IS NULL OR (a.vendor_id IS NOT NULL) = $10) ORDER BY a.id LIMIT $9
        """
    let after: Int64
    let filter: AnchorFilter
    let readable: Readable<TeamName>
    let limit: Int

    var bindings: [Binding] {
        [
            .int(after), .text(filter.team?.rawValue), .text(filter.kind?.rawValue), .text(filter.store?.rawValue),
            .text(filter.state?.rawValue), .names(readable), .text(filter.vendor?.rawValue),
            .date(filter.reviewBefore), .int(limit), .bool(filter.ofVendors),
        ]
    }

    func decode(_ row: Row) throws -> AnchorRecord { try AnchorRecord(row) }
}

struct FetchAnchor: Query {
    static let sql = "\(anchorSelect) WHERE a.id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> AnchorRecord { try AnchorRecord(row) }
}

/// The active anchor of a store with these very bytes.
struct FindAnchor: Query {
    static let sql = "SELECT id, until FROM anchor WHERE store_id = $1 AND sha256 = $2 AND state = 'active'"
    let store: Int64
    let sha256: String
    var bindings: [Binding] { [.int(store), .text(sha256)] }
    func decode(_ row: Row) throws -> (id: Int64, until: UTCDate?) {
        (try row.value("id"), try row.value("until"))
    }
}

struct InsertAnchor: Query {
    static let sql = """
        INSERT INTO anchor (store_id, team_id, certificate, sha256, key_sha256, subject, not_before, not_after, origin,
            justification, owner, evidence, review_by, added_by_change, added_at, until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING RETURNING id
        """
    let store: Int64
    let team: Int64
    let addition: AnchorAddition
    let facts: AnchorFacts
    let justification: String
    let change: Int64
    /// When it ends by itself.
    let until: UTCDate?
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(store), .int(team), .bytes(addition.certificate), .text(facts.certificateSHA256),
            .text(facts.keySHA256), .text(facts.subject), .date(facts.notBefore), .date(facts.notAfter),
            .text(addition.origin.rawValue), .text(justification), .text(addition.owner), .text(addition.evidence),
            .date(addition.reviewBy), .int(change), .date(now), .date(until),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct RemoveAnchor: Statement {
    static let sql = """
        UPDATE anchor SET state = 'removed', removed_by_change = $3, removed_at = $4
        WHERE id = $1 AND team_id = $2 AND state = 'active'
        """
    let id: Int64
    let team: Int64
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .int(team), .int(change), .date(now)] }
}
