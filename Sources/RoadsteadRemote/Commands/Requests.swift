import ArgumentParser
import Codecs
import RoadsteadWire
import TrustModel

struct RequestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request", abstract: "What teams were refused and ask for.",
        discussion: "Made by: roadstead anchor request, roadstead vendor request. Answering grants nothing by itself.",
        subcommands: [List.self, Show.self, Accept.self, Decline.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List requests.", aliases: ["ls"])
        @Option(help: "Of one team.", transform: TeamName.init) var team: TeamName?
        @Flag(help: "Answered ones too.") var all = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let requests: [RequestBody] = try await connection.withClient {
                try await $0.all("/v1/requests", [("team", team?.rawValue), ("state", all ? nil : "open")])
            }
            try connection.show(requests) { requests in
                Terminal.showTable(
                    ["REQUEST", "TEAM", "WHAT", "BY", "STATE", "REASON"],
                    requests.map {
                        [
                            "R-\($0.number)", $0.team.rawValue, $0.what, $0.author, $0.state.rawValue, $0.reason,
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one request.", aliases: ["view"])
        @Argument var number: RequestNumber
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let request: RequestBody = try await connection.withClient {
                try await $0.get("/v1/requests/\(number.value)")
            }
            try connection.show(request) { request in for line in request.lines { Terminal.show(line) } }
        }
    }

    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close a request that a change grants.",
            discussion: "First make the rule, or register the vendor, by a change with its own approvals.")
        @Argument var number: RequestNumber
        @Option(help: "The change that grants it, as C-12.") var change: ChangeNumber?
        @Option(help: "What to tell the team.") var answer: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await close(number, "accept", RequestAnswer(answer: answer, change: change?.value), connection)
        }
    }

    struct Decline: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Close a request with a no.")
        @Argument var number: RequestNumber
        @Option(help: "What to tell the team.") var answer: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { try await close(number, "decline", RequestAnswer(answer: answer), connection) }
    }

    private static func close(
        _ number: RequestNumber, _ verb: String, _ body: RequestAnswer, _ connection: ConnectionOptions
    ) async throws {
        let request: RequestBody = try await connection.withClient {
            try await $0.send(.post, "/v1/requests/\(number.value)/\(verb)", body)
        }
        try connection.show(request) { Terminal.show("R-\($0.number) is \($0.state.rawValue)") }
    }
}

/// The number of a request, written `R-12` or `12`.
struct RequestNumber: ExpressibleByArgument, Sendable {
    let value: Int64

    init?(argument: String) {
        let digits = argument.uppercased().hasPrefix("R-") ? String(argument.dropFirst(2)) : argument
        guard let value = Int64(digits), value > 0 else { return nil }
        self.value = value
    }
}

extension RequestBody {
    fileprivate var what: String {
        switch kind {
        case .anchor: "\(origin?.title ?? "") anchor in a \(storeKind?.rawValue ?? "") store"
        case .vendor: "vendor \(vendor?.rawValue ?? "")"
        }
    }

    fileprivate var lines: [String] {
        ["R-\(number): team \(team) asks for \(what), \(state.rawValue)", "  \(reason)"]
            + (ticket.map { ["  ticket \($0)"] } ?? []) + (source.map { ["  source \($0)"] } ?? [])
            + ["  asked \(created) by \(author)"]
            + (answer.map { ["  answered by \(answeredBy ?? "?"): \($0)"] } ?? [])
            + (change.map { ["  granted by C-\($0)"] } ?? []) + (certificate.map { [$0] } ?? [])
    }
}

/// Sends a request and says who decides.
private func ask(_ body: RequestAsk, _ connection: ConnectionOptions) async throws {
    let request: RequestBody = try await connection.withClient { try await $0.send(.post, "/v1/requests", body) }
    try connection.show(request) { request in
        Terminal.show("R-\(request.number): asked for \(request.what)")
        Terminal.note(
            "decided by: trust administrators and security officers; see roadstead request show R-\(request.number)")
    }
}

extension AnchorCommand {
    struct Request: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask for a rule that lets a team register a root.")
        @Argument(help: "PEM file with the certificate, or - for standard input.") var certificate: String
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @Option(name: [.customLong("type")], help: "ca, signingAuthority or tsa.") var kind = TrustStoreKind.ca
        @Option(help: "own or third-party.") var origin = AnchorOrigin.thirdParty
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await ask(
                RequestAsk(
                    team: team, kind: .anchor, storeKind: kind, origin: origin, certificate: try readText(certificate),
                    reason: why.reason, ticket: why.ticket), connection)
        }
    }
}

extension VendorCommand {
    struct Request: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask that a third party be registered, or allowed for a team.")
        @Argument(transform: VendorName.init) var name: VendorName
        @Option(help: "The team.", transform: TeamName.init) var team: TeamName
        @Option(help: "Where its anchors can be had.") var source: String?
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await ask(
                RequestAsk(
                    team: team, kind: .vendor, vendor: name, source: source, reason: why.reason, ticket: why.ticket),
                connection)
        }
    }
}
