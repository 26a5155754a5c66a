import ArgumentParser
import RoadsteadWire
import TrustModel

struct TeamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "team", abstract: "Teams, which own trust stores and registry scopes.",
        subcommands: [
            Add.self, List.self, Show.self, Remove.self, TeamKeysCommand.self, TeamCustodyCommand.self,
            TeamRenewCommand.self,
        ])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a team. Its name is never given to another.")
        @Argument(transform: TeamName.init) var name: TeamName
        @Option(help: "Name for people.") var displayName: String?
        @Option(help: "A registry scope it owns; once for each.", transform: RegistryScope.init) var scope:
            [RegistryScope] = []
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let team = AddTeam(team: name, displayName: displayName ?? name.rawValue)
            let scopes = scope.map { AddScope(team: name, scope: $0) }
            try await administer([team] + scopes, why, connection) { client -> TeamBody in
                try await client.get("/v1/teams/\(name)")
            } text: {
                describe($0)
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a team that is in no fleet any more.",
            discussion: "Its scopes become free; its name is never given to another.", aliases: ["rm"])
        @Argument(transform: TeamName.init) var name: TeamName
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await administer([RemoveTeam(team: name)], why, connection, note: "team \(name) is gone")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List teams.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let teams: [TeamBody] = try await connection.withClient { try await $0.all("/v1/teams") }
            try connection.show(teams) { teams in
                Terminal.showTable(
                    ["TEAM", "SCOPES", "STORES", "CUSTODY"],
                    teams.map { team in
                        [
                            team.name.rawValue, team.scopes.map(\.rawValue).joined(separator: ","),
                            team.stores.map { "\($0.kind.rawValue)/\($0.name)" }.joined(separator: ","),
                            team.custody.rawValue,
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a team.", aliases: ["view"])
        @Argument(transform: TeamName.init) var name: TeamName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let team: TeamBody = try await connection.withClient { try await $0.get("/v1/teams/\(name)") }
            try connection.show(team, text: describe)
        }
    }

    private static func describe(_ team: TeamBody) {
        Terminal.show("team \(team.name) (\(team.displayName)), custody \(team.custody.rawValue)")
        if let note = team.custodyNote { Terminal.show("  \(note)") }
        for scope in team.scopes { Terminal.show("  scope \(scope)") }
        for store in team.stores {
            Terminal.show("  store \(store.kind.rawValue)/\(store.name), \(store.anchors) anchor(s)")
        }
    }
}

struct ScopeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scope", abstract: "Which team speaks for which part of which registry.",
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a team a registry scope, such as registry.example.com/acme.",
            discussion: "A scope covers whole path segments; the longest scope that covers a repository decides.")
        @Argument(transform: RegistryScope.init) var scope: RegistryScope
        @Option(help: "The team that owns it.", transform: TeamName.init) var team: TeamName
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await administer([AddScope(team: team, scope: scope)], why, connection) { client -> TeamBody in
                try await client.get("/v1/teams/\(team)")
            } text: { _ in
                Terminal.show("\(scope) belongs to team \(team)")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List scopes and their owners.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let teams: [TeamBody] = try await connection.withClient { try await $0.all("/v1/teams") }
            try connection.show(teams) { teams in
                Terminal.showTable(
                    ["SCOPE", "TEAM"], teams.flatMap { team in team.scopes.map { [$0.rawValue, team.name.rawValue] } })
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a scope from its team.", aliases: ["rm"])
        @Argument(transform: RegistryScope.init) var scope: RegistryScope
        @Option(help: "The team that owns it.", transform: TeamName.init) var team: TeamName
        @Flag(help: "Its images may fall to the owner of a shorter scope.") var acceptHandover = false
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await administer(
                [RemoveScope(team: team, scope: scope, acceptHandover: acceptHandover ? true : nil)], why, connection,
                note: "\(scope) no longer belongs to team \(team)")
        }
    }
}

struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Trust stores: named sets of anchors.", subcommands: [Add.self, List.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a trust store of a team.")
        @Argument(transform: TrustStoreName.init) var name: TrustStoreName
        @Option(help: "The team that owns it.", transform: TeamName.init) var team: TeamName
        @Option(help: "ca, signingAuthority or tsa.") var kind = TrustStoreKind.ca
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let body: StoreBody = try await connection.withClient {
                try await $0.send(.post, "/v1/teams/\(team)/stores", StoreRequest(kind: kind, name: name))
            }
            try connection.show(body) { Terminal.show("store \($0.kind.rawValue)/\($0.name) of team \($0.team)") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a team's stores.", aliases: ["ls"])
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let stores: [StoreBody] = try await connection.withClient { try await $0.list("/v1/teams/\(team)/stores") }
            try connection.show(stores) { stores in
                Terminal.showTable(
                    ["STORE", "ANCHORS"], stores.map { ["\($0.kind.rawValue)/\($0.name)", "\($0.anchors)"] })
            }
        }
    }
}

struct RepositoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repository", abstract: "Known repositories, for enforcers that know only exact names.",
        subcommands: [Add.self, List.self, Remove.self])

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Forget a repository.", aliases: ["rm"])
        @Argument(transform: RegistryScope.init) var repository: RegistryScope
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let name = APIClient.percentEncoded(repository.rawValue)
            try await connection.withClient {
                try await $0.sendWithoutAnswer(.delete, "/v1/repositories?repository=\(name)")
            }
            Terminal.note("\(repository) is forgotten")
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Record a repository within a team's scope.")
        @Argument(transform: RegistryScope.init) var repository: RegistryScope
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let body: RepositoryBody = try await connection.withClient {
                try await $0.send(.post, "/v1/repositories", RepositoryBody(repository: repository))
            }
            try connection.show(body) { Terminal.show("\($0.repository) is known") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List known repositories.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let found: [RepositoryBody] = try await connection.withClient { try await $0.all("/v1/repositories") }
            try connection.show(found) { found in
                Terminal.showTable(["REPOSITORY"], found.map { [$0.repository.rawValue] })
            }
        }
    }
}
