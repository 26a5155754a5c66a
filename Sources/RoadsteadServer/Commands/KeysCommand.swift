import ArgumentParser
import Codecs
import Migrations
import PostgresKit
import RoadsteadPublish
import RoadsteadStore
import SigningKeys

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "The server's own keys outside of its database.", subcommands: [Test.self])

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Signs nothing with each of them and says which can be used; status 3 when one cannot.")

        enum Output: String, ExpressibleByArgument { case text, json }

        @Option(help: "text or json.") var output: Output = .text
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            try await reportingProblems {
                let configuration = try ServerConfiguration(try options.sources())
                let keys = try ServerKeys(configuration, MasterKey(configured: configuration))
                let held = try await Self.held(configuration)
                var trials: [Trial] = []
                for record in held { trials.append(try await Trial(try ServerKey(record), keys)) }
                print(try output == .json ? Self.json(trials) : Self.text(trials))
                if trials.contains(where: { $0.reason != nil }) { throw ExitCode(3) }
            }
        }

        private static func held(_ configuration: ServerConfiguration) async throws -> [ServerKeyRecord] {
            let pool = ConnectionPool(
                try DatabaseAccess(configuration.database).settings(.publisher), limits: try PoolLimits(connections: 1))
            do {
                let held = try await PublisherStore(pool: pool).namedKeys()
                await pool.close()
                return held
            } catch {
                await pool.close()
                throw error
            }
        }

        private static func text(_ trials: [Trial]) -> String {
            guard !trials.isEmpty else { return "every key of the server is sealed in the database" }
            return trials.map { "\($0.purpose): \($0.name): \($0.reason ?? "can be used")" }.joined(separator: "\n")
        }

        private static func json(_ trials: [Trial]) throws -> String {
            String(decoding: try JSON(encoding: ["keys": trials]).bytes, as: UTF8.self)
        }
    }

    /// What came of trying one key.
    struct Trial: Encodable {
        let purpose: String
        let name: String
        let usable: Bool
        /// Why it cannot be used.
        let reason: String?

        init(_ key: ServerKey, _ keys: ServerKeys) async throws {
            purpose = "\(key.purpose)"
            name = key.name?.description ?? ""
            reason = await keys.test(key)
            usable = reason == nil
        }
    }
}
