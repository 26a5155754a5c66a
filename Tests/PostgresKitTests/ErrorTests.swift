import Migrations
import PostgresKit
import PostgresTesting
import Problems
import Testing

@Suite(.emptyPostgres)
struct ErrorTests {
    @Test(arguments: [
        ("INSERT INTO secret VALUES (1, 'opensesame', 1)", PostgresError.Code.unique, "23505", "secret_pkey"),
        ("INSERT INTO secret VALUES (2, 'opensesame', 9)", .foreignKey, "23503", "secret_parent_fkey"),
        ("INSERT INTO secret VALUES (3, '', 1)", .check, "23514", "word_is_not_empty"),
    ])
    func `a violated constraint is named, the values and the SQL are not`(
        sql: String, code: PostgresError.Code, state: String, constraint: String
    ) async throws {
        try await database().withConnection(as: .owner) { connection in
            try await connection.run(
                script: """
                    CREATE TABLE parent (id bigint PRIMARY KEY); INSERT INTO parent VALUES (1);
                    CREATE TABLE secret (id bigint PRIMARY KEY,
                        word text CONSTRAINT word_is_not_empty CHECK (word <> ''), parent bigint REFERENCES parent);
                    INSERT INTO secret VALUES (1, 'opensesame', 1);
                    """)
            let error = try await failure { try await connection.rows(running: sql, []) }
            #expect(error.code == code)
            #expect(error.sqlState == state)
            #expect(error.constraint == constraint)
            #expect(error.table == "secret")
            #expect(error.description.contains(constraint))
            #expect(!error.description.contains("INSERT") && !error.description.contains("opensesame"))
            #expect(error.debugDescription.contains("INSERT"))
        }
    }

    @Test func `a value of the wrong form is hidden although the server quotes it`() async throws {
        try await database().withConnection(as: .owner) { connection in
            let error = try await failure { try await connection.rows("SELECT $1::uuid", [.text("opensesame")]) }
            #expect(error.sqlState == "22P02")
            #expect(!"\(error)".contains("opensesame"))
            #expect(error.debugDescription.contains("opensesame"))
        }
    }

    @Test func `a role that may not is told so`() async throws {
        let database = try database()
        try await database.withConnection(as: .owner) { try await $0.run(script: "CREATE TABLE t (a bigint)") }
        try await database.withConnection(as: .api) { connection in
            try await expect(.permission) { _ = try await connection.rows("SELECT * FROM t") }
        }
    }

    @Test func `a password is in no description`() async throws {
        var settings = try database().settings(.api)
        settings.password = DatabasePassword("opensesame")
        #expect(!"\(settings)".contains("opensesame"))
        #expect(!String(reflecting: settings).contains("opensesame"))
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!dumped.contains("opensesame"))
    }

    @Test func `a database that is not there is refused as such`() async throws {
        var settings = try database().settings(.api)
        settings.database = "nowhere"
        let error = try await failure { _ = try await Connection.open(settings) }
        #expect(error.code == .authentication)
    }

    @Test func `no server is an error that says where none was`() async throws {
        let settings = ConnectionSettings(host: .socketDirectory("/nonexistent"), database: "d", user: "u")
        let error = try await failure { _ = try await Connection.open(settings) }
        #expect(error.code == .connect)
        #expect(error.description.contains("/nonexistent"))
    }

    @Test(arguments: [String(repeating: "/x", count: 60), "relative"])
    func `a socket directory that cannot be is refused before it is tried`(path: String) async throws {
        let settings = ConnectionSettings(host: .socketDirectory(path), database: "d", user: "u")
        try await expect(.settings) { _ = try await Connection.open(settings) }
    }
}
