import Codecs
import PostgresKit
import TrustModel

struct ListRootRules: Query {
    static let sql = "SELECT id, definition, created_at FROM root_rule WHERE removed_at IS NULL ORDER BY name"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> RootRuleRecord {
        RootRuleRecord(
            id: try row.value("id"), rule: try row.value("definition", { try StoredJSON.read($0) }),
            created: try row.value("created_at"))
    }
}

struct InsertRootRule: Query {
    static let sql = """
        INSERT INTO root_rule (name, team_id, definition, created_by, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING RETURNING id
        """
    let name: String
    let team: Int64?
    let definition: String
    let by: PersonID
    let now: UTCDate
    var bindings: [Binding] { [.text(name), .int(team), .text(definition), .int(by.rawValue), .date(now)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct FindRootRule: Query {
    static let sql = "SELECT id FROM root_rule WHERE name = $1 AND removed_at IS NULL"
    let name: String
    var bindings: [Binding] { [.text(name)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct RemoveRootRule: Query {
    static let sql = "UPDATE root_rule SET removed_at = $2 WHERE name = $1 AND removed_at IS NULL RETURNING id"
    let name: String
    let now: UTCDate
    var bindings: [Binding] { [.text(name), .date(now)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}
