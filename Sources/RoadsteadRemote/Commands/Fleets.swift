import ArgumentParser
import Codecs
import RoadsteadWire
import TrustModel

struct FleetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet", abstract: "Fleets: hosts with the same trust.",
        subcommands: [
            Add.self, List.self, Show.self, SetFleet.self, Mode.self, FleetPolicyCommand.self, Promote.self,
            HotFix.self,
        ])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a fleet.",
            discussion: "It publishes nothing until a ceremony has made its fleet keys: roadstead ceremony open.")
        @Argument(transform: FleetName.init) var name: FleetName
        @Option(help: "Name for people.") var displayName: String?
        @Option(help: "standard, high or airgap.") var lifetimes: FleetProfile?
        @Option(help: "A team of the fleet; once for each.", transform: TeamName.init) var team: [TeamName] = []
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard !why.dryRun else {
                throw ValidationError("a fleet is made at once, so --dry-run has nothing to show")
            }
        }

        func run() async throws {
            let made = try await connection.withClient { client -> FleetBody in
                let body = FleetRequest(name: name, displayName: displayName, profile: lifetimes)
                return try await client.send(.post, "/v1/fleets", body)
            }
            guard !team.isEmpty else { return try connection.show(made, text: describe) }
            let members = team.map { AddFleetTeam(fleet: name, team: $0) }
            try await administer(members, why, connection) { client -> FleetBody in
                try await client.get("/v1/fleets/\(name)")
            } text: {
                describe($0)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List fleets.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let fleets: [FleetBody] = try await connection.withClient { try await $0.all("/v1/fleets") }
            try connection.show(fleets, text: showFleets)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a fleet.", aliases: ["view"])
        @Argument(transform: FleetName.init) var name: FleetName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let shown = try await connection.withClient { client in
                ShownFleet(
                    fleet: try await client.get("/v1/fleets/\(name)"),
                    exceptions: try await client.list("/v1/exceptions", [("fleet", name.rawValue)]))
            }
            try connection.show(shown) { shown in
                FleetCommand.describe(shown.fleet)
                for exception in shown.exceptions { Terminal.show("  exception \(exception.line)") }
            }
        }
    }

    struct SetFleet: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Put teams into a fleet or take them out, and say where their contents come from.")
        @Argument(transform: FleetName.init) var name: FleetName
        @Option(help: "A team to put in; once for each.", transform: TeamName.init) var addTeam: [TeamName] = []
        @Option(help: "A team to take out; once for each.", transform: TeamName.init) var removeTeam: [TeamName] = []
        @Flag(help: "Images of a team that is taken out may fall to the owner of a shorter scope.")
        var acceptHandover = false
        @Option(
            help: "Take only what is promoted from this fleet; what the fleet has now stays until then.",
            transform: FleetName.init)
        var promotesFrom: FleetName?
        @Flag(help: "Take the newest of each team at once again, whatever was promoted.") var takesNewest = false
        @Option(help: "Seconds without a refresh after which scopes reject, or `profile` for what the profile says.")
        var rejectAfter: RejectAfter?
        @Option(help: "What hosts do about what an enforcer cannot express: reject-scope or report-unenforced.")
        var inexpressible: FleetSettings.Inexpressible?
        @Option(
            help: "A scope for which hosts may add stores of their own; once for each, in place of those before.",
            transform: RegistryScope.init)
        var localScope: [RegistryScope] = []
        @Flag(help: "Hosts add no stores of their own any more.") var noLocalScopes = false
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        private var setsOptions: Bool {
            rejectAfter != nil || inexpressible != nil || !localScope.isEmpty || noLocalScopes
        }

        func validate() throws {
            guard !addTeam.isEmpty || !removeTeam.isEmpty || promotesFrom != nil || takesNewest || setsOptions else {
                throw ValidationError(
                    "give --add-team, --remove-team, --promotes-from, --takes-newest, --reject-after, --inexpressible, "
                        + "--local-scope or --no-local-scopes")
            }
            guard localScope.isEmpty || !noLocalScopes else {
                throw ValidationError("give --local-scope or --no-local-scopes, not both")
            }
            guard promotesFrom == nil || !takesNewest else {
                throw ValidationError("give --promotes-from or --takes-newest, not both")
            }
            guard !why.dryRun || (promotesFrom == nil && !takesNewest) else {
                throw ValidationError(
                    "--promotes-from and --takes-newest hold at once, so --dry-run has nothing to show")
            }
        }

        func run() async throws {
            let fleet = try await connection.withClient { client -> FleetBody in
                if promotesFrom != nil || takesNewest {
                    let _: FleetBody = try await client.send(
                        .put, "/v1/fleets/\(name)/source", FleetSourceRequest(promotesFrom: promotesFrom))
                }
                return try await client.get("/v1/fleets/\(name)")
            }
            var operations: [any GovernedOperation] = addTeam.map { AddFleetTeam(fleet: name, team: $0) }
            operations += removeTeam.map {
                RemoveFleetTeam(fleet: name, team: $0, acceptHandover: acceptHandover ? true : nil)
            }
            if setsOptions { operations.append(try settings(after: fleet.settings)) }
            guard !operations.isEmpty else { return try connection.show(fleet, text: describe) }
            try await administer(operations, why, connection) { client -> FleetBody in
                try await client.get("/v1/fleets/\(name)")
            } text: {
                describe($0)
            }
        }

        /// All settings, with those that were given in place of those before.
        private func settings(after before: FleetOptions) throws -> SetFleetSettings {
            let scopes = noLocalScopes ? [] : localScope.isEmpty ? before.localScopes : localScope
            let options = try FleetOptions(
                rejectAfterSeconds: rejectAfter.map(\.seconds) ?? before.rejectAfterSeconds,
                inexpressible: inexpressible ?? before.inexpressible, localScopes: scopes)
            return SetFleetSettings(fleet: name, options: options)
        }
    }

    struct Mode: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a fleet to observe (evaluate and report) or enforce.")
        @Argument(transform: FleetName.init) var name: FleetName
        @Argument(help: "observe or enforce.") var mode: EnforcementMode
        @Option(help: "One enforcer only.") var enforcer: EnforcerKind?
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let operation = SetMode(fleet: name, mode: mode, enforcer: enforcer)
            try await administer([operation], why, connection) { client -> FleetBody in
                try await client.get("/v1/fleets/\(name)")
            } text: {
                describe($0)
            }
        }
    }

    private static func describe(_ fleet: FleetBody) {
        Terminal.show("fleet \(fleet.name) (\(fleet.displayName)), id \(fleet.id), mode \(fleet.mode.rawValue)")
        Terminal.show("  teams \(fleet.teams.map(\.rawValue).joined(separator: ", "))")
        if let source = fleet.promotesFrom {
            Terminal.show(
                "  takes what is promoted from fleet \(source): roadstead fleet promote \(source) \(fleet.name)")
        }
        if let digest = fleet.rootSHA256 {
            Terminal.show("  fleet keys version \(fleet.rootVersion), sha256 \(digest)")
        } else {
            Terminal.show("  no fleet keys yet: roadstead ceremony open --fleet \(fleet.name) …")
        }
        Terminal.show("  release \(fleet.release), \(fleet.hosts) host(s), \(fleet.hostsBehind) behind")
        if fleet.settings != .standard { Terminal.show("  \(fleet.settings)") }
        if let note = fleet.custodyNote { Terminal.show("  custody: \(note)") }
        for warning in fleet.warnings { Terminal.show("  warning: \(warning)") }
    }
}

