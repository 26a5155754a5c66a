import ArgumentParser
import Codecs
import RoadsteadWire
import TrustModel

extension ChangeCommand {
    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what an edit changed.",
            discussion: """
                From the edit that you approved, if it was edited since, else from the one before the last.
                """)
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber
        @Option(name: .customLong("from"), help: "The version to compare with.") var from: Int64?
        @OptionGroup var connection: ConnectionOptions

        private struct Difference: Codable, Sendable {
            let from: Int64
            let to: Int64
            let lines: [String]
        }

        func run() async throws {
            let difference = try await connection.withClient { client -> Difference in
                let change: ChangeBody = try await client.get("/v1/changes/\(number.value)")
                let edits: [ChangeEditBody] = try await client.all("/v1/changes/\(number.value)/edits")
                let me: WhoAmI = try await client.get("/v1/whoami")
                let wanted = from ?? change.approvedVersion(by: me.person.name, edits) ?? max(1, change.version - 1)
                guard let old = edits.first(where: { $0.version == wanted }), let new = edits.last else {
                    throw RemoteError(
                        .usage, "C-\(number.value) has no version \(wanted)", hint: "1 to \(change.version)")
                }
                return Difference(from: old.version, to: new.version, lines: new.difference(from: old))
            }
            try connection.show(difference) { difference in
                Terminal.note("C-\(number.value) from version \(difference.from) to \(difference.to)")
                for line in difference.lines { Terminal.show(line) }
                if difference.lines.isEmpty { Terminal.note("no difference") }
            }
        }
    }

    struct Comment: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say something about a change.", discussion: "Whoever may see the change may, and sees it.")
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber
        @Argument(help: "What to say, or - for standard input.") var text: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let said = text == "-" ? try readText("-") : text
            let comment: CommentBody = try await connection.withClient {
                try await $0.send(.post, "/v1/changes/\(number.value)/comments", CommentRequest(comment: said))
            }
            try connection.show(comment) { _ in Terminal.note("said so on C-\(number.value)") }
        }
    }

    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Edit a draft or submitted change of your own, which voids its approvals.",
            discussion: """
                FILE holds what `roadstead change show C-12 --output json` or `--output yaml` shows: operations,
                justification and ticket count. Without a file the operations stay.
                """)
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber
        @Option(name: [.customShort("f"), .long], help: "JSON or YAML file with the new content, or -.") var file:
            String?
        @Option(help: "Another justification.") var reason: String?
        @Option(help: "Another ticket.") var ticket: String?
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard file != nil || reason != nil || ticket != nil else {
                throw ValidationError("give --file, --reason or --ticket")
            }
        }

        func run() async throws {
            let edited = try await connection.withClient { client -> ChangeBody in
                let change: ChangeBody = try await client.get("/v1/changes/\(number.value)")
                let written = try file.map { file in
                    try document(try readText(file, limit: YAMLDocuments.maximumBytes), name: file).decode(
                        ChangeEdit.self, place: file)
                }
                let edit = ChangeEdit(
                    operations: written?.operations ?? change.operations,
                    justification: reason ?? written?.justification ?? change.justification,
                    ticket: ticket ?? (written == nil ? change.ticket : written?.ticket),
                    breakGlass: written == nil ? change.breakGlass : written?.breakGlass)
                return try await client.send(
                    .put, "/v1/changes/\(number.value)", edit, ifMatch: change.version)
            }
            try connection.show(edited) { change in
                for line in change.effect { Terminal.show(line) }
            }
            try edited.requireInForce()
        }
    }

    struct Review: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that you looked at what went in by break-glass.",
            discussion: "A trust administrator or security officer who had no part in it, within seven days.")
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber
        @Option(help: "What you found.") var note: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let change: ChangeBody = try await connection.withClient {
                try await $0.send(.post, "/v1/changes/\(number.value)/review", BreakGlassReviewRequest(note: note))
            }
            try connection.show(change) { Terminal.show("C-\($0.number) is reviewed") }
        }
    }
}

struct InboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inbox", abstract: "What waits for you: approvals, signatures, reviews, what ends soon.")
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let items: [InboxItem] = try await connection.withClient { try await $0.list("/v1/inbox") }
        try connection.show(items) { items in
            guard !items.isEmpty else { return Terminal.note("nothing waits for you") }
            for item in items {
                let due = item.due.map { "\(item.overdue ? "overdue since" : "until") \($0.description.prefix(10)): " }
                Terminal.show("\(due ?? "")\(item.text)")
                Terminal.show("  \(item.command)")
            }
        }
    }
}

extension ChangeBody {
    /// The version that somebody approved and that was edited since.
    func approvedVersion(by name: String, _ edits: [ChangeEditBody]) -> Int64? {
        let void = approvals.last { $0.person == name && $0.approves && $0.void }
        return void.flatMap { approval in edits.first { $0.digest == approval.digest }?.version }
    }
}
