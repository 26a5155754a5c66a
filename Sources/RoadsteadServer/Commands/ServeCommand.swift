import ArgumentParser
import Files
import Logging
import RoadsteadPublish
import ServiceLifecycle
import UnixSignals

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serves the API and publishes fleets, on an existing PostgreSQL.")

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await reportingProblems {
            let configuration = try ServerConfiguration(try options.sources())
            let logger = ServerLog.start(configuration.logLevel)
            let program = ServerProgram(
                configuration: configuration, access: try DatabaseAccess(configuration.database),
                master: try MasterKey(configured: configuration), logger: logger)
            try await program.run { address in logger.notice("serving at \(address)") }
        }
    }
}

/// The program's log: on standard error, structured.
enum ServerLog {
    static func start(_ level: Logger.Level) -> Logger {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        return Logger(label: "roadstead-server")
    }
}

extension ServerProgram {
    /// Serves until SIGTERM or SIGINT, then lets requests end.
    func run(onRunning: @escaping @Sendable (String) async -> Void) async throws {
        let application = try await application(onRunning: onRunning)
        var group = ServiceGroupConfiguration(
            services: [application], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = configuration.shutdown
        try await ServiceGroup(configuration: group).run()
    }
}

extension MasterKey {
    /// The key that the configuration names: a 0600 file, or a systemd credential.
    init(configured configuration: ServerConfiguration) throws {
        let (folder, name) = (
            Files.parent(of: configuration.masterKeyPath), Files.name(of: configuration.masterKeyPath)
        )
        if name == Self.credentialName, folder == configuration.credentialsDirectory {
            try self.init(credentialsDirectory: folder)
        } else {
            try self.init(file: configuration.masterKeyPath)
        }
    }
}
