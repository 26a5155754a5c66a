import Files
package import PostgresKit
import Subprocess
import SystemPackage

/// A PostgreSQL of this program's own: its data below a state directory, reachable over a Unix socket by this user alone.
package struct PrivatePostgres: Sendable {
    /// The superuser of a private cluster: makes roles and databases, serves nothing.
    package static let superuser = "roadstead"

    package enum Durability: Sendable {
        /// Everything committed survives a crash.
        case full
        /// Nothing is synced: for tests, whose data may be lost.
        case none
    }

    package struct Configuration: Sendable {
        /// An absolute path; made for the service's user alone, mode 0700.
        package var stateDirectory: String
        /// The database roles that this user may act as besides the superuser.
        package var roles: [String]
        package var durability: Durability
        package var maxConnections: Int
        package var startDeadline: Duration

        package init(
            stateDirectory: String, roles: [String], durability: Durability = .full, maxConnections: Int = 200,
            startDeadline: Duration = .seconds(60)
        ) {
            self.stateDirectory = stateDirectory
            self.roles = roles
            self.durability = durability
            self.maxConnections = maxConnections
            self.startDeadline = startDeadline
        }
    }

    package let socketDirectory: String
    package let dataDirectory: String
    /// The postmaster's process.
    package let processID: Int32
    /// Whether it was found running, left behind by a program that was killed.
    package let wasRunning: Bool

    /// Where and as whom to connect.
    package func settings(user: String, database: String) -> ConnectionSettings {
        ConnectionSettings(host: .socketDirectory(socketDirectory), database: database, user: user)
    }

    /// Starts the server, or takes over the one that runs, for as long as the closure runs; then stops it.
    ///
    /// Only one program at a time may use a state directory. When the task is cancelled, the server is stopped too.
    package static func withServer<Value: Sendable>(
        _ configuration: Configuration, _ body: (PrivatePostgres) async throws -> Value
    ) async throws -> Value {
        let cluster = try Cluster(configuration)
        try cluster.prepareDirectories()
        let lock = try cluster.takeLock()
        defer {
            cluster.socket.remove()
            withExtendedLifetime(lock) {}
        }
        return try await cluster.serve(body)
    }
}

extension Cluster {
    fileprivate func takeLock() throws -> HeldLock {
        do {
            return try HeldLock(lock)
        } catch let error as FileError where error.code == .locked {
            throw PrivatePostgresError(
                .inUse, "another program uses the database in \(configuration.stateDirectory)",
                hint: "end it, or choose another state directory")
        }
    }

    fileprivate func serve<Value: Sendable>(
        _ body: (PrivatePostgres) async throws -> Value
    ) async throws -> Value {
        let programs = try await initialised()
        try writeAuthentication()
        if let running = RunningServer.find(on: data) { return try await use(running, body) }
        return try await start(programs, body)
    }

    private func use<Value: Sendable>(
        _ running: RunningServer, _ body: (PrivatePostgres) async throws -> Value
    ) async throws -> Value {
        running.reload()
        do {
            try await waitUntilReady(running)
            let result = try await body(handle(running, wasRunning: true))
            await running.stop()
            return result
        } catch {
            await running.stop()
            throw error
        }
    }

    private func start<Value: Sendable>(
        _ programs: PostgresPrograms, _ body: (PrivatePostgres) async throws -> Value
    ) async throws -> Value {
        if Files.exists(log) { try Files.rename(log, to: log + ".1") }
        let output = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
        let options = options()
        return try await Subprocess.run(
            .path(FilePath(executable(programs.postgres))),
            arguments: arguments(programs.postgres, serverArguments), environment: environment, workingDirectory: "/",
            platformOptions: options, input: .none,
            output: .fileDescriptor(output, closeAfterSpawningProcess: false),
            error: .fileDescriptor(output, closeAfterSpawningProcess: true)
        ) { execution in
            let server = RunningServer(processID: execution.processIdentifier.value)
            do {
                let value = try await whenReady(server, body)
                await execution.teardown(using: options.teardownSequence)
                return value
            } catch {
                await execution.teardown(using: options.teardownSequence)
                throw error
            }
        }.closureResult
    }

    private func whenReady<Value: Sendable>(
        _ server: RunningServer, _ body: (PrivatePostgres) async throws -> Value
    ) async throws -> Value {
        try await waitUntilReady(server)
        return try await body(handle(server, wasRunning: false))
    }

    private func handle(_ server: RunningServer, wasRunning: Bool) -> PrivatePostgres {
        PrivatePostgres(
            socketDirectory: socket.path, dataDirectory: data, processID: server.processID, wasRunning: wasRunning)
    }

    private func waitUntilReady(_ server: RunningServer) async throws {
        let settings = handle(server, wasRunning: false).settings(
            user: PrivatePostgres.superuser, database: "postgres")
        let end = ContinuousClock.now + configuration.startDeadline
        while ContinuousClock.now < end {
            do {
                return try await Connection.open(settings).close()
            } catch let error as PostgresError where error.code == .connect || error.code == .connectionLost {
                guard server.isRunning else { throw ended() }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        throw PrivatePostgresError(
            .start, "PostgreSQL did not take connections within \(configuration.startDeadline)", hint: "see \(log)")
    }

    private func ended() -> PrivatePostgresError {
        let text = (try? Files.read(log, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let last = text.split(separator: "\n").last { $0.contains("FATAL") || $0.contains("ERROR") }
        return PrivatePostgresError(
            .start, "PostgreSQL ended while it was started", hint: last.map { "\(log) says: \($0)" } ?? "see \(log)")
    }
}

/// Keeps the lock on the state directory for as long as it lives.
private final class HeldLock {
    private let lock: FileLock

    init(_ path: String) throws { lock = try FileLock(path) }
}
