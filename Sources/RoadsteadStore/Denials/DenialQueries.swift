import Codecs
import PostgresKit
import TrustModel

private let denialSelect = """
    SELECT d.id, d.kind, d.value, d.issuer, t.name AS team, d.reason, d.author, d.change_number, d.issued_at,
        d.lifted_by_change, d.lifted_at
    FROM denial d LEFT JOIN team t ON t.id = d.team_id
    """

extension DenialRecord {
    init(_ row: Row) throws {
        let subject = try DenialSubject(
            try row.value("kind", { try stored($0) }), value: try row.value("value"), issuer: try row.value("issuer"))
        self.init(
            id: try row.value("id"), subject: subject, team: try row.optional("team", { try TeamName($0) }),
            reason: try row.value("reason"), author: PersonID(rawValue: try row.value("author")),
            change: try row.value("change_number"), issued: try row.value("issued_at"),
            liftedByChange: try row.value("lifted_by_change"), lifted: try row.value("lifted_at"))
    }
}

extension DenialSubject {
    /// Value and issuer as the columns have them.
    var columns: (value: String, issuer: String?) {
        switch self {
        case .certificate(let sha256), .key(let sha256): (sha256, nil)
        case .issuerAndSerial(let issuer, let serial): (serial, issuer)
        case .digest(let digest): (digest, nil)
        case .identity(let identity): (identity, nil)
        }
    }
}

struct FetchDenial: Query {
    static let sql = "\(denialSelect) WHERE d.id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> DenialRecord { try DenialRecord(row) }
}

struct ListDenials: Query {
    static let sql = """
        \(denialSelect) WHERE d.id > $1 AND ($2::text IS NULL OR d.team_id IS NULL OR t.name = $2)
        AND ($3::text IS NULL OR d.team_id IS NULL OR EXISTS (SELECT FROM fleet_team m JOIN fleet f ON f.id = m.fleet_id
            WHERE f.name = $3 AND m.team_id = d.team_id))
        AND ($4 OR d.lifted_at IS NULL) AND ($5::text[] IS NULL OR d.team_id IS NULL OR t.name = ANY ($5))
        ORDER BY d.id LIMIT $6
        """
    let after: Int64
    let filter: DenialFilter
    let readable: Readable<TeamName>
    let limit: Int

    var bindings: [Binding] {
        [
            .int(after), .text(filter.team?.rawValue), .text(filter.fleet?.rawValue), .bool(filter.includesLifted),
            .names(readable), .int(limit),
        ]
    }

    func decode(_ row: Row) throws -> DenialRecord { try DenialRecord(row) }
}

/// The denials in force that hold everywhere or in the scopes of some teams.
struct ListDenialsInForce: Query {
    static let sql = """
        \(denialSelect) WHERE d.lifted_at IS NULL AND (d.team_id IS NULL OR d.team_id = ANY ($1)) ORDER BY d.id
        """
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> DenialRecord { try DenialRecord(row) }
}

/// The denial in force of the same thing with the same reach.
struct FindDenial: Query {
    static let sql = """
        SELECT id FROM denial WHERE kind = $1 AND value = $2 AND coalesce(issuer, '') = coalesce($3, '')
            AND team_id IS NOT DISTINCT FROM $4 AND lifted_at IS NULL
        """
    let subject: DenialSubject
    let team: Int64?

    var bindings: [Binding] {
        [.text(subject.kind.rawValue), .text(subject.columns.value), .text(subject.columns.issuer), .int(team)]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

/// What people have denied in the scopes of one team, removals aside: how many denials, and what they take as published.
struct MeasureDenials: Query {
    static let sql = """
        SELECT count(*) AS count, coalesce(sum(octet_length(value) + coalesce(octet_length(issuer), 0)
            + least(octet_length(reason), $2)), 0)::bigint AS bytes
        FROM denial WHERE team_id = $1 AND lifted_at IS NULL AND change_number IS NULL
        """
    let team: Int64
    var bindings: [Binding] { [.int(team), .int(DenialRecord.publishedReasonBytes)] }
    func decode(_ row: Row) throws -> (count: Int, bytes: Int) { (try row.value("count"), try row.value("bytes")) }
}

struct InsertDenial: Query {
    static let sql = """
        INSERT INTO denial (kind, value, issuer, team_id, reason, author, change_number, issued_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id
        """
    let subject: DenialSubject
    let team: Int64?
    let reason: String
    let author: PersonID
    let change: Int64?
    let now: UTCDate

    var bindings: [Binding] {
        [
            .text(subject.kind.rawValue), .text(subject.columns.value), .text(subject.columns.issuer), .int(team),
            .text(reason), .int(author.rawValue), .int(change), .date(now),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct LiftDenial: Statement {
    static let sql = "UPDATE denial SET lifted_by_change = $2, lifted_at = $3 WHERE id = $1 AND lifted_at IS NULL"
    let id: Int64
    let change: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .int(change), .date(now)] }
}
