package import Codecs
import PostgresKit
import TrustModel

extension PublisherStore {
    /// Takes anchors whose time is over out of their stores, a team at a time. Hosts have dropped them by then.
    ///
    /// - Returns: their numbers.
    @discardableResult
    package func endAnchors(now: UTCDate) async throws -> [Int64] {
        var ended: [Int64] = []
        let due = try await pool.fetchAll(ListEndedAnchors(now: now))
        for (team, anchors) in Dictionary(grouping: due, by: \.team).sorted(by: { $0.key < $1.key }) {
            try await pool.withTransaction(attempts: 4) { transaction in
                let row = try await transaction.lockTeam(team)
                let audit = Self.audit(transaction, now)
                for anchor in anchors {
                    let remove = RemoveAnchor(id: anchor.id, team: row.id, change: anchor.change, now: now)
                    guard try await transaction.execute(remove) == 1 else { continue }
                    try await audit.record(
                        .anchorEnded, "anchor:\(anchor.id)", team: team,
                        detail: ["change": .string("C-\(anchor.change)")])
                }
                _ = try await transaction.fetchOne(AdvanceTeam(id: row.id, change: nil))
            }
            ended += anchors.map(\.id)
        }
        return ended
    }

    /// How many additions by break-glass nobody has looked at since, past the time for it.
    package func overdueReviews(now: UTCDate) async throws -> Int {
        try await pool.fetchOne(CountOverdueReviews(now: now))
    }
}

/// Active anchors past their end.
struct ListEndedAnchors: Query {
    static let sql = """
        SELECT a.id, a.added_by_change, t.name AS team FROM anchor a JOIN team t ON t.id = a.team_id
        WHERE a.state = 'active' AND a.until <= $1 AND t.removed_at IS NULL ORDER BY a.id LIMIT 1000
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> (id: Int64, change: Int64, team: TeamName) {
        (try row.value("id"), try row.value("added_by_change"), try row.value("team", { try TeamName($0) }))
    }
}

struct CountOverdueReviews: Query {
    static let sql = """
        SELECT count(*) AS n FROM change c WHERE c.state = 'published' AND c.break_glass_until IS NOT NULL
        AND c.closed_at <= $1 AND NOT EXISTS (SELECT FROM change_review r WHERE r.change_number = c.number)
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now.adding(days: -BreakGlass.maximumDays))] }
    func decode(_ row: Row) throws -> Int { try row.value("n") }
}
