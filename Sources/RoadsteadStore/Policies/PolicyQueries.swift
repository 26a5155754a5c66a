import Codecs
import PostgresKit
import TrustModel

/// What a team says of its images, as a change set it.
struct PolicyRow: Sendable {
    /// Canonical JSON of the statements; nil for the standard one.
    let text: String?
    let change: Int64
    let set: UTCDate

    init(_ row: Row) throws {
        text = try row.value("statements")
        change = try row.value("change_number")
        set = try row.value("set_at")
    }

    var statements: [TeamPolicy.Statement]? {
        get throws { try text.map { try StoredJSON.read($0) } }
    }
}

struct InsertPolicy: Statement {
    static let sql = """
        INSERT INTO team_policy (team_id, statements, change_number, set_at) VALUES ($1, $2, $3, $4)
        """
    let team: Int64
    let statements: String?
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(team), .text(statements), .int(change), .date(now)] }
}

/// The newest; none where the team never had one of its own.
struct FetchPolicy: Query {
    static let sql = """
        SELECT statements, change_number, set_at FROM team_policy WHERE team_id = $1 ORDER BY id DESC LIMIT 1
        """
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> PolicyRow { try PolicyRow(row) }
}

struct FetchPolicyOfChange: Query {
    static let sql =
        "SELECT statements, change_number, set_at FROM team_policy WHERE team_id = $1 AND change_number = $2"
    let team: Int64
    let change: Int64
    var bindings: [Binding] { [.int(team), .int(change)] }
    func decode(_ row: Row) throws -> PolicyRow { try PolicyRow(row) }
}
