import Files
import Foundation
import PostgresKit
import PrivatePostgres
import Problems
import Testing

@Suite(.serialized)
struct PrivatePostgresTests {
    private func withConfiguration(
        roles: [String] = [], _ body: (PrivatePostgres.Configuration) async throws -> Void
    ) async throws {
        let directory = "/tmp/roadstead-private-\(getpid())-\(UInt32.random(in: 0 ... .max))/state"
        defer { try? Files.removeTree(Files.parent(of: directory)) }
        try await body(
            PrivatePostgres.Configuration(stateDirectory: directory, roles: roles, durability: .none))
    }

    private func superuser(_ server: PrivatePostgres) -> ConnectionSettings {
        server.settings(user: PrivatePostgres.superuser, database: "postgres")
    }

    /// An ended process that its parent has not collected yet does not run.
    private func isRunning(_ process: Int32) -> Bool {
        guard let bytes = try? Files.read("/proc/\(process)/stat", limit: 4_096) else { return false }
        return !String(decoding: bytes, as: UTF8.self).contains(") Z ")
    }

    private func run(_ settings: ConnectionSettings, _ sql: String) async throws -> RowSet {
        let connection = try await Connection.open(settings)
        let rows = try await connection.rows(running: sql, [])
        await connection.close()
        return rows
    }

    @Test func `data is there again at the next start and nothing runs in between`() async throws {
        try await withConfiguration { configuration in
            let first = try await PrivatePostgres.withServer(configuration) { server in
                _ = try await run(superuser(server), "CREATE TABLE kept AS SELECT 7::bigint AS n")
                return server
            }
            #expect(!isRunning(first.processID))
            try await PrivatePostgres.withServer(configuration) { server in
                let n: Int64 = try await run(superuser(server), "SELECT n FROM kept")[0].value("n")
                #expect(n == 7)
                #expect(!server.wasRunning)
            }
        }
    }

    @Test func `it listens on no network and its socket is closed to others`() async throws {
        try await withConfiguration { configuration in
            try await PrivatePostgres.withServer(configuration) { server in
                let listening: String = try await run(superuser(server), "SHOW listen_addresses")[0]
                    .value("listen_addresses")
                #expect(listening.isEmpty)
                let status = try Files.status(server.socketDirectory)
                #expect(status.mode == 0o700)
                #expect("\(server.socketDirectory)/.s.PGSQL.5432".utf8.count <= 107)
            }
        }
    }

    @Test func `this user may act as the roles that are named and as no other`() async throws {
        try await withConfiguration(roles: ["named"]) { configuration in
            try await PrivatePostgres.withServer(configuration) { server in
                let connection = try await Connection.open(superuser(server))
                try await connection.run(script: "CREATE ROLE named LOGIN; CREATE ROLE unnamed LOGIN")
                await connection.close()
                let who: String = try await run(
                    server.settings(user: "named", database: "postgres"), "SELECT current_user::text AS u")[0].value(
                        "u")
                #expect(who == "named")
                let error = await #expect(throws: PostgresError.self) {
                    try await Connection.open(server.settings(user: "unnamed", database: "postgres"))
                }
                #expect(error?.code == .authentication)
            }
        }
    }

    @Test func `a second program on the same directory is refused`() async throws {
        try await withConfiguration { configuration in
            try await PrivatePostgres.withServer(configuration) { server in
                let error = await #expect(throws: PrivatePostgresError.self) {
                    try await PrivatePostgres.withServer(configuration) { _ in }
                }
                #expect(error?.code == .inUse)
                _ = try await run(superuser(server), "SELECT 1")
            }
        }
    }

    @Test func `cancelling stops the server`() async throws {
        try await withConfiguration { configuration in
            let (servers, started) = AsyncStream<PrivatePostgres>.makeStream()
            let task = Task {
                try await PrivatePostgres.withServer(configuration) { server in
                    started.yield(server)
                    try await Task.sleep(for: .seconds(3600))
                }
            }
            for await server in servers {
                task.cancel()
                _ = await task.result
                #expect(!isRunning(server.processID))
                break
            }
        }
    }

    @Test func `a server that a killed program left behind is taken over and then stopped`() async throws {
        try await withConfiguration(roles: ["late"]) { configuration in
            let ended = try await PrivatePostgres.withServer(configuration) { $0 }
            let left = try await LeftBehind.start(ended)
            try await PrivatePostgres.withServer(configuration) { server in
                #expect(server.wasRunning)
                #expect(server.processID == left)
                _ = try await run(superuser(server), "SELECT 1")
            }
            #expect(!isRunning(left))
        }
    }

    @Test func `a half-made data directory of a killed start is no obstacle`() async throws {
        try await withConfiguration { configuration in
            try await PrivatePostgres.withServer(configuration) { _ in }
            let state = configuration.stateDirectory
            try Files.rename("\(state)/data", to: "\(state)/data.new")
            try await PrivatePostgres.withServer(configuration) { server in
                _ = try await run(superuser(server), "SELECT 1")
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root may run PostgreSQL as another user"))
    func `a parent that bars the way is named`() async throws {
        try await withConfiguration { configuration in
            let parent = Files.parent(of: configuration.stateDirectory)
            try Files.createDirectory(parent, mode: 0o700)
            let error = await #expect(throws: PrivatePostgresError.self) {
                try await PrivatePostgres.withServer(configuration) { _ in }
            }
            #expect(error?.code == .unreachable)
            #expect(error?.description.contains("the directory \(parent) bars the way") == true)
        }
    }

    @Test func `a server that cannot start says why`() async throws {
        try await withConfiguration { configuration in
            let data = try await PrivatePostgres.withServer(configuration) { $0.dataDirectory }
            let file = try FileHandle(forWritingTo: URL(filePath: "\(data)/postgresql.conf"))
            try file.seekToEnd()
            try file.write(contentsOf: Data("no_such_setting = 1\n".utf8))
            try file.close()
            let error = await #expect(throws: PrivatePostgresError.self) {
                try await PrivatePostgres.withServer(configuration) { _ in }
            }
            #expect(error?.code == .start)
            #expect(error?.description.contains("FATAL") == true)
        }
    }

    @Test func `a socket directory of somebody else or open to others is refused`() async throws {
        try await withConfiguration { configuration in
            let socket = try await PrivatePostgres.withServer(configuration) { $0.socketDirectory }
            #expect(mkdir(socket, 0o700) == 0 && chmod(socket, 0o755) == 0)
            defer { try? Files.removeTree(socket) }
            let error = await #expect(throws: PrivatePostgresError.self) {
                try await PrivatePostgres.withServer(configuration) { _ in }
            }
            #expect(error?.code == .exposed)
        }
    }
}
