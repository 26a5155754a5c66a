import ArgumentParser
import Codecs
import Foundation
import RoadsteadWire
import TrustModel

struct ExceptionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exception", abstract: "What a fleet lets pass until a moment, although its policy would not.",
        subcommands: [Add.self, List.self, End.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Propose to accept one digest, or to hold one scope to audit, until a moment.",
            discussion: """
                A trust administrator or a security officer agrees to it. It ends by itself, 72 hours after it came into \
                force unless --until says otherwise, 30 days at most, wherever the agent runs, also without a network.
                A scope's lowers what the scope's owner says, and the fleet's own statements, and no other team's. It never beats \
                a denial: what Notation could not refuse at audit makes the scope reject.
                Notation knows no exception for one digest: there the image stays refused, and that is reported.
                """)
        @Argument(help: "The image, by digest: registry/repository@sha256:… or sha256:… alone.") var image: String?
        @Option(help: "A registry scope, instead of an image.", transform: RegistryScope.init) var scope: RegistryScope?
        @Option(help: "The fleet.", transform: FleetName.init) var fleet: FleetName
        @Option(help: "Until when, such as 2026-12-06T00:00:00Z.") var until: String?
        @Option(help: "The team that asks; whoever may propose for it may ask.", transform: TeamName.init) var team:
            TeamName?
        @Option(help: "Who answers for it: a person or a group.") var owner: String
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (image == nil) != (scope == nil) else {
                throw ValidationError("give an image by digest, or --scope")
            }
        }

        func run() async throws {
            let digest = try image.map { image in
                let text = image.split(separator: "@").last.map(String.init) ?? image
                guard text.hasPrefix("sha256:") else {
                    throw RemoteError(
                        .usage, "\"\(image.prefix(120))\" names no digest, and a tag can be moved",
                        hint: "registry/repository@sha256:…")
                }
                return text
            }
            let end = try until.map { text in
                guard let date = try? UTCDate(text) else {
                    throw RemoteError(.usage, "\"\(text.prefix(40))\" is no moment", hint: "2026-12-06T00:00:00Z")
                }
                return date
            }
            let operation = try AddException(
                fleet: fleet, subject: PolicyException.Subject(digest: digest, scope: scope), until: end, owner: owner,
                team: team)
            try await propose([.governed(operation)], team: nil, why, connection)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List exceptions in force.", aliases: ["ls"])
        @Option(help: "Of one fleet.", transform: FleetName.init) var fleet: FleetName?
        @Flag(help: "Those that have ended too.") var all = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let found: [ExceptionBody] = try await connection.withClient {
                try await $0.list("/v1/exceptions", [("fleet", fleet?.rawValue), ("all", all ? "true" : nil)])
            }
            try connection.show(found) { found in
                Terminal.showTable(
                    ["EXCEPTION", "FLEET", "WHAT", "UNTIL", "OWNER", "CHANGE", "WHY"],
                    found.map {
                        [
                            $0.exception, $0.fleet.rawValue, $0.digest ?? $0.scope?.rawValue ?? "",
                            $0.ended.map { "ended \($0)" } ?? "\($0.until)", $0.owner, "C-\($0.change)", $0.reason,
                        ]
                    })
            }
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End an exception before its time, alone.",
            discussion: """
                Hosts follow with the next release. Where the fleet's targets are signed offline that is the next ceremony, \
                or the exception's own end.
                """, aliases: ["rm", "remove"])
        @Argument(help: "Number, such as E-3.") var exception: ExceptionNumber
        @Option(help: "The fleet.", transform: FleetName.init) var fleet: FleetName
        @OptionGroup var why: ReasonOptions
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let operation = EndException(fleet: fleet, exception: exception.value)
            try await propose([.governed(operation)], team: nil, why, connection)
        }
    }
}

/// The number of an exception, written `E-3` or `3`.
struct ExceptionNumber: ExpressibleByArgument, Sendable {
    let value: Int64

    init?(argument: String) {
        let digits = argument.uppercased().hasPrefix("E-") ? String(argument.dropFirst(2)) : argument
        guard let value = Int64(digits), value > 0 else { return nil }
        self.value = value
    }
}
