import ArgumentParser
import Migrations
import PostgresKit

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Brings the database's schema to what this version needs.")

    @Flag(help: "Only say what would be done.") var plan = false

    @Option(help: "A role that may make roles and databases: first make those that are missing.")
    var adminUser: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await reportingProblems {
            let configuration = try ServerConfiguration(try options.sources())
            if let adminUser, !plan { try await bootstrap(configuration.database, adminUser) }
            let owner = try DatabaseAccess(configuration.database).settings(.owner)
            let migrator = try Migrator()
            guard !plan else { return try await show(migrator, owner) }
            let done = try await migrator.apply(to: owner)
            for migration in done { print("applied \(migration.name)") }
            if done.isEmpty { print("up to date") }
        }
    }

    private func bootstrap(_ configuration: DatabaseConfiguration, _ user: String) async throws {
        let connection = try await Connection.open(try DatabaseAccess.administrator(configuration, user: user))
        do {
            try await DatabaseBootstrap.createRoles(on: connection)
            try await DatabaseBootstrap.createDatabase(configuration.name, on: connection)
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }

    private func show(_ migrator: Migrator, _ owner: ConnectionSettings) async throws {
        let connection = try await Connection.open(owner)
        let plan = try await migrator.plan(on: connection)
        await connection.close()
        switch plan.state {
        case .upToDate: print("up to date")
        case .pending(let migrations): for migration in migrations { print("would apply \(migration.name)") }
        default: try plan.requireUpToDate()
        }
    }
}
