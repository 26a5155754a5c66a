package import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    /// Says that an anchor was looked at again and is still what it should be.
    package func reviewAnchor(
        _ id: Int64, note: String, nextBy: UTCDate, by actor: Actor, now: UTCDate
    ) async throws -> AnchorRecord {
        try Self.check(note, nextBy, now)
        return try await work(actor, nil, now: now) { work in
            guard let anchor = try await work.transaction.fetchOptional(FetchAnchor(id: id)) else {
                throw StoreError.noSuch("trust anchor", id)
            }
            try work.authority.require(.approveAdditions(anchor.store.team))
            guard anchor.state == .active else {
                throw StoreError(.conflict, "trust anchor \(id) was removed")
            }
            if let vendor = anchor.vendor {
                throw StoreError(
                    .conflict, "trust anchor \(id) follows the vendor \(vendor), which is reviewed as a whole",
                    hint: "roadstead vendor review \(vendor) --confirm")
            }
            try await work.transaction.execute(
                InsertTrustReview(anchor: id, vendor: nil, person: actor.person, note: note, now: now, nextBy: nextBy))
            try await work.transaction.execute(SetAnchorReview(id: id, nextBy: nextBy))
            try await work.audit.record(
                .anchorReviewed, "\(id)", team: anchor.store.team, detail: ["next": .string(nextBy.description)])
            return try await work.transaction.fetchOne(FetchAnchor(id: id))
        }
    }

    /// Says that a vendor was looked at again; by somebody else than who registered it.
    package func reviewVendor(
        _ name: VendorName, note: String, nextBy: UTCDate, by actor: Actor, now: UTCDate
    ) async throws -> VendorRecord {
        try Self.check(note, nextBy, now)
        return try await work(actor, .approveAdministration, now: now) { work in
            let row = try await work.transaction.requireVendor(name)
            guard let record = try await work.transaction.records(of: [row]).first,
                record.registeredBy != actor.person
            else {
                throw StoreError(
                    .ownProposal, "you registered the vendor \(name), and nobody reviews alone what they registered",
                    hint: "ask another trust administrator or security officer")
            }
            try await work.transaction.execute(
                InsertTrustReview(
                    anchor: nil, vendor: row.id, person: actor.person, note: note, now: now, nextBy: nextBy))
            try await work.transaction.execute(SetVendorReview(vendor: row.id, nextBy: nextBy))
            try await work.transaction.execute(SetFollowingReviews(vendor: row.id, nextBy: nextBy))
            try await work.audit.record(.vendorReviewed, name, detail: ["next": .string(nextBy.description)])
            return try await work.transaction.records(of: [work.transaction.requireVendor(name)])[0]
        }
    }

    /// How many anchors and vendors should have been looked at by now.
    package func overdueReviews(now: UTCDate) async throws -> (anchors: Int, vendors: Int) {
        try await pool.fetchOne(CountOverdueTrustReviews(now: now))
    }

    private static func check(_ note: String, _ nextBy: UTCDate, _ now: UTCDate) throws {
        try Texts.check(note, "note", maximum: 1_000)
        guard nextBy > now, nextBy <= now.adding(days: Recertification.longestReviewDays) else {
            throw StoreError(
                .invalid, "the next review at \(nextBy) is past, or too far away",
                hint: "within \(Recertification.longestReviewDays) days")
        }
    }
}

struct InsertTrustReview: Statement {
    static let sql = """
        INSERT INTO trust_review (anchor_id, vendor_id, person_id, note, reviewed_at, next_by) VALUES ($1, $2, $3, $4, $5, $6)
        """
    let anchor: Int64?
    let vendor: Int64?
    let person: PersonID
    let note: String
    let now: UTCDate
    let nextBy: UTCDate
    var bindings: [Binding] {
        [.int(anchor), .int(vendor), .int(person.rawValue), .text(note), .date(now), .date(nextBy)]
    }
}

struct SetAnchorReview: Statement {
    static let sql = "UPDATE anchor SET review_by = $2 WHERE id = $1 AND state = 'active'"
    let id: Int64
    let nextBy: UTCDate
    var bindings: [Binding] { [.int(id), .date(nextBy)] }
}

struct SetVendorReview: Statement {
    static let sql = "UPDATE vendor SET review_by = $2 WHERE id = $1"
    let vendor: Int64
    let nextBy: UTCDate
    var bindings: [Binding] { [.int(vendor), .date(nextBy)] }
}

/// What follows a vendor is reviewed with it.
struct SetFollowingReviews: Statement {
    static let sql = "UPDATE anchor SET review_by = $2 WHERE vendor_id = $1 AND state = 'active'"
    let vendor: Int64
    let nextBy: UTCDate
    var bindings: [Binding] { [.int(vendor), .date(nextBy)] }
}

struct CountOverdueTrustReviews: Query {
    static let sql = """
        SELECT (SELECT count(*) FROM anchor WHERE state = 'active' AND vendor_id IS NULL AND review_by <= $1) AS anchors,
            (SELECT count(*) FROM vendor WHERE removed_at IS NULL AND review_by <= $1) AS vendors
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> (anchors: Int, vendors: Int) {
        (try row.value("anchors"), try row.value("vendors"))
    }
}
