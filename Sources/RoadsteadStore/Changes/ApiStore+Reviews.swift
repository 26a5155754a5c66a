package import Codecs
import PostgresKit
package import TrustModel

/// Who looked afterwards at what a change added by break-glass, and what they found.
package struct ReviewRecord: Sendable, Equatable {
    package let person: PersonID
    package let note: String
    package let at: UTCDate
}

extension ApiStore {
    /// Records that the caller has looked at what went in by break-glass; somebody who had no part in it, once.
    package func review(
        _ number: Int64, note: String, by actor: Actor, now: UTCDate
    ) async throws -> ChangeRecord {
        try Texts.checkProse(note, "note of a review", maximum: 4_000)
        return try await work(actor, nil, now: now) { work in
            let transaction = work.transaction
            let change = try await transaction.lockChange(number, readBy: Reader(work.authority))
            if let team = change.team { try work.authority.require(.reviewBreakGlass(team)) }
            guard let team = change.team, change.content.breakGlass != nil, change.state == .published else {
                throw StoreError(.notOpen, "C-\(number) added nothing by break-glass, so there is nothing to review")
            }
            let decided = try await transaction.fetchAll(ListDecisions(change: number)).map(\.person)
            guard !([change.author] + decided).contains(actor.person) else {
                throw StoreError(
                    .ownProposal, "you had a part in C-\(number), and somebody else reviews it",
                    hint: "ask another trust administrator or security officer")
            }
            let insert = InsertReview(change: number, actor: actor, note: note, now: now)
            guard try await transaction.fetchOptional(insert) != nil else {
                throw StoreError(.conflict, "C-\(number) was reviewed already")
            }
            try await work.audit.record(.breakGlassReviewed, "C-\(number)", team: team)
            return try await transaction.record(ofChange: number)
        }
    }
}

struct FetchReview: Query {
    static let sql = "SELECT person_id, note, reviewed_at FROM change_review WHERE change_number = $1"
    let change: Int64
    var bindings: [Binding] { [.int(change)] }
    func decode(_ row: Row) throws -> ReviewRecord {
        ReviewRecord(
            person: PersonID(rawValue: try row.value("person_id")), note: try row.value("note"),
            at: try row.value("reviewed_at"))
    }
}

struct InsertReview: Query {
    static let sql = """
        INSERT INTO change_review (change_number, team_id, person_id, credential_id, note, reviewed_at)
        SELECT number, team_id, $2, $3, $4, $5 FROM change WHERE number = $1
        ON CONFLICT (change_number) DO NOTHING RETURNING change_number
        """
    let change: Int64
    let actor: Actor
    let note: String
    let now: UTCDate
    var bindings: [Binding] {
        [.int(change), .int(actor.person.rawValue), .int(actor.credential), .text(note), .date(now)]
    }
    func decode(_ row: Row) throws -> Int64 { try row.value("change_number") }
}
