import ArgumentParser
import Files
import Migrations
import PostgresKit
import RoadsteadStore

struct BootstrapTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootstrap-token",
        abstract: "Issues a new bootstrap token, good for one hour, while there is no administrator.")

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await reportingProblems {
            let configuration = try ServerConfiguration(try options.sources())
            let pool = ConnectionPool(
                try DatabaseAccess(configuration.database).settings(.api), limits: try PoolLimits(connections: 1))
            try Files.createDirectory(configuration.stateDirectory)
            let path = configuration.bootstrapTokenPath
            let issued = try await BootstrapToken.issue(ApiStore(pool: pool), path: path, now: SystemClock.now())
            await pool.close()
            guard let expires = issued else {
                throw StoreError(
                    .conflict, "there is a trust administrator already, so there is no bootstrap token",
                    hint: "ask an administrator for an invitation")
            }
            print("the bootstrap token is in \(path) until \(expires)")
        }
    }
}
