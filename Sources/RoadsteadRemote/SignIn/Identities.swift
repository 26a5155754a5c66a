import ArgumentParser
import Codecs
import Foundation
import RoadsteadWire
import TrustModel

struct IdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Other accounts of yours, and machines that act for you.",
        subcommands: [List.self, Link.self, Unlink.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List your linked identities.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let links: [IdentityLinkBody] = try await connection.withClient { try await $0.all("/v1/identities") }
            try connection.show(links) { links in
                Terminal.showTable(
                    ["ID", "ISSUER", "SUBJECT", "HOLDER", "TEAM", "BY"],
                    links.map {
                        [
                            "\($0.id)", $0.issuer, $0.subject, $0.holder.rawValue, $0.team?.rawValue ?? "",
                            "C-\($0.change)",
                        ]
                    })
            }
        }
    }

    struct Link: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose that another identity is yours.",
            discussion: """
                You show that it is by a fresh token of it: by signing in there now, or from a file, which is how a
                machine's token comes. Somebody else must agree. It stays one person to every rule.
                """)
        @Option(help: ArgumentHelp("File with a token of the identity.", valueName: "file")) var tokenFile: String?
        @Flag(help: "Sign in with a browser on this machine.") var web = false
        @Flag(help: "It is a machine that acts for you.") var machine = false
        @Option(help: "The one team in which a machine acts.", transform: TeamName.init) var team: TeamName?
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard team == nil || machine else { throw ValidationError("--team belongs to --machine") }
        }

        func run() async throws {
            let request: IdentityProofRequest
            if let tokenFile {
                request = IdentityProofRequest(token: try readSecretLine(tokenFile))
            } else {
                let (token, nonce) = try await ProviderSignIn(web: web).run(try connection.savedProfile())
                request = IdentityProofRequest(token: token, nonce: nonce)
            }
            let shown: IdentityBody = try await connection.withClient {
                try await $0.send(.post, "/v1/identities/proofs", request)
            }
            let holder: TokenLimits.Holder = machine || shown.isForMachines ? .machine : .person
            let link = LinkIdentity(issuer: shown.issuer, subject: shown.subject, holder: holder, team: team)
            try await propose([.governed(link)], team: nil, why, connection)
        }
    }

    struct Unlink: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Unlink an identity by its id; whatever is signed in by it ends at once.")
        @Argument var id: Int64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await connection.withClient { try await $0.sendWithoutAnswer(.delete, "/v1/identities/\(id)") }
            Terminal.note("identity \(id) is unlinked")
        }
    }
}

struct GroupRoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group-role", abstract: "Roles that the groups of a provider bring.",
        subcommands: [Add.self, List.self, Remove.self])

    /// A group and the role that it brings.
    struct Role: ParsableArguments {
        @Argument(help: "The group, as the provider's tokens name it.", transform: GroupName.init) var group: GroupName
        @Option(help: "The provider, as its tokens name it.", transform: IssuerURL.init) var issuer: IssuerURL
        @Option(help: "Role.") var role: PersonRole
        @Option(help: "The team that it holds for.", transform: TeamName.init) var team: TeamName?
        @Option(help: "The fleet that it holds for.", transform: FleetName.init) var fleet: FleetName?

        func validate() throws {
            guard team == nil || fleet == nil else { throw ValidationError("give --team or --fleet, not both") }
        }

        var binding: RoleBinding {
            get throws { try RoleBinding(role, team.map { .team($0) } ?? fleet.map { .fleet($0) } ?? .everything) }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Propose that a group brings a role.")
        @OptionGroup var role: Role
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let step = SetGroupRole(issuer: role.issuer, group: role.group, binding: try role.binding)
            try await propose([.governed(step)], team: nil, why, connection)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what groups bring.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let roles: [GroupRoleBody] = try await connection.withClient { try await $0.all("/v1/group-roles") }
            try connection.show(roles) { roles in
                Terminal.showTable(
                    ["ISSUER", "GROUP", "ROLE", "WHERE", "BY"],
                    roles.map { [$0.issuer, $0.group, $0.role.rawValue, "\($0.reach)", "C-\($0.change)"] })
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a role from a group, at once.", aliases: ["rm"])
        @OptionGroup var role: Role
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let step = RemoveGroupRole(issuer: role.issuer, group: role.group, binding: try role.binding)
            try await propose([.governed(step)], team: nil, why, connection)
        }
    }
}
