import ArgumentParser
import Codecs
import Foundation
import RoadsteadWire
import TrustModel

struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Sign in at a server and remember the token.",
        discussion: """
            Secrets come from files or standard input (-), never from the command line.

              roadstead login --server URL --bootstrap-token-file FILE --name NAME   the first administrator
              roadstead login --server URL --invitation-file FILE                   somebody who was invited
              roadstead login --server URL --token-file FILE                        with an API token
            """)

    @Option(help: ArgumentHelp("Address of the server.", valueName: "url")) var server: String
    @Option(help: "Name to keep the sign-in under.")
    var profile = ProcessInfo.processInfo.environment["ROADSTEAD_PROFILE"] ?? "default"
    @Option(help: ArgumentHelp("PEM file of the CA that the server's certificate comes from.", valueName: "file"))
    var caFile: String?
    @Option(help: ArgumentHelp("File with the one-time token of the first start.", valueName: "file"))
    var bootstrapTokenFile: String?
    @Option(help: "Your login name, with --bootstrap-token-file.") var name: String?
    @Option(help: "Your name for others, with --bootstrap-token-file.") var displayName: String?
    @Option(help: ArgumentHelp("File with an invitation.", valueName: "file")) var invitationFile: String?
    @Option(help: ArgumentHelp("File with an API token.", valueName: "file")) var tokenFile: String?
    @Option(help: "What the new token is for.") var label = ProcessInfo.processInfo.hostName

    func validate() throws {
        let ways = [bootstrapTokenFile, invitationFile, tokenFile].compactMap(\.self)
        guard ways.count == 1 else {
            throw ValidationError("give one of --bootstrap-token-file, --invitation-file and --token-file")
        }
        guard (bootstrapTokenFile == nil) == (name == nil) else {
            throw ValidationError("--name belongs to --bootstrap-token-file")
        }
    }

    func run() async throws {
        let token = try await obtainToken()
        let client = try APIClient(server: server, token: token, certificateAuthority: caFile)
        let me: WhoAmI = try await closing(client) { try await client.get("/v1/whoami") }
        try ProfileStore().save(
            Profile(server: client.server, token: token, certificateAuthority: caFile), as: profile)
        Terminal.note("signed in at \(client.server) as \(me.person.name) until \(me.expires)")
    }

    private func obtainToken() async throws -> String {
        if let tokenFile { return try readSecretLine(tokenFile) }
        if let bootstrapTokenFile, let name {
            let client = try APIClient(
                server: server, token: try readSecretLine(bootstrapTokenFile), certificateAuthority: caFile)
            let body = BootstrapRequest(name: name, displayName: displayName ?? name)
            let issued: IssuedToken = try await closing(client) { try await client.send(.post, "/v1/bootstrap", body) }
            return issued.token
        }
        let client = try APIClient(server: server, token: nil, certificateAuthority: caFile)
        let body = AcceptInvitationRequest(invitation: try readSecretLine(invitationFile ?? "-"), label: label)
        let issued: IssuedToken = try await closing(client) {
            try await client.send(.post, "/v1/invitations/accept", body)
        }
        return issued.token
    }

    private func closing<Value>(_ client: APIClient, _ body: () async throws -> Value) async throws -> Value {
        do {
            let value = try await body()
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }
}

struct Logout: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Revoke this sign-in's token and forget it.")
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await connection.withClient { client in
            let me: WhoAmI = try await client.get("/v1/whoami")
            try await client.sendWithoutAnswer(.delete, "/v1/tokens/\(me.tokenID)")
        }
        try ProfileStore().remove(connection.profile)
        Terminal.note("signed out")
    }
}

struct WhoAmICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Show who is signed in, and with which roles.")
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let me: WhoAmI = try await connection.withClient { try await $0.get("/v1/whoami") }
        try connection.show(me) { me in
            Terminal.show(
                "\(me.person.name) (\(me.person.displayName)), \(me.access.rawValue) access until \(me.expires)")
            Terminal.showTable(["ROLE", "WHERE"], me.bindings.map { [$0.role.rawValue, $0.reach] })
        }
    }
}

extension RoleBindingBody {
    var reach: String { team.map { "team \($0)" } ?? fleet.map { "fleet \($0)" } ?? "everywhere" }
}

