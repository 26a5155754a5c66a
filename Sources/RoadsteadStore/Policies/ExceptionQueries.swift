package import Codecs
import PostgresKit
package import TrustModel

/// An exception and how it came about.
package struct ExceptionRecord: Sendable, Equatable {
    package let number: Int64
    package let fleet: FleetName
    package let exception: PolicyException
    /// The team that asked for it.
    package let team: TeamName?
    package let owner: String
    package let reason: String
    package let change: Int64
    package let added: UTCDate
    /// When it ended: by itself, or by a change.
    package let ended: UTCDate?
}

extension ExceptionRecord {
    init(_ row: Row) throws {
        let number: Int64 = try row.value("id")
        let scope = try row.optional("scope", { try RegistryScope($0) })
        let subject = try PolicyException.Subject(digest: try row.value("digest"), scope: scope)
        let team = try row.optional("team", { try TeamName($0) })
        // The team that asks owns the scope; hosts lower no other team's statements, also when the scope changes hands.
        let exception = PolicyException(
            id: "E-\(number)", subject: subject, until: try row.value("until_at"), team: scope == nil ? nil : team)
        self.init(
            number: number, fleet: try row.value("fleet", { try FleetName($0) }), exception: exception,
            team: team, owner: try row.value("owner"),
            reason: try row.value("reason"), change: try row.value("added_by_change"),
            added: try row.value("added_at"), ended: try row.value("ended_at"))
    }
}

/// Those that have not ended, or all, of one fleet or of all.
struct ListExceptions: Query {
    static let sql = """
        SELECT e.id, f.name AS fleet, t.name AS team, e.digest, e.scope, e.until_at, e.owner, e.reason, e.added_by_change,
            e.added_at, e.ended_at
        FROM policy_exception e JOIN fleet f ON f.id = e.fleet_id LEFT JOIN team t ON t.id = e.team_id
        WHERE ($1::text IS NULL OR f.name = $1) AND ($2 OR e.ended_at IS NULL) ORDER BY e.id DESC LIMIT 1000
        """
    let fleet: FleetName?
    let all: Bool
    var bindings: [Binding] { [.text(fleet?.rawValue), .bool(all)] }
    func decode(_ row: Row) throws -> ExceptionRecord { try ExceptionRecord(row) }
}

struct InsertException: Query {
    static let sql = """
        INSERT INTO policy_exception (fleet_id, team_id, digest, scope, until_at, owner, reason, added_by_change, added_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
        """
    let fleet: Int64
    let team: Int64?
    let subject: PolicyException.Subject
    let until: UTCDate
    let owner: String
    let reason: String
    let change: Int64
    let now: UTCDate

    var bindings: [Binding] {
        let (digest, scope): (String?, String?) =
            switch subject {
            case .digest(let digest): (digest, nil)
            case .scope(let scope): (nil, scope.rawValue)
            }
        return [
            .int(fleet), .int(team), .text(digest), .text(scope), .date(until), .text(owner), .text(reason),
            .int(change), .date(now),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct EndExceptionRow: Statement {
    static let sql = """
        UPDATE policy_exception SET ended_at = $3, ended_by_change = $2 WHERE id = $1 AND ended_at IS NULL
        """
    let number: Int64
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(number), .int(change), .date(now)] }
}

/// Ends those whose time has come, at that time.
struct EndDueExceptions: Query {
    static let sql = """
        UPDATE policy_exception e SET ended_at = e.until_at FROM fleet f
        WHERE f.id = e.fleet_id AND e.ended_at IS NULL AND e.until_at <= $1 RETURNING e.id, f.name
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> (number: Int64, fleet: FleetName) {
        (try row.value("id"), try row.value("name", { try FleetName($0) }))
    }
}
