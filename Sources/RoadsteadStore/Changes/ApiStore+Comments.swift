package import Codecs
import PostgresKit
package import TrustModel

/// What somebody said about a change.
package struct CommentRecord: Sendable, Equatable {
    package let id: Int64
    package let person: PersonID
    package let comment: String
    package let at: UTCDate
}

/// One content that a change has had.
package struct EditRecord: Sendable, Equatable {
    package let version: Int64
    package let content: ChangeContent
    package let digest: String
    package let at: UTCDate
}

extension ApiStore {
    /// What one change holds of them at most.
    package static let maximumComments = 1_000

    /// Oldest first.
    package func comments(on number: Int64, _ page: PageRequest) async throws -> KeysetPage<CommentRecord> {
        _ = try await change(number)
        let query = ListComments(change: number, after: try page.numberAfter(), limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.id)" }
    }

    /// Every content that a change has had, the first one first.
    package func edits(of number: Int64, _ page: PageRequest) async throws -> KeysetPage<EditRecord> {
        _ = try await change(number)
        let query = ListEdits(change: number, after: try page.numberAfter(), limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { "\($0.version)" }
    }

    /// Says something about a change, open or not; whoever may read it may.
    package func comment(
        _ comment: String, on number: Int64, by actor: Actor, now: UTCDate
    ) async throws -> CommentRecord {
        try Texts.checkProse(comment, "comment", maximum: 4_000)
        return try await work(actor, nil, now: now) { work in
            try work.authority.requireWriting()
            let change = try await work.transaction.lockChange(number, readBy: Reader(work.authority))
            guard try await work.transaction.fetchOne(CountComments(change: number)) < Self.maximumComments else {
                throw StoreError(.conflict, "C-\(number) has \(Self.maximumComments) comments, and takes no more")
            }
            let insert = InsertComment(change: change.number, actor: actor, comment: comment, now: now)
            let record = try await work.transaction.fetchOne(insert)
            try await work.audit.record(.changeCommented, "C-\(number)", team: change.team)
            return record
        }
    }
}

extension Authority {
    /// For what a person does whatever their roles: a token that may only read does not.
    func requireWriting() throws {
        guard limits.access == .write else {
            throw StoreError(.forbidden, "this token may only read", hint: "use a token with write access")
        }
    }
}

// MARK: - Queries

extension CommentRecord {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), person: PersonID(rawValue: try row.value("person_id")),
            comment: try row.value("comment"), at: try row.value("commented_at"))
    }
}

struct ListComments: Query {
    static let sql = """
        SELECT id, person_id, comment, commented_at FROM change_comment WHERE change_number = $1 AND id > $2
        ORDER BY id LIMIT $3
        """
    let change: Int64
    let after: Int64
    let limit: Int
    var bindings: [Binding] { [.int(change), .int(after), .int(limit)] }
    func decode(_ row: Row) throws -> CommentRecord { try CommentRecord(row) }
}

struct CountComments: Query {
    static let sql = "SELECT count(*) AS n FROM change_comment WHERE change_number = $1"
    let change: Int64
    var bindings: [Binding] { [.int(change)] }
    func decode(_ row: Row) throws -> Int { try row.value("n") }
}

struct InsertComment: Query {
    static let sql = """
        INSERT INTO change_comment (change_number, team_id, person_id, credential_id, comment, commented_at)
        SELECT number, team_id, $2, $3, $4, $5 FROM change WHERE number = $1
        RETURNING id, person_id, comment, commented_at
        """
    let change: Int64
    let actor: Actor
    let comment: String
    let now: UTCDate
    var bindings: [Binding] {
        [.int(change), .int(actor.person.rawValue), .int(actor.credential), .text(comment), .date(now)]
    }
    func decode(_ row: Row) throws -> CommentRecord { try CommentRecord(row) }
}

struct ListEdits: Query {
    static let sql = """
        SELECT version, content, digest, edited_at FROM change_edit WHERE change_number = $1 AND version > $2
        ORDER BY version LIMIT $3
        """
    let change: Int64
    let after: Int64
    let limit: Int
    var bindings: [Binding] { [.int(change), .int(after), .int(limit)] }
    func decode(_ row: Row) throws -> EditRecord {
        EditRecord(
            version: try row.value("version"),
            content: try row.value("content", { (bytes: [UInt8]) in try JSON(parsing: bytes).decode() }),
            digest: try row.value("digest"), at: try row.value("edited_at"))
    }
}
