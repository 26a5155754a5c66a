import ArgumentParser
import RoadsteadWire
import TrustModel

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Trust policies: what a signature on a team's images must satisfy.",
        subcommands: [Set.self, Show.self, Import.self])

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose a team's statements, from a file.",
            discussion: """
                The file holds a Notation trust policy, or `statements` as `policy show --output json` prints them, as \
                JSON or YAML. A statement names scopes of the team, a level, stores of the team and identities.
                Somebody else must approve it. Exit status 4 says that it waits.
                """)
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @Option(
            name: [.customShort("f"), .customLong("file")],
            help: "The file, or - for standard input.") var file: String?
        @Flag(help: "The standard policy: every scope, strictly, under the team's own stores.") var standard = false
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (file == nil) == standard else { throw ValidationError("give one of --file and --standard") }
        }

        func run() async throws {
            let statements = try file.map { try PolicyFile(parsing: try readText($0), team: team).statements }
            try await propose([.governed(SetPolicy(statements: statements))], team: team, why, connection)
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose a team's statements from Notation's trustpolicy.json.",
            discussion: "The stores that it names must be there: ca:prod is the team's store ca/prod.")
        @Argument(help: "The file, or - for standard input.") var file: String
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let statements = try PolicyFile(parsing: try readText(file), team: team).statements
            try await propose([.governed(SetPolicy(statements: statements))], team: team, why, connection)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a team's statements in force.", aliases: ["view"])
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let policy: PolicyBody = try await connection.withClient { try await $0.get("/v1/teams/\(team)/policy") }
            try connection.show(policy) { policy in
                let origin = policy.change.map { "set by C-\($0)" } ?? "never set"
                Terminal.show("team \(team): \(policy.standard ? "the standard policy" : "its own policy"), \(origin)")
                for statement in policy.statements { Terminal.show("  \(statement.summary)") }
                if policy.statements.isEmpty { Terminal.show("  it has no scope or no store, so nothing is trusted") }
            }
        }
    }
}
