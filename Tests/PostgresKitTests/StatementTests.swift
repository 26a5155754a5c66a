import Migrations
import PostgresKit
import PostgresTesting
import Problems
import Testing

private struct Twice: Query {
    static let sql = "SELECT $1 * 2 AS doubled"
    let number: Int64
    var bindings: [Binding] { [.int(number)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("doubled") }
}

private struct Count: Query {
    static let sql = "SELECT n FROM generate_series(1::bigint, $1) AS n"
    let upTo: Int64
    var bindings: [Binding] { [.int(upTo)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("n") }
}

private struct TooFew: Statement {
    static let sql = "SELECT $1::text, $2::text"
    var bindings: [Binding] { [.text("only one")] }
}

@Suite(.emptyPostgres)
struct StatementTests {
    @Test func `a query decodes one row, all rows, or none`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let found = try await connection.fetchOne(Twice(number: 21))
            #expect(found == 42)
            let found2 = try await connection.fetchAll(Count(upTo: 3))
            #expect(found2 == [1, 2, 3])
            let found3 = try await connection.fetchOptional(Count(upTo: 0))
            #expect(found3 == nil)
        }
    }

    @Test func `no row and many rows are errors where one is required`() async throws {
        try await database().withConnection(as: .owner) { connection in
            try await expect(.noRow) { _ = try await connection.fetchOne(Count(upTo: 0)) }
            try await expect(.manyRows) { _ = try await connection.fetchOptional(Count(upTo: 2)) }
        }
    }

    @Test func `a wrong number of bindings is refused and the connection stays good`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let error = try await failure { try await connection.execute(TooFew()) }
            #expect(error.code == .binding)
            #expect(error.description.contains("takes 2 bindings and was given 1"))
            let found = try await connection.fetchOne(Twice(number: 1))
            #expect(found == 2)
        }
    }

    @Test func `a statement is prepared once per connection`() async throws {
        try await database().withConnection(as: .owner) { connection in
            for number in 1...5 { _ = try await connection.fetchOne(Twice(number: Int64(number))) }
            let row = try await connection.rows(
                "SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE '%doubled%' AND name <> ''")[0]
            // The statement that counts contains the word too.
            #expect(try row.value("n") == 2)
        }
    }

    @Test func `more statements than are kept push the old ones out`() async throws {
        try await database().withConnection(as: .owner) { connection in
            for number in 0..<600 { try await connection.rows(running: "SELECT \(number)", []) }
            let row = try await connection.rows("SELECT count(*) AS n FROM pg_prepared_statements")[0]
            #expect(try row.value("n", as: Int.self) <= 500)
        }
    }

    @Test func `a prepared statement survives a change of its table`() async throws {
        try await database().withConnection(as: .owner) { connection in
            try await connection.run(script: "CREATE TABLE t (a bigint); INSERT INTO t VALUES (1)")
            let found = try await connection.rows("SELECT * FROM t").count
            #expect(found == 1)
            try await connection.run(script: "ALTER TABLE t ADD COLUMN b text")
            let found2 = try await connection.rows("SELECT * FROM t").count
            #expect(found2 == 1)
        }
    }

    @Test func `a statement can be checked against the schema without being run`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let found = try await connection.check(TooFew.self)
            #expect(found == 2)
            struct Missing: Statement {
                static let sql = "SELECT * FROM nowhere"
                var bindings: [Binding] { [] }
            }
            let error = try await failure { _ = try await connection.check(Missing.self) }
            #expect(error.sqlState == "42P01")
        }
    }

    @Test func `the number of touched rows is told`() async throws {
        try await database().withConnection(as: .owner) { connection in
            try await connection.run(script: "CREATE TABLE t (a bigint)")
            let inserted = try await connection.rows("INSERT INTO t SELECT generate_series(1, 7)")
            #expect(inserted.affected == 7)
        }
    }

    @Test func `an empty statement is an error, not a crash`() async throws {
        try await database().withConnection(as: .owner) { connection in
            try await expect(.statement) { _ = try await connection.rows("") }
            try await expect(.connectionLost) { _ = try await connection.rows("COPY pg_class TO STDOUT") }
        }
    }
}