struct PersonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "person", abstract: "People and their roles.",
        subcommands: [Invite.self, List.self, Grant.self, Roles.self, Revoke.self, Disable.self])

    struct Invite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Invite a person, who makes the credential.",
            discussion: """
                The invitation is good for one use. Pass it on over a channel that you trust. Roles that are asked for
                with it wait for the approval of others (exit status 4); the invitation works meanwhile.
                """)
        @Argument(help: "Login name.") var name: String
        @Option(help: "Name for others.") var displayName: String?
        @Option(help: "Role to ask for with it; once for each.") var role: [PersonRole] = []
        @Option(help: "The team that the roles hold for.", transform: TeamName.init) var team: TeamName?
        @Option(help: "The fleet that the roles hold for.", transform: FleetName.init) var fleet: FleetName?
        @Option(help: "Hours until it ends.") var expiresInHours: Int?
        @Option(help: ArgumentHelp("Write the invitation to this file, mode 0600.", valueName: "file")) var out: String?
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let body = InvitationRequest(
                name: name, displayName: displayName ?? name,
                bindings: role.map { InvitedRole(role: $0, team: team, fleet: fleet) }, expiresInHours: expiresInHours)
            let answer: InvitationBody = try await connection.withClient {
                try await $0.send(.post, "/v1/invitations", body)
            }
            try hand(out: out, secret: answer.invitation, connection, answer)
            Terminal.note(
                "\(name) signs in with: roadstead login --server URL --invitation-file FILE (until \(answer.expires))")
            try answer.change?.requireInForce()
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List people.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let people: [PersonBody] = try await connection.withClient { try await $0.all("/v1/people") }
            try connection.show(people) { people in
                Terminal.showTable(
                    ["NAME", "DISPLAY NAME", ""],
                    people.map { [$0.name, $0.displayName, $0.disabled ? "disabled" : ""] })
            }
        }
    }

    struct Roles: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List who holds which role where.")
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let bindings: [RoleBindingBody] = try await connection.withClient { try await $0.all("/v1/role-bindings") }
            try connection.show(bindings) { bindings in
                Terminal.showTable(
                    ["ID", "PERSON", "ROLE", "WHERE"],
                    bindings.map { [$0.id.map(String.init) ?? "", $0.person, $0.role.rawValue, $0.reach] })
            }
        }
    }

    struct Grant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a person a role.")
        @Argument(help: "Login name.") var name: String
        @Option(help: "Role.") var role: PersonRole
        @Option(help: "The team that it holds for.", transform: TeamName.init) var team: TeamName?
        @Option(help: "The fleet that it holds for.", transform: FleetName.init) var fleet: FleetName?
        @Option(help: "Who vouches for the name; this server's own accounts unless said.") var issuer: String?
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard team == nil || fleet == nil else { throw ValidationError("give --team or --fleet, not both") }
        }

        func run() async throws {
            let reach: RoleReach = team.map { .team($0) } ?? fleet.map { .fleet($0) } ?? .everything
            let grant = try GrantRole(person: name, issuer: issuer, try RoleBinding(role, reach))
            let body = RoleBindingBody(person: name, role: role, team: team, fleet: fleet)
            try await administer([grant], why, connection) { _ in
                body
            } text: {
                Terminal.show("\($0.person) is \($0.role.rawValue), \($0.reach)")
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a role away, by the id that `person roles` shows.")
        @Argument var id: Int64
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await administer([RevokeRole(binding: id)], why, connection, note: "role binding \(id) is gone")
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take everything from a person, at once and for good.",
            discussion: "Approvals that the person gave no longer count.")
        @Argument(help: "Login name.") var name: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await connection.withClient { client in
                let people: [PersonBody] = try await client.all("/v1/people")
                guard let person = people.first(where: { $0.name == name }) else {
                    throw RemoteError(.refused, "there is no person \"\(name)\"", hint: "roadstead person list")
                }
                try await client.sendWithoutAnswer(.delete, "/v1/people/\(person.id)")
            }
            Terminal.note("\(name) is disabled")
        }
    }
}

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "API tokens of your own.", subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a token; it is shown once.")
        @Option(help: "What it is for.") var label: String
        @Option(help: "read or write.") var access: TokenAccess?
        @Option(help: "Limit it to one team.", transform: TeamName.init) var team: TeamName?
        @Option(help: "Days until it ends, 1 to 365.") var expiresInDays: Int?
        @Option(help: ArgumentHelp("Write the token to this file, mode 0600.", valueName: "file")) var out: String?
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let body = TokenRequest(label: label, access: access, team: team, expiresInDays: expiresInDays)
            let issued: IssuedToken = try await connection.withClient { try await $0.send(.post, "/v1/tokens", body) }
            try hand(out: out, secret: issued.token, connection, issued)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List your tokens.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let tokens: [TokenBody] = try await connection.withClient { try await $0.all("/v1/tokens") }
            try connection.show(tokens) { tokens in
                Terminal.showTable(
                    ["ID", "LABEL", "ACCESS", "EXPIRES", "LAST USED", ""],
                    tokens.map {
                        [
                            "\($0.id)", $0.label, $0.access.rawValue, "\($0.expires)",
                            $0.lastUsed.map { "\($0)" } ?? "never",
                            $0.revoked ? "revoked" : "",
                        ]
                    })
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a token by its id.")
        @Argument var id: Int64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await connection.withClient { try await $0.sendWithoutAnswer(.delete, "/v1/tokens/\(id)") }
            Terminal.note("token \(id) is revoked")
        }
    }
}
