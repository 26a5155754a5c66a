import Foundation
import Migrations
import PostgresKit
import PostgresTesting
import Problems
import Testing

private func migration(_ name: String, _ sql: String) throws -> Migration {
    try Migration(name: name, bytes: Array("-- test\n\(sql)".utf8))
}

private func database() throws -> TestDatabase { try #require(TestDatabase.current) }

private func state(_ migrations: [Migration]) async throws -> MigrationPlan.State {
    try await database().withConnection(as: .api) { try await Migrator(migrations).plan(on: $0).state }
}

@discardableResult
private func apply(_ migrations: [Migration]) async throws -> [String] {
    try await Migrator(migrations).apply(to: database().settings(.owner)).map(\.name)
}

private func failure(_ body: () async throws -> Void) async throws -> MigrationError {
    do {
        try await body()
    } catch let error as MigrationError {
        return error
    }
    throw CancellationError()
}

@Suite(.emptyPostgres)
struct MigrationStateTests {
    private let first = Result { try migration("0001_first_table", "CREATE TABLE first (a bigint);") }
    private let second = Result { try migration("0002_second_table", "CREATE TABLE second (a bigint);") }

    @Test func `an empty database lacks everything, also for a role that owns nothing`() async throws {
        let all = [try first.get(), try second.get()]
        let found = try await state(all)
        #expect(found == .pending(all))
    }

    @Test func `what is applied is remembered with its checksum and not applied again`() async throws {
        let all = [try first.get(), try second.get()]
        let once = try await apply([all[0]])
        #expect(once == ["0001_first_table"])
        let twice = try await apply(all)
        #expect(twice == ["0002_second_table"])
        let thrice = try await apply(all)
        #expect(thrice == [])
        let plan = try await database().withConnection(as: .api) { try await Migrator(all).plan(on: $0) }
        #expect(plan.state == .upToDate)
        #expect(plan.applied.map(\.sha256) == all.map(\.sha256))
        try plan.requireUpToDate()
    }

    @Test func `a migration changed after the fact stops everything and says so`() async throws {
        try await apply([try first.get()])
        let changed = [try migration("0001_first_table", "CREATE TABLE first (b bigint);"), try second.get()]
        let error = try await failure { try await apply(changed) }
        #expect(error.code == .altered)
        #expect(error.description.contains("0001_first_table") && error.description.contains("unmodified"))
        let table = try await database().withConnection(as: .owner) {
            try await $0.rows("SELECT 1 FROM pg_class WHERE relname = 'second'").count
        }
        #expect(table == 0)
    }

    @Test func `a database newer than the program is refused`() async throws {
        try await apply([try first.get(), try second.get()])
        let error = try await failure { try await apply([try first.get()]) }
        #expect(error.code == .unknown)
        #expect(error.description.contains("0002_second_table"))
    }

    @Test func `pending migrations stop a server and name the command`() async throws {
        let all = [try first.get()]
        let plan = try await database().withConnection(as: .api) { try await Migrator(all).plan(on: $0) }
        let error = #expect(throws: MigrationError.self) { try plan.requireUpToDate() }
        #expect(error?.code == .pending)
        #expect(error?.hint == "roadstead-server migrate")
    }

    @Test func `a migration that fails leaves nothing, and those before it stay`() async throws {
        let broken = try migration("0002_broken", "CREATE TABLE half (a bigint); SELECT 1/0;")
        let error = try await failure { try await apply([try first.get(), broken]) }
        #expect(error.code == .refused)
        #expect(error.description.contains("0002_broken"))
        let tables = try await database().withConnection(as: .owner) { connection in
            try await connection.rows(
                "SELECT relname::text AS name FROM pg_class WHERE relname IN ('first', 'half')"
            ).map { try $0.value("name", as: String.self) }
        }
        #expect(tables == ["first"])
        let found = try await state([try first.get(), broken])
        #expect(found == .pending([broken]))
    }

    @Test func `a migration that ends its own transaction is refused`() async throws {
        let sly = try migration("0001_sly", "CREATE TABLE kept (a bigint); COMMIT; BEGIN;")
        let error = try await failure { try await apply([sly]) }
        #expect(error.code == .malformed)
    }

    @Test func `only the owner's role migrates, no superuser and no serving role`() async throws {
        let all = [try first.get()]
        let superuser = try database().cluster.superuserSettings(database: try database().name)
        for settings in [try database().settings(.api), superuser] {
            let error = try await failure { _ = try await Migrator(all).apply(to: settings) }
            #expect(error.code == .role)
        }
    }

    @Test func `two programs that migrate at once do it once`() async throws {
        let all = [try migration("0001_slow", "CREATE TABLE slow (a bigint); SELECT pg_sleep(0.3);")]
        async let one = apply(all)
        async let two = apply(all)
        let done = try await [one, two]
        #expect(done.map(\.count).sorted() == [0, 1])
    }

    @Test func `who waits too long for another's migration is told so`() async throws {
        let settings = try database().settings(.owner)
        try await database().withConnection(as: .owner) { try await $0.run(script: "CREATE TABLE gate (a bigint)") }
        let waitsForGate = """
            DO $$ BEGIN
                LOOP EXIT WHEN EXISTS (SELECT FROM gate); PERFORM pg_sleep(0.05); END LOOP;
            END $$;
            CREATE TABLE slow (a bigint);
            """
        let all = [try migration("0001_slow", waitsForGate)]
        let slow = Task { try await Migrator(all).apply(to: settings) }
        try await database().withConnection(as: .owner) { connection in
            let held: StaticString = """
                SELECT count(*) AS n FROM pg_locks
                WHERE locktype = 'advisory' AND granted
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """
            while try await connection.rows(held)[0].value("n") as Int64 == 0 {
                try await Task.sleep(for: .milliseconds(20))
            }
            let error = try await failure { _ = try await Migrator(all).apply(to: settings, lockDeadline: .seconds(1)) }
            #expect(error.code == .busy)
            try await connection.run(script: "INSERT INTO gate VALUES (1)")
        }
        _ = try await slow.value
    }

    @Test func `the owner owns what migrations make`() async throws {
        try await apply([try first.get()])
        let owner: String = try await database().withConnection(as: .owner) {
            try await $0.rows("SELECT tableowner::text AS o FROM pg_tables WHERE tablename = 'first'")[0].value("o")
        }
        #expect(owner == "roadstead_owner")
    }
}

struct MigrationFormTests {
    private let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test func `the compiled list is the directory`() throws {
        let directory = root.appending(path: "migrations")
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.hasSuffix(".sql") }.sorted()
        let compiled = try Migration.compiled()
        #expect(compiled.map { $0.name + ".sql" } == files)
        for migration in compiled {
            let text = try String(contentsOf: directory.appending(path: migration.name + ".sql"), encoding: .utf8)
            #expect(migration.sql == text)
        }
        _ = try Migrator()
    }

    @Test func `the numbers of our own migrations have no gap, so that none can come in before one that was applied`()
        throws
    {
        let numbers = try Migration.compiled().map { Int($0.name.prefix(4)) }
        #expect(numbers == (1...numbers.count).map(Optional.some))
    }

    @Test(arguments: ["1_short", "0001-dash", "0001_", "0000_zero", "0001_Upper", "00011_long", "０００１_wide"])
    func `a name of another form is refused`(name: String) {
        #expect(throws: MigrationError(.malformed, "")) { try migration(name, "") }
    }

    @Test(arguments: ["CREATE TABLE x ();", "", "-- a\0b"])
    func `a file that does not begin with a comment or holds NUL is refused`(text: String) {
        #expect(throws: MigrationError(.malformed, "")) { try Migration(name: "0001_x", bytes: Array(text.utf8)) }
    }

    @Test func `numbers begin with 1 and rise`() throws {
        let (one, two, three) = (try migration("0001_a", ""), try migration("0002_b", ""), try migration("0003_c", ""))
        for wrong in [[one, try migration("0001_b", "")], [one, three, two], [two, three]] {
            #expect(throws: MigrationError(.malformed, "")) { try Migrator(wrong) }
        }
        _ = try Migrator([one, three])
    }
}

@Suite(.emptyPostgres)
struct DatabaseBootstrapTests {
    @Test func `roles can be made again and at the same time, and have no power`() async throws {
        let settings = try database().cluster.superuserSettings()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let connection = try await Connection.open(settings)
                    try await DatabaseBootstrap.createRoles(on: connection)
                    await connection.close()
                }
            }
            try await group.waitForAll()
        }
        for role in DatabaseRole.allCases {
            let row = try await database().withConnection(as: role) {
                try await $0.rows(
                    """
                    SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS powerful
                    FROM pg_roles WHERE rolname = current_user
                    """)[0]
            }
            let powerful: Bool = try row.value("powerful")
            #expect(!powerful)
        }
    }

    @Test func `making a database that is there is no error`() async throws {
        let connection = try await Connection.open(try database().cluster.superuserSettings())
        try await DatabaseBootstrap.createDatabase(try database().name, on: connection)
        await connection.close()
    }

    @Test func `serving roles make no objects`() async throws {
        for role in DatabaseRole.allCases where role != .owner {
            try await database().withConnection(as: role) { connection in
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.run(script: "CREATE TABLE mine (a bigint)")
                }
                #expect(error?.code == .permission)
            }
        }
    }
}
