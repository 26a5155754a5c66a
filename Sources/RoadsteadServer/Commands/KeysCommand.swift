import ArgumentParser
import Migrations
import PostgresKit
import RoadsteadPublish
import RoadsteadStore
import SigningKeys

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "The server's own keys in tokens and services.", subcommands: [Test.self])

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Signs nothing with each of them and says which can be used; status 3 when one cannot.")

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            try await reportingProblems {
                let configuration = try ServerConfiguration(try options.sources())
                let keys = try ServerKeys(configuration, MasterKey(configured: configuration))
                let pool = ConnectionPool(
                    try DatabaseAccess(configuration.database).settings(.publisher),
                    limits: try PoolLimits(connections: 1))
                let held = try await PublisherStore(pool: pool).namedKeys()
                await pool.close()
                if !(try await Self.test(held, keys)) { throw ExitCode(3) }
            }
        }

        /// - Returns: whether every key can be used.
        static func test(_ held: [ServerKeyRecord], _ keys: ServerKeys, show: (String) -> Void = { print($0) })
            async throws
            -> Bool
        {
            if held.isEmpty { show("every key of the server is sealed in the database") }
            var isWhole = true
            for record in held {
                let key = try ServerKey(record)
                let reason = await keys.test(key)
                show("\(key.purpose): \(key.name?.description ?? ""): \(reason ?? "can be used")")
                if reason != nil { isWhole = false }
            }
            return isWhole
        }
    }
}
