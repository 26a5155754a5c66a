import ArgumentParser
import Codecs
import Foundation
import RoadsteadWire
import TrustModel

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The hash-chained log of everything that was done, and of what was refused.",
        subcommands: [Search.self, Export.self, AuditVerify.self])

    struct Search: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List audit events, oldest first.", aliases: ["ls"])
        @OptionGroup var filter: AuditFilterOptions
        @Option(help: "Only events after this sequence number.") var after: Int64?
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let query = try filter.query
            let events: [AuditEventBody] = try await connection.withClient {
                try await $0.all("/v1/audit", query + [("after", after.map(String.init))])
            }
            try connection.show(events) { events in
                Terminal.showTable(
                    ["SEQUENCE", "AT", "WHO", "WHAT", "OBJECT", "REASON"],
                    events.map {
                        let reason = $0.detail.objectOrNil?["reason"]?.stringOrNil ?? ""
                        return ["\($0.sequence)", "\($0.at)", $0.actor, $0.action, $0.object, reason]
                    })
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write audit events as JSON lines to standard output.",
            discussion:
                "With no filter but --from and --to the file can be verified: roadstead audit verify --file FILE")
        @OptionGroup var filter: AuditFilterOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let query = try filter.query
            try await connection.withClient { client in
                try await client.stream("/v1/audit/export", query) {
                    try FileHandle.standardOutput.write(contentsOf: Data($0))
                }
            }
        }
    }
}

/// Which entries are meant.
struct AuditFilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("From this day or moment on (UTC).", valueName: "date")) var from: String?
    @Option(help: ArgumentHelp("Before this day or moment (UTC).", valueName: "date")) var to: String?
    @Option(help: ArgumentHelp("What this person did.", valueName: "number")) var person: Int64?
    @Option(help: "What was done to this object, such as C-12.") var object: String?
    @Option(help: "What was done, such as attempt.refused.") var action: String?
    @Option(help: "About this team.", transform: TeamName.init) var team: TeamName?
    @Option(help: "About this fleet.", transform: FleetName.init) var fleet: FleetName?

    var query: [(String, String?)] {
        get throws {
            [
                ("from", try from.map { "\(try moment($0))" }), ("to", try to.map { "\(try moment($0))" }),
                ("person", person.map(String.init)), ("object", object), ("action", action),
                ("team", team?.rawValue), ("fleet", fleet?.rawValue),
            ]
        }
    }
}

/// A moment as people write it: a day stands for its beginning, in UTC.
func moment(_ text: String) throws -> UTCDate {
    if let date = try? UTCDate(text) { return date }
    guard let date = try? UTCDate("\(text)T00:00:00Z") else {
        throw RemoteError(
            .usage, "\"\(text.prefix(40))\" is no date", hint: "such as 2026-11-20 or 2026-11-20T08:30:00Z, in UTC")
    }
    return date
}
