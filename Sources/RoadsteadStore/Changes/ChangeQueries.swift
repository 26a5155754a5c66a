import Codecs
import PostgresKit
import TrustModel

private let changeSelect = """
    SELECT number, author, state, version, base_version, content, digest, approvals_needed, officers_needed,
        outsiders_needed, created_at, submitted_at, expires_at, closed_at, sent_back_at, note, founding
    FROM change
    """

extension ChangeRow {
    init(_ row: Row) throws {
        self.init(
            number: try row.value("number"), author: PersonID(rawValue: try row.value("author")),
            state: try row.value("state", { try stored($0) }), version: try row.value("version"),
            baseVersion: try row.value("base_version"),
            content: try row.value("content", { (bytes: [UInt8]) in try JSON(parsing: bytes).decode() }),
            digest: try row.value("digest"), approvalsNeeded: try row.value("approvals_needed"),
            officersNeeded: try row.value("officers_needed"), outsidersNeeded: try row.value("outsiders_needed"),
            created: try row.value("created_at"),
            submitted: try row.value("submitted_at"), expires: try row.value("expires_at"),
            closed: try row.value("closed_at"), sentBack: try row.value("sent_back_at"), note: try row.value("note"),
            founding: try row.value("founding"))
    }
}

struct FetchChange: Query {
    static let sql = "\(changeSelect) WHERE number = $1"
    let number: Int64
    var bindings: [Binding] { [.int(number)] }
    func decode(_ row: Row) throws -> ChangeRow { try ChangeRow(row) }
}

/// Decisions, edits and publication of one change take turns.
struct LockChange: Query {
    static let sql = "\(changeSelect) WHERE number = $1 FOR NO KEY UPDATE"
    let number: Int64
    var bindings: [Binding] { [.int(number)] }
    func decode(_ row: Row) throws -> ChangeRow { try ChangeRow(row) }
}

struct ListChanges: Query {
    static let sql = """
        \(changeSelect) WHERE number > $1 AND ($2::text IS NULL OR team_id = (SELECT id FROM team WHERE name = $2))
        AND ($3::text IS NULL OR state = $3) AND ($4::bigint IS NULL OR author = $4)
        AND ($5::text[] IS NULL OR team_id IS NULL OR author = $6
            OR team_id = ANY (ARRAY (SELECT id FROM team WHERE name = ANY ($5)))) ORDER BY number LIMIT $7
        """
    let after: Int64
    let filter: ChangeFilter
    /// Those of no team are held against the reader one by one.
    let reader: Reader
    let limit: Int

    var bindings: [Binding] {
        [
            .int(after), .text(filter.team?.rawValue), .text(filter.state?.rawValue), .int(filter.author?.rawValue),
            .names(reader.teams), .int(reader.author?.rawValue), .int(limit),
        ]
    }

    func decode(_ row: Row) throws -> ChangeRow { try ChangeRow(row) }
}

/// Changes that wait for people and that one person neither made nor has decided on as they stand, of the teams that
/// the person's roles reach and of no team.
struct ListChangesWaitingFor: Query {
    static let sql = """
        \(changeSelect) WHERE state = 'submitted' AND number > $1 AND author <> $2
        AND ($3 OR team_id IS NULL OR team_id IN (SELECT id FROM team WHERE name = ANY ($4)))
        AND NOT EXISTS (SELECT FROM change_decision d
            WHERE d.change_number = number AND d.digest = change.digest AND d.person_id = $2)
        ORDER BY number LIMIT $5
        """
    let authority: Authority
    let after: Int64
    let limit: Int

    var bindings: [Binding] {
        let reaches = authority.bindings.map(\.reach)
        return [
            .int(after), .int(authority.person.rawValue), .bool(reaches.contains(.everything)),
            .texts(reaches.compactMap(\.team?.rawValue)), .int(limit),
        ]
    }

    func decode(_ row: Row) throws -> ChangeRow { try ChangeRow(row) }
}

/// A person's own open changes that were sent back, or that end soon.
struct ListOwnTroubles: Query {
    static let sql = """
        \(changeSelect) WHERE author = $1 AND state IN ('draft', 'submitted', 'approved')
        AND (sent_back_at IS NOT NULL OR expires_at <= $2) ORDER BY number LIMIT $3
        """
    let person: PersonID
    let expiring: UTCDate
    let limit: Int
    var bindings: [Binding] { [.int(person.rawValue), .date(expiring), .int(limit)] }
    func decode(_ row: Row) throws -> ChangeRow { try ChangeRow(row) }
}

