import Files
import Foundation
import Migrations
package import PostgresKit
package import PrivatePostgres
import Synchronization

/// The PostgreSQL of this test process: started at the first use, stopped at exit, in a directory of its own.
///
/// A run that was killed leaves its directory with a lock that nobody holds; the next run stops that server and clears it.
package final class TestCluster: Sendable {
    private static let prefix = "roadstead-test-pg-"
    private static let shared = Task { try await start() }
    private static let stopping = Mutex<PrivatePostgres?>(nil)

    /// The one cluster of this process, with the roles made and the template migrated.
    package static func running() async throws -> TestCluster { try await shared.value }

    package let server: PrivatePostgres
    private let numbers = Atomic<Int>(0)

    private init(_ server: PrivatePostgres) { self.server = server }

    static let template = "roadstead_template"

    /// Where the superuser connects; tests serve as no superuser, but some need one to look or to break things.
    package func superuserSettings(database: String = "postgres") -> ConnectionSettings {
        server.settings(user: PrivatePostgres.superuser, database: database)
    }

    /// Makes a database from the migrated template, or an empty one of the owner's.
    package func makeDatabase(migrated: Bool = true) async throws -> TestDatabase {
        let name = "test_\(numbers.add(1, ordering: .relaxed).newValue)"
        let connection = try await Connection.open(superuserSettings())
        try await DatabaseBootstrap.createDatabase(
            name, template: migrated ? Self.template : "template0", on: connection)
        await connection.close()
        return TestDatabase(name: name, cluster: self)
    }

    func dropDatabase(_ name: String) async throws {
        let connection = try await Connection.open(superuserSettings())
        try await connection.run(script: "DROP DATABASE IF EXISTS \(try SQLName(name)) WITH (FORCE)")
        await connection.close()
    }
}

extension TestCluster {
    private static func start() async throws -> TestCluster {
        await clearStale()
        let directory = "/tmp/\(prefix)\(getuid())-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let configuration = PrivatePostgres.Configuration(
            stateDirectory: directory, roles: DatabaseRole.allCases.map(\.rawValue), durability: .none)
        atexit { TestCluster.stop() }
        let (servers, started) = AsyncThrowingStream<PrivatePostgres, any Error>.makeStream()
        Task.detached {
            do {
                try await PrivatePostgres.withServer(configuration) { server in
                    started.yield(server)
                    while !Task.isCancelled { try await Task.sleep(for: .seconds(3600)) }
                }
            } catch {
                started.finish(throwing: error)
            }
        }
        for try await server in servers {
            stopping.withLock { $0 = server }
            let cluster = TestCluster(server)
            try await cluster.prepareTemplate()
            return cluster
        }
        throw CancellationError()
    }

    private func prepareTemplate() async throws {
        let connection = try await Connection.open(superuserSettings())
        try await DatabaseBootstrap.createRoles(on: connection)
        try await DatabaseBootstrap.createDatabase(Self.template, on: connection)
        await connection.close()
        let owner = server.settings(user: DatabaseRole.owner.rawValue, database: Self.template)
        _ = try await Migrator().apply(to: owner)
    }

    /// Runs at exit, whether tests passed or failed: ends the server at once, since its data is worth nothing.
    private static func stop() {
        guard let server = stopping.withLock({ $0 }) else { return }
        end(server.processID)
        remove(Files.parent(of: server.dataDirectory), server.socketDirectory)
    }

    private static func end(_ process: Int32) {
        kill(process, SIGCONT)
        kill(process, SIGQUIT)
        for _ in 0..<300 where isRunning(process) { usleep(10_000) }
        if isRunning(process) { kill(process, SIGKILL) }
    }

    private static func isRunning(_ process: Int32) -> Bool {
        guard let bytes = try? Files.read("/proc/\(process)/stat", limit: 4_096) else { return false }
        return !String(decoding: bytes, as: UTF8.self).contains(") Z ")
    }

    private static func clearStale() async {
        for name in (try? Files.list("/tmp")) ?? [] where name.hasPrefix("\(prefix)\(getuid())-") {
            let directory = "/tmp/\(name)"
            guard isAbandoned(directory) else { continue }
            let lines = (try? Files.read("\(directory)/data/postmaster.pid", limit: 4_096)).map {
                String(decoding: $0, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            }
            if let lines, let process = lines.first.flatMap({ Int32($0) }),
                (try? Files.linkTarget("/proc/\(process)/cwd")) == "\(directory)/data"
            {
                end(process)
            }
            let socket = lines.flatMap { $0.count > 4 ? String($0[4]) : nil }
            remove(directory, socket.flatMap { $0.contains("/roadstead-pg-") ? $0 : nil })
        }
    }

    /// Nobody holds the lock; a directory without one is young or not ours to judge.
    private static func isAbandoned(_ directory: String) -> Bool {
        guard Files.exists("\(directory)/lock") else { return false }
        return (try? FileLock("\(directory)/lock")) != nil
    }

    private static func remove(_ directory: String, _ socket: String?) {
        try? Files.removeTree(directory)
        if let socket { try? Files.removeTree(socket) }
    }
}
