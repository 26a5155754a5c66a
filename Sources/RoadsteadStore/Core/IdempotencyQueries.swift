import Codecs
import PostgresKit
import TrustModel

struct ClaimKey: Query {
    static let sql = """
        INSERT INTO idempotency (person_id, key, request_sha256, claimed_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (person_id, key) DO UPDATE SET claimed_at = excluded.claimed_at
            WHERE idempotency.status IS NULL AND idempotency.executed_at IS NULL AND idempotency.claimed_at < $5
                AND idempotency.request_sha256 = excluded.request_sha256
        RETURNING key
        """
    let person: PersonID
    let key: String
    let request: [UInt8]
    let now: UTCDate
    /// A claim older than this was left by a server that died.
    let staleBefore: UTCDate

    var bindings: [Binding] {
        [.int(person.rawValue), .text(key), .bytes(request), .date(now), .date(staleBefore)]
    }

    func decode(_ row: Row) throws -> String { try row.value("key") }
}

struct FetchKeptAnswer: Query {
    static let sql = """
        SELECT request_sha256, status, content_type, body, executed_at FROM idempotency WHERE person_id = $1 AND key = $2
        """

    struct Kept: Sendable {
        let request: [UInt8]
        let answer: KeptAnswer?
        /// When what was asked for was done: in its own transaction, before the answer is kept.
        let executed: UTCDate?
    }

    let person: PersonID
    let key: String
    var bindings: [Binding] { [.int(person.rawValue), .text(key)] }

    func decode(_ row: Row) throws -> Kept {
        let status: Int? = try row.value("status")
        let answer = try status.map {
            KeptAnswer(status: $0, contentType: try row.value("content_type"), body: try row.value("body"))
        }
        return Kept(
            request: try row.value("request_sha256"), answer: answer,
            executed: try row.value("executed_at"))
    }
}

struct KeepAnswer: Statement {
    static let sql = """
        UPDATE idempotency SET status = $3, content_type = $4, body = $5
        WHERE person_id = $1 AND key = $2 AND status IS NULL
        """
    let person: PersonID
    let key: String
    let answer: KeptAnswer

    var bindings: [Binding] {
        [
            .int(person.rawValue), .text(key), .int(answer.status), .text(answer.contentType), .bytes(answer.body),
        ]
    }
}

/// Written by the transaction that does what the request asks for.
struct MarkExecuted: Statement {
    static let sql = """
        UPDATE idempotency SET executed_at = $3 WHERE person_id = $1 AND key = $2 AND executed_at IS NULL
        """
    let claim: ClaimedKey
    let now: UTCDate
    var bindings: [Binding] { [.int(claim.person.rawValue), .text(claim.key), .date(now)] }
}

struct ReleaseKey: Statement {
    static let sql = "DELETE FROM idempotency WHERE person_id = $1 AND key = $2 AND status IS NULL"
    let person: PersonID
    let key: String
    var bindings: [Binding] { [.int(person.rawValue), .text(key)] }
}

struct DeleteOldKeys: Statement {
    static let sql = "DELETE FROM idempotency WHERE claimed_at < $1"
    let before: UTCDate
    var bindings: [Binding] { [.date(before)] }
}
