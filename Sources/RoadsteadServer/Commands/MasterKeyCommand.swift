import ArgumentParser
import Files
import Migrations
import PostgresKit
import RoadsteadPublish
import RoadsteadStore

struct MasterKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "master-key", abstract: "The key under which the server seals its other keys.",
        subcommands: [Generate.self, Rotate.self])

    struct Generate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a master key in a new file of mode 0600.")

        @Argument(help: "Where to put it; nothing may be there yet.") var file: String

        func run() async throws {
            try await reportingProblems {
                try Files.create(try MasterKey.generate().fileText, at: file, mode: 0o600)
                try Files.syncDirectory(Files.parent(of: file))
                print("made \(file); keep a copy apart from the database's backups")
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Seals every key anew under another master key; restart the servers afterwards.",
            discussion: "Without --new a key is made beside the present one, and takes its place when all is done.")

        @Option(name: .customLong("new"), help: "File with the new key; the present file is then left alone.")
        var newKey: String?

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            try await reportingProblems {
                let configuration = try ServerConfiguration(try options.sources())
                let pool = ConnectionPool(
                    try DatabaseAccess(configuration.database).settings(.publisher),
                    limits: try PoolLimits(connections: 2))
                let rotation = MasterKeyRotation(
                    store: PublisherStore(pool: pool), path: configuration.masterKeyPath, newPath: newKey)
                let count = try await rotation.run(now: SystemClock.now())
                await pool.close()
                print("sealed \(count) keys anew; restart every server, then back up \(newKey ?? rotation.path)")
            }
        }
    }
}
