import ArgumentParser
import Codecs
import RoadsteadWire
import TrustModel

struct CampaignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "campaign", abstract: "Recertification: owners confirm what is trusted, or propose its removal.",
        discussion: "A campaign never removes anything by itself.",
        subcommands: [Open.self, List.self, Show.self, Confirm.self, Remove.self, Close.self])

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Open a campaign.")
        @Option(help: "One team.", transform: TeamName.init) var team: TeamName?
        @Flag(help: "All teams.") var all = false
        @Option(help: "The day by which everything must be answered, as 2027-12-31.", transform: day) var due: UTCDate
        @Option(help: "Why; it is shown to everybody who is asked.") var reason: String
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (team != nil) != all else { throw ValidationError("say --team TEAM or --all") }
        }

        func run() async throws {
            let body = CampaignRequest(team: team, due: due, reason: reason)
            let campaign: CampaignBody = try await connection.withClient {
                try await $0.send(.post, "/v1/campaigns", body)
            }
            try connection.show(campaign) { Terminal.show($0.line) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List campaigns.", aliases: ["ls"])
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let campaigns: [CampaignBody] = try await connection.withClient { try await $0.all("/v1/campaigns") }
            try connection.show(campaigns) { campaigns in for campaign in campaigns { Terminal.show(campaign.line) } }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a campaign with every item and answer: of a closed one, its report.", aliases: ["view"])
        @Argument var number: Int64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let (campaign, items): (CampaignBody, [CampaignItemBody]) = try await connection.withClient { client in
                (try await client.get("/v1/campaigns/\(number)"), try await client.all("/v1/campaigns/\(number)/items"))
            }
            try connection.show(items) { items in
                Terminal.show(campaign.line)
                Terminal.showTable(
                    ["ITEM", "TEAM", "WHAT", "STORE", "OWNER", "ANSWER", "BY"],
                    items.map {
                        [
                            "\($0.id)", $0.team.rawValue, $0.subject, $0.store, $0.owner,
                            $0.state.rawValue + ($0.change.map { " C-\($0)" } ?? ""), $0.answeredBy ?? "-",
                        ]
                    })
            }
        }
    }

    struct Confirm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Confirm that items are still needed.")
        @Argument(help: "Items, as `campaign show` lists them.") var items: [Int64]
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            for id in items {
                let item: CampaignItemBody = try await connection.withClient {
                    try await $0.send(.post, "/v1/campaign-items/\(id)/answer", CampaignAnswer())
                }
                try connection.show(item) { Terminal.show("item \($0.id) is \($0.state.rawValue): \($0.subject)") }
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose the removal of what an item is about, and answer with that.")
        @Argument(help: "The campaign.") var number: Int64
        @Argument(help: "The item, as `campaign show` lists it.") var item: Int64
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let items: [CampaignItemBody] = try await connection.withClient {
                try await $0.all("/v1/campaigns/\(number)/items")
            }
            guard let found = items.first(where: { $0.id == item }) else {
                throw RemoteError(.usage, "campaign \(number) has no item \(item)")
            }
            let request = ChangeRequest(
                team: found.team, operations: [try found.removal], justification: why.reason, ticket: why.ticket)
            let change: ChangeBody = try await connection.withClient { client in
                let change: ChangeBody = try await client.send(.post, "/v1/changes", request)
                let _: CampaignItemBody = try await client.send(
                    .post, "/v1/campaign-items/\(item)/answer", CampaignAnswer(removal: change.number))
                return change
            }
            try connection.show(change) { change in for line in change.effect { Terminal.show(line) } }
            try change.requireInForce()
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a campaign; what nobody answered stays trusted, and stands so in the report.")
        @Argument var number: Int64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let campaign: CampaignBody = try await connection.withClient {
                try await $0.send(.post, "/v1/campaigns/\(number)/close")
            }
            try connection.show(campaign) { Terminal.show($0.line) }
        }
    }
}

extension CampaignBody {
    fileprivate var line: String {
        let reach = team.map { "team \($0)" } ?? "all teams"
        let end = closed.map { "closed \($0)" } ?? "due \(due)"
        return
            "campaign \(number) for \(reach), \(end): \(open) open, \(confirmed) confirmed, \(removals) to be removed"
    }
}

extension CampaignItemBody {
    fileprivate var removal: OperationBody {
        get throws {
            if let anchor { return .other(.removeAnchor(id: anchor)) }
            guard let vendor, let path = StorePath(argument: store) else {
                throw RemoteError(.answer, "item \(id) names neither an anchor nor a vendor")
            }
            return .governed(StopVendor(vendor: vendor, store: path.reference))
        }
    }
}

/// What a review says.
struct ReviewOptions: ParsableArguments {
    @Flag(help: "Confirms that it was looked at and is what it should be.") var confirm = false
    @Option(help: "What was looked at.") var note: String
    @Option(help: "When somebody must look again, as 2027-12-31; within 400 days.", transform: day) var nextBy: UTCDate

    func validate() throws {
        guard confirm else { throw ValidationError("say --confirm; to remove it instead, use remove") }
    }

    var body: ReviewRequest { ReviewRequest(note: note, nextBy: nextBy) }
}

extension AnchorCommand {
    struct Review: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Confirm an anchor that was looked at again.")
        @Argument(help: "Id, as `anchor list` shows it.") var id: Int64
        @OptionGroup var review: ReviewOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let anchor: AnchorBody = try await connection.withClient {
                try await $0.send(.post, "/v1/anchors/\(id)/review", review.body)
            }
            try connection.show(anchor) {
                Terminal.show("anchor \($0.id): review by \($0.reviewBy?.description ?? "-")")
            }
        }
    }
}

extension VendorCommand {
    struct Review: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Confirm a vendor that was looked at again, by somebody else than who registered it.")
        @Argument(transform: VendorName.init) var name: VendorName
        @OptionGroup var review: ReviewOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let vendor: VendorBody = try await connection.withClient {
                try await $0.send(.post, "/v1/vendors/\(name)/review", review.body)
            }
            try connection.show(vendor) { Terminal.show("vendor \($0.name): review by \($0.reviewBy)") }
        }
    }
}
