import Codecs
import PostgresKit
import TrustModel

extension ChangePlanner {
    /// Refuses break-glass where the team signs itself, and an end that is past or too far.
    ///
    /// Nor is there a second one while nobody has looked at an earlier one in time.
    func check(_ breakGlass: BreakGlass) async throws {
        let team = try requireTeam()
        guard team.custody == .server else {
            throw StoreError(
                .conflict, "team \(team.name) signs its own role, which break-glass never touches",
                hint: "propose it without break-glass; the team's members sign it")
        }
        guard now < breakGlass.until, breakGlass.until <= now.adding(days: BreakGlass.maximumDays) else {
            throw StoreError(
                .invalid, "break-glass cannot end at \(breakGlass.until)",
                hint: "within \(BreakGlass.maximumDays) days from now")
        }
        if let overdue = try await transaction.fetchOptional(FindOverdueReview(team: team.id, now: now)) {
            throw StoreError(
                .conflict, "nobody has reviewed C-\(overdue), which team \(team.name) added by break-glass",
                hint: "somebody without a part in it reviews it first: roadstead change review C-\(overdue)")
        }
    }

    /// A certificate has one end in all stores of a team: hosts know it by its digest alone.
    func refuseOtherEnd(
        _ facts: AnchorFacts, in team: TeamRow, besides store: Int64, until: UTCDate?
    ) async throws {
        let find = ListOtherEnds(team: team.id, sha256: facts.certificateSHA256, store: store)
        guard let other = try await transaction.fetchAll(find).first(where: { $0.until != until }) else { return }
        let end = other.until.map { "until \($0)" } ?? "without an end"
        throw StoreError(
            .conflict, "store \"\(other.store)\" of team \(team.name) holds \(facts.subject) \(end)",
            hint: "a certificate ends everywhere in a team at one time: settle it there first")
    }
}

extension AuditWriter {
    func recordBreakGlass(_ content: ChangeContent, _ change: Int64) async throws {
        guard let until = content.breakGlass?.until else { return }
        try await record(.breakGlassUsed, "C-\(change)", team: content.team, detail: ["until": .string("\(until)")])
    }
}

/// The oldest break-glass of a team that nobody has looked at in time.
struct FindOverdueReview: Query {
    static let sql = """
        SELECT c.number FROM change c WHERE c.team_id = $1 AND c.state = 'published' AND c.break_glass_until IS NOT NULL
        AND c.closed_at <= $2 AND NOT EXISTS (SELECT FROM change_review r WHERE r.change_number = c.number)
        ORDER BY c.number LIMIT 1
        """
    let team: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(team), .date(now.adding(days: -BreakGlass.maximumDays))] }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

/// The other stores of a team that hold a certificate now, and when it ends there.
struct ListOtherEnds: Query {
    static let sql = """
        SELECT s.name, a.until FROM anchor a JOIN trust_store s ON s.id = a.store_id
        WHERE a.team_id = $1 AND a.sha256 = $2 AND a.store_id <> $3 AND a.state = 'active' ORDER BY s.name
        """
    let team: Int64
    let sha256: String
    let store: Int64
    var bindings: [Binding] { [.int(team), .text(sha256), .int(store)] }
    func decode(_ row: Row) throws -> (store: String, until: UTCDate?) {
        (try row.value("name"), try row.value("until"))
    }
}
