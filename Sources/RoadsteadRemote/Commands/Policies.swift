import ArgumentParser
import Codecs
import RoadsteadWire
import TrustModel

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Trust policies: what a signature on a team's images must satisfy.",
        subcommands: [Set.self, Show.self, Explain.self, Import.self])

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

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say which statement decides about an image or scope in a fleet, and why.")
        @Argument(help: "registry/repository, with tag or digest or without, or a registry scope.") var image: String
        @Option(help: "The fleet.", transform: FleetName.init) var fleet: FleetName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let scope = try Self.scope(of: image)
            let path = "/v1/fleets/\(fleet)/policy/explain?scope=\(APIClient.percentEncoded(scope.rawValue))"
            let found: ExplanationBody = try await connection.withClient { try await $0.get(path) }
            try connection.show(found, text: Self.describe)
        }

        /// The repository of a reference: without its digest, and without its tag.
        private static func scope(of image: String) throws -> RegistryScope {
            let name = image.split(separator: "@", omittingEmptySubsequences: false).first.map(String.init) ?? image
            guard let slash = name.lastIndex(of: "/"), let colon = name[slash...].lastIndex(of: ":") else {
                return try RegistryScope(name)
            }
            return try RegistryScope(String(name[..<colon]))
        }

        private static func describe(_ found: ExplanationBody) {
            guard let statement = found.statement, let level = found.level else {
                Terminal.show("\(found.scope) in fleet \(found.fleet): nothing is accepted")
                for reason in found.reasons { Terminal.show("  \(reason)") }
                return
            }
            let overrides = (found.override ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            let whose = found.team.map { "of team \($0)" } ?? "of the fleet itself"
            Terminal.show(
                "\(found.scope) in fleet \(found.fleet): statement \(statement) \(whose), \(level)\(overrides)")
            for store in found.stores { Terminal.show("  store \(store.store), \(store.anchors) anchor(s)") }
            for identity in found.trustedIdentities { Terminal.show("  identity \(identity)") }
            for reason in found.reasons { Terminal.show("  \(reason)") }
        }
    }
}

/// `fleet policy`: what the administrators say of a fleet's images beside its teams.
struct FleetPolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "What holds for a fleet's images beside what its teams say.",
        subcommands: [Set.self, Show.self])

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose a fleet's policy: all of it; what is left out is as in a new fleet.",
            discussion: """
                Statements are for scopes that no team of the fleet owns, by stores of its teams. They come from a JSON \
                file as `fleet policy show --output json` prints it.
                """)
        @Argument(transform: FleetName.init) var name: FleetName
        @Option(
            name: [.customShort("f"), .customLong("file")], help: "JSON file with the fleet's statements, or -.")
        var file: String?
        @Option(help: "The level of the standard statement: strict, permissive or audit.") var standardLevel:
            VerificationLevel?
        @Option(help: "The least level that a team's statement may ask.") var floor: VerificationLevel?
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let statements = try file.map { try Self.statements(in: try readText($0)) }
            let policy = FleetPolicy(statements: statements ?? [], standardLevel: standardLevel, floor: floor)
            try await propose(
                [.governed(try SetFleetPolicy(fleet: name, policy: policy))], team: nil, why, connection)
        }

        private struct File: Decodable { let statements: [FleetPolicy.Statement] }

        private static func statements(in text: String) throws -> [FleetPolicy.Statement] {
            try JSON(parsing: Array(text.utf8)).decode(File.self, place: "the policy file").statements
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a fleet's policy.", aliases: ["view"])
        @Argument(transform: FleetName.init) var name: FleetName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let body: FleetPolicyBody = try await connection.withClient {
                try await $0.get("/v1/fleets/\(name)/policy")
            }
            try connection.show(body) { body in
                let policy = FleetPolicy(
                    statements: body.statements, standardLevel: body.standardLevel, floor: body.floor)
                Terminal.show("fleet \(name): \(policy == .none ? "no policy of its own" : "its own policy")")
                for line in policy.lines { Terminal.show("  \(line)") }
            }
        }
    }
}
