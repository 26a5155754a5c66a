import ArgumentParser
import Codecs
import RoadsteadWire
import TrustModel

struct ChangeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change", abstract: "Changes: proposed, approved, published.",
        subcommands: [
            List.self, Show.self, Diff.self, PreviewCommand.self, Comment.self, Edit.self, Submit.self, Approve.self,
            Reject.self, Sign.self, Withdraw.self, Review.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List changes.", aliases: ["ls"])
        @Option(help: "Of one team.", transform: TeamName.init) var team: TeamName?
        @Option(help: "In one state, such as submitted.") var state: ChangeState?
        @Flag(help: "Your own.") var mine = false
        @Flag(help: "Those that you may decide on and have not.") var waitingForMe = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let changes: [ChangeBody] = try await connection.withClient {
                try await $0.all(
                    "/v1/changes",
                    [
                        ("team", team?.rawValue), ("state", state?.rawValue), ("mine", mine ? "true" : nil),
                        ("waiting-for-me", waitingForMe ? "true" : nil),
                    ])
            }
            try connection.show(changes) { changes in
                Terminal.showTable(
                    ["CHANGE", "TEAM", "STATE", "AUTHOR", "APPROVALS", "WHAT"],
                    changes.map {
                        [
                            "C-\($0.number)", $0.team?.rawValue ?? "everything", $0.state.rawValue, $0.author,
                            "\($0.standingApprovals)/\($0.approvalsNeeded)", $0.effect.first ?? "",
                        ]
                    })
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a change.", aliases: ["view"])
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let (change, comments, draft) = try await connection.withClient {
                client -> (ChangeBody, [CommentBody], RoleDraftBody?) in
                let change: ChangeBody = try await client.get("/v1/changes/\(number.value)")
                let comments: [CommentBody] = try await client.all("/v1/changes/\(number.value)/comments")
                guard change.state == .published, change.team != nil else { return (change, comments, nil) }
                return (change, comments, try? await client.get("/v1/changes/\(number.value)/role-draft"))
            }
            try connection.show(change) { change in
                describe(change)
                for comment in comments {
                    Terminal.show("  \(comment.person) at \(comment.at): \(comment.comment)")
                }
                if let draft { ChangeCommand.describe(draft) }
            }
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Submit a draft for approval.")
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let change: ChangeBody = try await connection.withClient {
                try await $0.send(.post, "/v1/changes/\(number.value)/submit")
            }
            try connection.show(change) { change in
                for line in change.effect { Terminal.show(line) }
            }
            try change.requireInForce()
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Approve somebody else's change, after it has been shown.",
            discussion: "The approval holds for exactly what is shown; an edit makes it void.")
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber
        @Option(help: "A remark.") var comment: String?
        @Flag(help: "Do not ask.") var yes = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { try await decide("approve", number, comment, yes, connection) }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Reject a change; one rejection stops it.")
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber
        @Option(help: "Why.") var comment: String
        @Flag(help: "Do not ask.") var yes = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws { try await decide("reject", number, comment, yes, connection) }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Withdraw a change of your own.")
        @Argument(help: "Number, such as C-12.") var number: ChangeNumber
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let change: ChangeBody = try await connection.withClient {
                try await $0.send(.post, "/v1/changes/\(number.value)/withdraw")
            }
            try connection.show(change) { Terminal.show("C-\($0.number) is \($0.state.rawValue)") }
        }
    }

    private static func decide(
        _ verb: String, _ number: ChangeNumber, _ comment: String?, _ yes: Bool, _ connection: ConnectionOptions
    ) async throws {
        let decided = try await connection.withClient { client -> ChangeBody in
            let seen: ChangeBody = try await client.get("/v1/changes/\(number.value)")
            if connection.output == .text { describe(seen) }
            guard yes || Terminal.confirms("\(verb) C-\(number.value)?") else {
                throw RemoteError(
                    .usage, "nothing was done: \(verb) was not confirmed", hint: "answer y, or give --yes")
            }
            return try await client.send(
                .post, "/v1/changes/\(number.value)/\(verb)", DecisionRequest(digest: seen.digest, comment: comment))
        }
        try connection.show(decided) {
            Terminal.show(
                "C-\($0.number) is \($0.state.rawValue) (\($0.standingApprovals) of \($0.approvalsNeeded) approvals)")
        }
    }

    private static func describe(_ change: ChangeBody) {
        Terminal.show(
            "C-\(change.number) of \(change.author) in \(change.reach), \(change.state.rawValue): \(change.justification)"
        )
        for line in change.effect { Terminal.show("  \(line)") }
        if let breakGlass = change.breakGlass {
            Terminal.show("  by break-glass, until \(breakGlass.until): \(breakGlass.reason)")
        }
        Terminal.show("  digest \(change.digest)")
        for approval in change.approvals {
            let verdict = approval.approves ? "approved" : "rejected"
            Terminal.show(
                "  \(verdict) by \(approval.person) at \(approval.at)\(approval.void ? ", void after an edit" : "")"
                    + (approval.comment.map { ": \($0)" } ?? ""))
        }
        if change.approvals.contains(where: \.void) {
            Terminal.show(
                "  it was edited after an approval; see what changed: roadstead change diff C-\(change.number)")
        }
        if let missing = change.missing {
            let able = change.canApprove.isEmpty ? "nobody yet" : change.canApprove.joined(separator: ", ")
            Terminal.show("  needs \(missing.text); can approve: \(able)")
        }
        if !change.release.isEmpty { Terminal.show("  published in \(change.release.joined(separator: ", "))") }
        if let review = change.review {
            Terminal.show(
                review.person.map { "  reviewed by \($0): \(review.note ?? "")" }
                    ?? "  to be reviewed until \(review.due): roadstead change review C-\(change.number) --note …")
        }
        if let note = change.note { Terminal.show("  \(note)") }
    }
}

extension ChangeBody {
    /// What it is about, in words.
    var reach: String { team.map { "team \($0)" } ?? "everything" }

    fileprivate var standingApprovals: Int { approvals.filter { $0.approves && !$0.void }.count }
}
