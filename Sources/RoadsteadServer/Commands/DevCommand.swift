import ArgumentParser
import Files
import Foundation
import Logging
import Migrations
import PostgresKit
import PrivatePostgres
import RoadsteadPublish

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Serves with a private PostgreSQL of its own, on this machine only.",
        discussion: "Everything is kept in the state directory and found again the next time.")

    static let database = "roadstead"

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await reportingProblems {
            var configuration = try ServerConfiguration(try options.sources())
            guard configuration.isLoopback else {
                throw ServerError(
                    .exposed, "dev serves this machine only, not \(configuration.listenHost)",
                    hint: "use serve, with a certificate, for others")
            }
            configuration.useOwnPlaces(ProcessInfo.processInfo.environment)
            let logger = ServerLog.start(configuration.logLevel)
            try await serve(configuration, logger)
        }
    }

    private func serve(_ configuration: ServerConfiguration, _ logger: Logger) async throws {
        let state = configuration.stateDirectory
        try Files.createDirectory(state)
        let master = try Self.masterKey(configuration.masterKeyPath)
        let postgres = PrivatePostgres.Configuration(
            stateDirectory: "\(state)/postgres", roles: DatabaseRole.allCases.map(\.rawValue))
        try await PrivatePostgres.withServer(postgres) { server in
            try await Self.prepare(server, logger)
            let access = DatabaseAccess { role in server.settings(user: role.rawValue, database: Self.database) }
            let program = ServerProgram(
                configuration: configuration, access: access, master: master, logger: logger)
            try await program.run { address in Self.announce(address, configuration) }
        }
        try Files.remove("\(state)/address")
    }

    private static func masterKey(_ path: String) throws -> MasterKey {
        if !Files.exists(path) { try Files.create(try MasterKey.generate().fileText, at: path, mode: 0o600) }
        return try MasterKey(file: path)
    }

    /// Roles, database and schema, each made if it is missing.
    private static func prepare(_ server: PrivatePostgres, _ logger: Logger) async throws {
        let connection = try await Connection.open(
            server.settings(user: PrivatePostgres.superuser, database: "postgres"))
        do {
            try await DatabaseBootstrap.createRoles(on: connection)
            try await DatabaseBootstrap.createDatabase(database, on: connection)
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
        let owner = server.settings(user: DatabaseRole.owner.rawValue, database: database)
        for migration in try await Migrator().apply(to: owner) { logger.info("migrated \(migration.name)") }
    }

    /// The address in a file is for programs that started this one.
    private static func announce(_ address: String, _ configuration: ServerConfiguration) {
        do {
            try Files.write(Array("\(address)\n".utf8), to: "\(configuration.stateDirectory)/address")
        } catch {
            warn("the address could not be written: \(error)")
        }
        say("serving at \(address)")
        guard Files.exists(configuration.bootstrapTokenPath) else { return }
        say("the bootstrap token, good for one hour: \(configuration.bootstrapTokenPath)")
        say(
            "next: roadstead login --server \(address) --bootstrap-token-file \(configuration.bootstrapTokenPath)"
                + " --name YOU")
    }

    /// At once, also where standard output is a file.
    private static func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
}