/// What took effect by break-glass and has no review, where a person had no part in it.
struct ListUnreviewed: Query {
    static let sql = """
        \(changeSelect) WHERE state = 'published' AND break_glass_until IS NOT NULL AND author <> $1
        AND NOT EXISTS (SELECT FROM change_review r WHERE r.change_number = number)
        AND NOT EXISTS (SELECT FROM change_decision d WHERE d.change_number = number AND d.person_id = $1)
        ORDER BY number LIMIT $2
        """
    let person: PersonID
    let limit: Int
    var bindings: [Binding] { [.int(person.rawValue), .int(limit)] }
    func decode(_ row: Row) throws -> ChangeRow { try ChangeRow(row) }
}

/// Open changes past their end.
struct ListOverdueChanges: Query {
    static let sql = """
        SELECT number FROM change WHERE state IN ('draft', 'submitted', 'approved') AND expires_at <= $1
        ORDER BY number LIMIT 100
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

struct ListApprovedChanges: Query {
    static let sql = "SELECT number FROM change WHERE state = 'approved' ORDER BY number LIMIT 100"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

/// What a person's open changes of no team say.
struct ListOpenContents: Query {
    static let sql = """
        SELECT content FROM change
        WHERE author = $1 AND team_id IS NULL AND state IN ('draft', 'submitted', 'approved')
        """
    let author: PersonID
    var bindings: [Binding] { [.int(author.rawValue)] }
    func decode(_ row: Row) throws -> ChangeContent {
        try row.value("content", { (bytes: [UInt8]) in try JSON(parsing: bytes).decode() })
    }
}

/// Changes that wait although as many people as they need have approved what they say now.
struct ListSubmittedWithApprovals: Query {
    static let sql = """
        SELECT number FROM change WHERE state = 'submitted' AND approvals_needed > 0
        AND change_approvers(number, author, digest) >= approvals_needed ORDER BY number LIMIT 1000
        """
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

struct NextChangeNumber: Query {
    static let sql = "SELECT nextval('change_number') AS number"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

struct InsertChange: Statement {
    static let sql = """
        INSERT INTO change (number, team_id, author, credential_id, state, base_version, content, digest, adds,
            approvals_needed, officers_needed, outsiders_needed, created_at, submitted_at, expires_at, closed_at,
            break_glass_until, founding, fleet_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
            (SELECT id FROM fleet WHERE name = $19))
        """
    let number: Int64
    let team: TeamRow?
    let actor: Actor
    let content: ChangeContent
    /// nil where nobody else is needed.
    let needed: ApprovalsNeeded?
    let state: ChangeState
    let digest: String
    let bytes: [UInt8]
    let founding: Bool
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(number), .int(team?.id), .int(actor.person.rawValue), .int(actor.credential), .text(state.rawValue),
            .int(team?.version ?? 1), .bytes(bytes), .text(digest), .bool(content.adds),
            .int(needed?.count ?? 0), .int(needed?.securityOfficers ?? 0), .int(needed?.outsiders ?? 0), .date(now),
            .date(state == .draft ? nil : now),
            .date(content.expiry(of: state, from: now)), .date(state == .published ? now : nil),
            .date(content.breakGlass?.until), .bool(founding), .text(content.fleet?.rawValue),
        ]
    }
}

struct UpdateChangeContent: Statement {
    static let sql = """
        UPDATE change SET version = $2, base_version = $3, content = $4, digest = $5, adds = $6, approvals_needed = $7,
            officers_needed = $8, outsiders_needed = $9, expires_at = $10, credential_id = $11, note = $12,
            edited_at = $13, break_glass_until = $14, sent_back_at = NULL,
            fleet_id = (SELECT id FROM fleet WHERE name = $15)
        WHERE number = $1 AND version = $2 - 1
        """
    let number: Int64
    let version: Int64
    let baseVersion: Int64
    let content: ChangeContent
    let bytes: [UInt8]
    let digest: String
    let plan: ChangePlan
    let expires: UTCDate
    let credential: Int64
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(number), .int(version), .int(baseVersion), .bytes(bytes), .text(digest),
            .bool(content.adds), .int(plan.approvals), .int(plan.officers), .int(plan.needed.outsiders),
            .date(expires), .int(credential), .text("edited at \(now); earlier approvals are void"), .date(now),
            .date(content.breakGlass?.until), .text(content.fleet?.rawValue),
        ]
    }
}

struct SubmitChange: Statement {
    static let sql = """
        UPDATE change SET state = 'submitted', approvals_needed = $2, officers_needed = $3, outsiders_needed = $4,
            submitted_at = $5, expires_at = $6
        WHERE number = $1 AND state = 'draft'
        """
    let number: Int64
    /// nil where nobody else is needed.
    let needed: ApprovalsNeeded?
    let now: UTCDate
    let expires: UTCDate

    var bindings: [Binding] {
        [
            .int(number), .int(needed?.count ?? 0), .int(needed?.securityOfficers ?? 0),
            .int(needed?.outsiders ?? 0), .date(now), .date(expires),
        ]
    }
}

/// Moves a change on, from the state that it was read in only.
struct MoveChange: Statement {
    static let sql = """
        UPDATE change SET state = $3, note = $4,
            approved_at = CASE WHEN $3 = 'approved' THEN $5 ELSE approved_at END,
            sent_back_at = CASE WHEN $2 = 'approved' AND $3 = 'submitted' THEN $5 END,
            closed_at = CASE WHEN $3 IN ('rejected', 'withdrawn', 'expired', 'published') THEN $5 END
        WHERE number = $1 AND state = $2
        """
    let number: Int64
    let from: ChangeState
    let to: ChangeState
    let note: String?
    let now: UTCDate

    var bindings: [Binding] {
        [.int(number), .text(from.rawValue), .text(to.rawValue), .text(note), .date(now)]
    }
}

/// Brings a change into force because nobody else could agree yet.
struct FoundChange: Statement {
    static let sql = """
        UPDATE change SET state = 'published', founding = true, closed_at = $2 WHERE number = $1 AND state = 'submitted'
        """
    let number: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(number), .date(now)] }
}

/// Keeps what a change needs by now, after the rules have become stricter.
struct SetApprovalsNeeded: Statement {
    static let sql =
        "UPDATE change SET approvals_needed = $2, officers_needed = $3, outsiders_needed = $4 WHERE number = $1"
    let number: Int64
    let needed: ApprovalsNeeded

    var bindings: [Binding] {
        [.int(number), .int(needed.count), .int(needed.securityOfficers), .int(needed.outsiders)]
    }
}

struct ListDecisions: Query {
    static let sql = """
        SELECT person_id, approves, digest, comment, decided_at FROM change_decision WHERE change_number = $1 ORDER BY id
        """
    let change: Int64
    var bindings: [Binding] { [.int(change)] }
    func decode(_ row: Row) throws -> DecisionRecord {
        DecisionRecord(
            person: PersonID(rawValue: try row.value("person_id")), approves: try row.value("approves"),
            digest: try row.value("digest"), comment: try row.value("comment"), decided: try row.value("decided_at"))
    }
}

struct InsertDecision: Query {
    static let sql = """
        INSERT INTO change_decision (change_number, team_id, digest, person_id, credential_id, approves, comment,
            decided_at)
        SELECT $1, team_id, $2, $3, $4, $5, $6, $7 FROM change WHERE number = $1
        ON CONFLICT (change_number, digest, person_id) DO NOTHING RETURNING id
        """
    let change: Int64
    let digest: String
    let actor: Actor
    let approves: Bool
    let comment: String?
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(change), .text(digest), .int(actor.person.rawValue), .int(actor.credential), .bool(approves),
            .text(comment), .date(now),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct ListReleasesOfChange: Query {
    static let sql = """
        SELECT f.name, r.number FROM release_change r JOIN fleet f ON f.id = r.fleet_id WHERE r.change_number = $1
        ORDER BY f.name
        """
    let change: Int64
    var bindings: [Binding] { [.int(change)] }
    func decode(_ row: Row) throws -> ChangeRecord.ReleasedIn {
        ChangeRecord.ReleasedIn(fleet: try row.value("name", { try FleetName($0) }), number: try row.value("number"))
    }
}
