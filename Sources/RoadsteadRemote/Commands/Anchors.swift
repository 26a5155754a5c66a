import ArgumentParser
import Codecs
import RoadsteadWire
import TrustModel

struct AnchorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchor", abstract: "Trust anchors: the roots in a team's stores.",
        subcommands: [Add.self, List.self, Show.self, Remove.self, Review.self, Request.self, Limit.self],
        aliases: ["root"])

    struct Limit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether hosts take only those anchors of a team that the fleet's settings list.",
            discussion: """
                The list is part of the fleet's signed settings, so that whoever holds the team's key cannot add an anchor. \
                automatic: while the team has third-party anchors; always; never. Others agree to it.
                """)
        @Argument(help: "automatic, always or never.") var limit: AnchorLimit
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @OptionGroup var why: AdministrationReason
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let operation = SetAnchorLimit(team: team, limit: limit)
            try await administer([operation], why, connection, note: "team \(team): \(limit.rawValue)")
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose a root for a store.",
            discussion: "Somebody else must approve it: roadstead change approve C-N. Exit status 4 says that it waits."
        )
        @Argument(help: "PEM file with the certificate, or - for standard input.") var certificate: String
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @Option(help: "The store, as KIND/NAME or NAME for a ca store.") var store: StorePath
        @Option(help: "own or third-party.") var origin = AnchorOrigin.own
        @Option(help: "Why it cannot wait for the approvals that the rules ask for; with --until.")
        var breakGlass: String?
        @Option(help: "When it ends by itself, within 7 days, such as 2026-12-06T08:00:00Z.", transform: UTCDate.init)
        var until: UTCDate?
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (breakGlass == nil) == (until == nil) else {
                throw ValidationError("--break-glass and --until go together")
            }
        }

        func run() async throws {
            let operation = OperationBody.addAnchor(
                AddAnchorBody(
                    kind: store.kind, store: store.name, certificate: try readText(certificate), origin: origin))
            let glass = until.flatMap { until in breakGlass.map { BreakGlass(until: until, reason: $0) } }
            try await propose([operation], team: team, why, connection, breakGlass: glass)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a root from its store.",
            discussion: "Takes effect at once for those who may remove alone; an emptied store rejects its images.",
            aliases: ["rm"])
        @Argument(help: "Id, as `anchor list` shows it.") var id: Int64
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let anchor: AnchorBody = try await connection.withClient { try await $0.get("/v1/anchors/\(id)") }
            let operation = OperationBody.other(.removeAnchor(id: id))
            try await propose([operation], team: anchor.team, why, connection)
            if why.dryRun { return }
            let custody: CustodyBody = try await connection.withClient {
                try await $0.get("/v1/teams/\(anchor.team)/custody")
            }
            guard custody.custody == .team else { return }
            Terminal.note("denied at once in the scopes of team \(anchor.team); its members sign the rest")
            Terminal.note("next: roadstead team custody show \(anchor.team)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List anchors in force.", aliases: ["ls"])
        @Option(help: "Of one team.", transform: TeamName.init) var team: TeamName?
        @Option(help: "Through one vendor.", transform: VendorName.init) var vendor: VendorName?
        @Flag(help: "Only those whose review is overdue.") var reviewDue = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let anchors: [AnchorBody] = try await connection.withClient {
                try await $0.all(
                    "/v1/anchors",
                    [
                        ("team", team?.rawValue), ("vendor", vendor?.rawValue),
                        ("review-due", reviewDue ? "true" : nil),
                    ])
            }
            try connection.show(anchors) { anchors in
                Terminal.showTable(
                    ["ID", "TEAM", "STORE", "ORIGIN", "SUBJECT", "EXPIRES", "SHA-256"],
                    anchors.map {
                        [
                            "\($0.id)", $0.team.rawValue, "\($0.kind.rawValue)/\($0.store)", $0.origin.rawValue,
                            $0.subject,
                            String($0.notAfter.description.prefix(10)), String($0.sha256.prefix(16)),
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one anchor.", aliases: ["view"])
        @Argument(help: "Id, as `anchor list` shows it.") var id: Int64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let anchor: AnchorBody = try await connection.withClient { try await $0.get("/v1/anchors/\(id)") }
            try connection.show(anchor) { anchor in
                Terminal.show("anchor \(anchor.id): \(anchor.subject)")
                Terminal.show(
                    "  store \(anchor.kind.rawValue)/\(anchor.store) of team \(anchor.team), \(anchor.origin.rawValue)")
                Terminal.show("  valid \(anchor.notBefore) to \(anchor.notAfter)")
                Terminal.show("  sha256 \(anchor.sha256)")
                Terminal.show(
                    "  added \(anchor.added) by change C-\(anchor.change) of \(anchor.owner): \(anchor.justification)")
                if let vendor = anchor.vendor { Terminal.show("  follows the vendor \(vendor)") }
                if let review = anchor.reviewBy { Terminal.show("  review by \(review)") }
                if let until = anchor.until { Terminal.show("  by break-glass: ends by itself at \(until)") }
                if let removed = anchor.removed { Terminal.show("  removed \(removed)") }
            }
        }
    }
}

/// A store within a team, written `ca/prod`, or `prod` for a store of kind ca.
struct StorePath: ExpressibleByArgument, Sendable {
    let kind: TrustStoreKind
    let name: TrustStoreName

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let kind = parts.count == 2 ? TrustStoreKind(rawValue: parts[0]) : .ca, parts.count <= 2,
            let name = parts.last.flatMap(TrustStoreName.init(rawValue:))
        else { return nil }
        self.kind = kind
        self.name = name
    }
}

/// Submits a change and says what it waits for, if it does.
func propose(
    _ operations: [OperationBody], team: TeamName?, _ why: ReasonOptions, _ connection: ConnectionOptions,
    breakGlass: BreakGlass? = nil
) async throws {
    let body = ChangeRequest(
        team: team, operations: operations, justification: why.reason, ticket: why.ticket,
        breakGlass: breakGlass)
    if why.dryRun { return try await rehearse(body, connection) }
    let change: ChangeBody = try await connection.withClient { try await $0.send(.post, "/v1/changes", body) }
    try connection.show(change) { change in
        for line in change.effect { Terminal.show(line) }
    }
    try change.requireInForce()
}
