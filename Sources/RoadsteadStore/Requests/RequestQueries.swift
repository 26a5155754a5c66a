import Codecs
import PostgresKit
import TrustModel

private let requestSelect = """
    SELECT r.number, t.name AS team, r.content, r.reason, r.ticket, r.state, r.author, r.created_at, r.answered_by,
        r.answered_at, r.answer, r.change_number
    FROM trust_request r JOIN team t ON t.id = r.team_id
    """

extension RequestRecord {
    init(_ row: Row) throws {
        self.init(
            number: try row.value("number"), team: try row.value("team", { try TeamName($0) }),
            content: try row.value("content", { try StoredJSON.read($0) }), reason: try row.value("reason"),
            ticket: try row.value("ticket"), state: try row.value("state", { try stored($0) }),
            author: PersonID(rawValue: try row.value("author")), created: try row.value("created_at"),
            answeredBy: try row.value("answered_by", { (id: Int64?) in id.map { PersonID(rawValue: $0) } }),
            answered: try row.value("answered_at"), answer: try row.value("answer"),
            change: try row.value("change_number"))
    }
}

struct FetchRequest: Query {
    static let sql = "\(requestSelect) WHERE r.number = $1"
    let number: Int64
    var bindings: [Binding] { [.int(number)] }
    func decode(_ row: Row) throws -> RequestRecord { try RequestRecord(row) }
}

struct ListRequests: Query {
    static let sql = """
        \(requestSelect) WHERE r.number > $1 AND ($2::text IS NULL OR t.name = $2) AND ($3::text IS NULL OR r.state = $3)
        AND ($4::text[] IS NULL OR t.name = ANY ($4) OR r.author = $5) ORDER BY r.number LIMIT $6
        """
    let after: Int64
    let team: TeamName?
    let state: TrustRequest.State?
    let readable: Readable<TeamName>
    /// Whose own are listed whatever their team.
    let author: PersonID?
    let limit: Int
    var bindings: [Binding] {
        [
            .int(after), .text(team?.rawValue), .text(state?.rawValue), .names(readable), .int(author?.rawValue),
            .int(limit),
        ]
    }
    func decode(_ row: Row) throws -> RequestRecord { try RequestRecord(row) }
}

struct CountOpenRequests: Query {
    static let sql = "SELECT count(*) AS open FROM trust_request WHERE author = $1 AND state = 'open'"
    let author: PersonID
    var bindings: [Binding] { [.int(author.rawValue)] }
    func decode(_ row: Row) throws -> Int { try row.value("open") }
}

struct InsertRequest: Query {
    static let sql = """
        INSERT INTO trust_request (team_id, content, reason, ticket, author, created_at) VALUES ($1, $2, $3, $4, $5, $6)
        RETURNING number
        """
    let team: Int64
    let content: String
    let reason: String
    let ticket: String?
    let author: PersonID
    let now: UTCDate
    var bindings: [Binding] {
        [.int(team), .text(content), .text(reason), .text(ticket), .int(author.rawValue), .date(now)]
    }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

struct AnswerRequest: Statement {
    static let sql = """
        UPDATE trust_request SET state = $2, answer = $3, change_number = $4, answered_by = $5, answered_at = $6
        WHERE number = $1 AND state = 'open'
        """
    let number: Int64
    let state: TrustRequest.State
    let answer: String
    let change: Int64?
    let by: PersonID
    let now: UTCDate
    var bindings: [Binding] {
        [
            .int(number), .text(state.rawValue), .text(answer), .int(change), .int(by.rawValue), .date(now),
        ]
    }
}