/// A time in seconds, or `profile`.
struct RejectAfter: ExpressibleByArgument, Sendable {
    let seconds: Int64?

    init?(argument: String) {
        guard argument != "profile" else {
            seconds = nil
            return
        }
        guard let seconds = Int64(argument) else { return nil }
        self.seconds = seconds
    }
}

/// A fleet with what it lets pass: its members, and one more.
struct ShownFleet: Encodable, Sendable {
    let fleet: FleetBody
    let exceptions: [ExceptionBody]

    private enum CodingKeys: String, CodingKey { case exceptions }

    func encode(to encoder: any Encoder) throws {
        try fleet.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(exceptions, forKey: .exceptions)
    }
}

extension ExceptionBody {
    /// What is let pass, until when, and who answers for it.
    var line: String {
        "\(exception): \(digest ?? scope.map { "\($0) held to audit" } ?? "") until \(until), \(owner): \(reason)"
    }
}

private func showFleets(_ fleets: [FleetBody]) {
    Terminal.showTable(
        ["FLEET", "MODE", "RELEASE", "HOSTS", "BEHIND", "TEAMS"],
        fleets.map {
            [
                $0.name.rawValue, $0.mode.rawValue, "\($0.release)", "\($0.hosts)", "\($0.hostsBehind)",
                $0.teams.map(\.rawValue).joined(separator: ","),
            ]
        })
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "One screen: fleets, hosts behind, what waits, what is wrong.")
    @Option(help: "One fleet only.", transform: FleetName.init) var fleet: FleetName?
    @OptionGroup var connection: ConnectionOptions

    private struct Overview: Codable, Sendable {
        let fleets: [FleetBody]
        let waiting: [ChangeBody]
        let reviewsDue: [String]
        /// What is overdue for whoever asks.
        let overdue: [InboxItem]
        /// What fleets let pass at the moment although their policy would not.
        let exceptions: [ExceptionBody]
    }

    func run() async throws {
        let overview = try await connection.withClient { client -> Overview in
            let fleets: [FleetBody] = try await client.all("/v1/fleets")
            let waiting: [ChangeBody] = try await client.all("/v1/changes", [("state", ChangeState.submitted.rawValue)])
            let anchors: [AnchorBody] = try await client.all("/v1/anchors", [("review-due", "true")])
            let vendors: [VendorBody] = try await client.all("/v1/vendors", [("review-due", "true")])
            let due =
                vendors.map { "vendor \($0.name)" }
                + anchors.filter { $0.vendor == nil }.map { "anchor \($0.id) of team \($0.team): \($0.subject)" }
            let inbox: [InboxItem] = try await client.list("/v1/inbox")
            let exceptions: [ExceptionBody] = try await client.list("/v1/exceptions", [("fleet", fleet?.rawValue)])
            return Overview(
                fleets: fleets.filter { fleet == nil || $0.name == fleet }, waiting: waiting, reviewsDue: due,
                overdue: inbox.filter(\.overdue), exceptions: exceptions)
        }
        try connection.show(overview) { overview in
            showFleets(overview.fleets)
            for fleet in overview.fleets {
                for warning in fleet.warnings { Terminal.show("warning: fleet \(fleet.name): \(warning)") }
            }
            for exception in overview.exceptions {
                Terminal.show("exception: fleet \(exception.fleet): \(exception.line)")
            }
            for due in overview.reviewsDue { Terminal.show("review overdue: \(due)") }
            for item in overview.overdue { Terminal.show("overdue: \(item.text): \(item.command)") }
            for change in overview.waiting {
                Terminal.show(
                    "waiting: C-\(change.number) of \(change.author) in \(change.reach): \(change.effect.first ?? "")"
                )
            }
        }
    }
}

struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Releases: what a fleet has published.",
        subcommands: [List.self, Publish.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a fleet's releases.", aliases: ["ls"])
        @Option(help: "The fleet.", transform: FleetName.init) var fleet: FleetName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let releases: [ReleaseBody] = try await connection.withClient {
                try await $0.all("/v1/fleets/\(fleet)/releases")
            }
            try connection.show(releases) { releases in
                Terminal.showTable(
                    ["RELEASE", "STATE", "PUBLISHED", "WHAT"],
                    releases.map {
                        ["\($0.number)", $0.state, $0.published.map { "\($0)" } ?? "", $0.difference.first ?? ""]
                    })
            }
        }
    }

    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Publish what is approved now, and wait until it is out.",
            discussion: "The server does so by itself within a second; this waits for it.")
        @Option(help: "The fleet.", transform: FleetName.init) var fleet: FleetName
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let release: ReleaseBody = try await connection.withClient {
                try await $0.send(.post, "/v1/fleets/\(fleet)/releases")
            }
            try connection.show(release) { release in
                Terminal.show("release \(release.number) of fleet \(release.fleet) is \(release.state)")
                for line in release.difference { Terminal.show("  \(line)") }
            }
        }
    }
}
