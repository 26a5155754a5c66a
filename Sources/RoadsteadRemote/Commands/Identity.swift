import ArgumentParser
import Codecs
import Foundation
import RoadsteadWire
import TrustModel

struct Logout: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Revoke this sign-in's token and forget it.")
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try await connection.withClient { client in
            let me: WhoAmI = try await client.get("/v1/whoami")
            // A certificate stays registered: it would take another sign-in to register it again.
            guard me.credential != .certificate else {
                return Terminal.note(
                    "the certificate stays registered; end that with: roadstead token revoke \(me.tokenID)")
            }
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
            let issuer = me.person.issuer.map { " at \($0)" } ?? ""
            let machine = me.holder == .machine ? ", as a machine that acts for this person" : ""
            Terminal.show("\(me.person.name)\(issuer) (\(me.person.displayName))\(machine)")
            Terminal.show("\(me.credential.title), \(me.access.rawValue) access until \(me.expires)")
            Terminal.showTable(["ROLE", "WHERE", "FROM"], me.bindings.map { [$0.role.rawValue, $0.reach, $0.source] })
        }
    }
}

extension RoleBindingBody {
    var reach: String { team.map { "team \($0)" } ?? fleet.map { "fleet \($0)" } ?? "everywhere" }

    /// Where the role comes from.
    var source: String { group.map { "group \($0.name) at \($0.issuer), until \($0.until)" } ?? "granted to you" }
}

extension InvitedRole {
    /// The role and where it will hold, in words.
    fileprivate var text: String {
        role.rawValue + (team.map { " of team \($0)" } ?? fleet.map { " of fleet \($0)" } ?? "")
    }
}

extension CredentialKind {
    fileprivate var title: String {
        switch self {
        case .token: "token"
        case .provider: "the provider's own tokens"
        case .certificate: "client certificate"
        }
    }
}

struct PersonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "person", abstract: "People and their roles.",
        subcommands: [
            Invite.self, Invitations.self, Uninvite.self, List.self, Grant.self, Roles.self, Revoke.self, Disable.self,
        ])

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

    struct Invitations: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List invitations that nobody has taken up yet.")
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let open: [OpenInvitationBody] = try await connection.withClient { try await $0.all("/v1/invitations") }
            try connection.show(open) { open in
                Terminal.showTable(
                    ["ID", "NAME", "ROLES", "INVITED BY", "UNTIL"],
                    open.map {
                        [
                            "\($0.id)", $0.name, $0.roles.map(\.text).joined(separator: ", "), $0.invitedBy,
                            "\($0.expires)",
                        ]
                    })
            }
        }
    }

    struct Uninvite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take back what invites a person, with the roles that wait in it, at once.",
            discussion: "Whoever has taken the invitation up already is a person: roadstead person disable NAME.")
        @Argument(help: "Login name.") var name: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await connection.withClient { client in
                let open: [OpenInvitationBody] = try await client.all("/v1/invitations")
                let theirs = open.filter { $0.name == name }
                guard !theirs.isEmpty else {
                    throw RemoteError(
                        .refused, "nobody is invited as \"\(name)\"", hint: "roadstead person invitations")
                }
                for invitation in theirs {
                    try await client.sendWithoutAnswer(.delete, "/v1/invitations/\(invitation.id)")
                }
            }
            Terminal.note("\(name) is not invited any more")
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
