import Files
import Foundation
import Migrations
import PostgresKit
import PrivatePostgres
import Problems
import Testing

/// Servers of their own, which are frozen, killed and started again.
@Suite(.serialized)
struct ServerFailureTests {
    private func withDirectory(_ body: (PrivatePostgres.Configuration) async throws -> Void) async throws {
        let directory = "/tmp/roadstead-failure-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { try? Files.removeTree(directory) }
        try await body(PrivatePostgres.Configuration(stateDirectory: directory, roles: [], durability: .none))
    }

    private func settings(_ server: PrivatePostgres, deadline: Duration = .seconds(10)) -> ConnectionSettings {
        var settings = server.settings(user: PrivatePostgres.superuser, database: "postgres")
        settings.statementDeadline = deadline
        return settings
    }

    private func next(of events: AsyncStream<ListenEvent>) async -> ListenEvent? {
        for await event in events { return event }
        return nil
    }

    private func seconds(_ body: () async throws -> Void) async throws -> Duration {
        let start = ContinuousClock.now
        try await body()
        return ContinuousClock.now - start
    }

    @Test func `deadlines hold against frozen backends and a frozen server`() async throws {
        try await withDirectory { configuration in
            try await PrivatePostgres.withServer(configuration) { server in
                let settings = settings(server, deadline: .milliseconds(450))
                let connection = try await Connection.open(settings)
                let backend: Int64 = try await connection.rows("SELECT pg_backend_pid() AS pid")[0].value("pid")
                kill(Int32(backend), SIGSTOP)
                defer { kill(Int32(backend), SIGCONT) }
                let took = try await seconds {
                    try await expect(.deadline) { try await connection.rows("SELECT 1") }
                }
                #expect(took >= .milliseconds(690) && took < .milliseconds(1500))
                try await expect(.connectionLost) { try await connection.rows("SELECT 1") }

                kill(server.processID, SIGSTOP)
                defer { kill(server.processID, SIGCONT) }
                let opening = try await seconds {
                    try await expect(.deadline) { _ = try await Connection.open(settings, within: .milliseconds(300)) }
                }
                #expect(opening >= .milliseconds(290) && opening < .milliseconds(1500))
            }
        }
    }

    @Test func `a slow statement is stopped by the server and its connection lives on`() async throws {
        try await withDirectory { configuration in
            try await PrivatePostgres.withServer(configuration) { server in
                let connection = try await Connection.open(settings(server, deadline: .milliseconds(200)))
                let error = try await failure { try await connection.rows("SELECT pg_sleep(5)") }
                #expect(error.code == .deadline && error.sqlState == "57014")
                try await connection.rows("SELECT 1")
            }
        }
    }

    @Test func `a pool outlives a killed server and serves again when it is back`() async throws {
        try await withDirectory { configuration in
            let pool = try await PrivatePostgres.withServer(configuration) { server in
                let pool = ConnectionPool(
                    settings(server), limits: try PoolLimits(connections: 3, leaseDeadline: .seconds(1)))
                try await pool.rows("SELECT 1")
                kill(server.processID, SIGQUIT)
                try await Task.sleep(for: .milliseconds(300))
                let took = try await seconds {
                    let error = try await failure { try await pool.rows("SELECT 1") }
                    #expect(error.code == .connect || error.code == .connectionLost)
                }
                #expect(took < .seconds(3))
                return pool
            }
            try await PrivatePostgres.withServer(configuration) { _ in
                for _ in 0..<5 { try await pool.rows("SELECT 1") }
                #expect(pool.statistics.leased == 0)
            }
            await pool.close()
        }
    }

    @Test func `a lease asked for while the server restarts waits for it`() async throws {
        try await withDirectory { configuration in
            let pool = try await PrivatePostgres.withServer(configuration) { server in
                ConnectionPool(settings(server), limits: try PoolLimits(connections: 2, leaseDeadline: .seconds(20)))
            }
            let early = Task { try await pool.rows("SELECT 1").count }
            try await Task.sleep(for: .milliseconds(200))
            try await PrivatePostgres.withServer(configuration) { _ in
                let count = try await early.value
                #expect(count == 1)
            }
            await pool.close()
        }
    }

    @Test func `a listener hears of a restart and listens again`() async throws {
        try await withDirectory { configuration in
            let settings: ConnectionSettings = try await PrivatePostgres.withServer(configuration) { self.settings($0) }
            let (events, continuation) = AsyncStream<ListenEvent>.makeStream()
            let listening = Task {
                let stream = NotificationStream(settings, channels: [try SQLName("news")])
                for await event in stream { continuation.yield(event) }
                continuation.finish()
            }
            for round in 1...2 {
                try await PrivatePostgres.withServer(configuration) { _ in
                    let first = await next(of: events)
                    #expect(first == .listening)
                    let connection = try await Connection.open(settings)
                    try await connection.rows("SELECT pg_notify('news', $1)", [.text("round \(round)")])
                    let second = await next(of: events)
                    #expect(second == .notification(ChannelNotification(channel: "news", payload: "round \(round)")))
                    await connection.close()
                }
            }
            listening.cancel()
            try await listening.value
        }
    }

    @Test func `a listener that waits is freed by cancellation at once`() async throws {
        try await withDirectory { configuration in
            try await PrivatePostgres.withServer(configuration) { server in
                let stream = NotificationStream(
                    settings(server), channels: [try SQLName("news")], checkInterval: .seconds(60))
                let (started, continuation) = AsyncStream<Void>.makeStream()
                let listening = Task {
                    for await _ in stream { continuation.yield() }
                }
                for await _ in started { break }
                try await Task.sleep(for: .milliseconds(50))
                let took = try await seconds {
                    listening.cancel()
                    await listening.value
                }
                #expect(took < .seconds(1))
            }
        }
    }
}
