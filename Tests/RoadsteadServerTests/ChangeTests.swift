import Codecs
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PKI
import PostgresTesting
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite(.postgres) struct ChangeTests {
    /// A team with a member, two administrators and a security officer on everything; each has a token.
    private struct People {
        let alice: String
        let bob: String
        let dave: String
        let olga: String

        init(_ api: TestAPI) async throws {
            let acme = try TeamName("acme")
            alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            bob = try await api.invite("bob", [InvitedRole(role: .teamAdmin, team: acme)], by: alice)
            dave = try await api.invite("dave", [InvitedRole(role: .teamMember, team: acme)], by: alice)
            olga = try await api.invite("olga", [InvitedRole(role: .securityOfficer)], by: alice)
        }
    }

    @Test func `a change is talked about, edited, compared and approved anew`() async throws {
        try await TestAPI.withServer { api in
            let people = try await People(api)
            let first = try TestAPI.addition(try await TestAPI.root("first").pem)
            let change: ChangeBody = try await api.ask(.post, "/v1/changes", first, as: people.dave)
            let path = "/v1/changes/\(change.number)"
            #expect(
                change.waiting?.hasPrefix(
                    "accepted as change C-\(change.number); needs 1 approval. Can approve: alice, bob") == true)
            let waiting: Page<ChangeBody> = try await api.ask(.get, "/v1/changes?waiting-for-me=true", as: people.bob)
            #expect(waiting.items.map(\.number) == [change.number])

            let _: CommentBody = try await api.ask(
                .post, "\(path)/comments", CommentRequest(comment: "which one is it?"), as: people.bob)
            let _: CommentBody = try await api.ask(
                .post, "\(path)/comments", CommentRequest(comment: "oh, the second"), as: people.dave)
            let comments: Page<CommentBody> = try await api.ask(.get, "\(path)/comments", as: people.olga)
            #expect(comments.items.map(\.person) == ["bob", "dave"])

            let second = try TestAPI.addition(try await TestAPI.root("second").pem)
            let edit = ChangeEdit(operations: second.operations, justification: "the second", ticket: "T-1")
            let edited: ChangeBody = try await api.ask(
                .put, path, edit, as: people.dave, headers: [.ifMatch: "\"1\""])
            #expect(edited.version == 2 && edited.digest != change.digest)
            let stale = try await api.send(
                .post, "\(path)/approve", json: try JSON(encoding: DecisionRequest(digest: change.digest)),
                as: people.bob)
            #expect(stale.problem == "store.stale-approval")

            let edits: Page<ChangeEditBody> = try await api.ask(.get, "\(path)/edits", as: people.bob)
            #expect(edits.items.map(\.digest) == [change.digest, edited.digest])
            let lines = try #require(edits.items.last).difference(from: edits.items[0])
            #expect(lines.count == 5)
            #expect(lines[0].hasPrefix("- adds the own anchor") && lines[0].contains("CN=first"))
            #expect(lines[1].hasPrefix("+ adds the own anchor") && lines[1].contains("CN=second"))
            #expect(
                Array(lines[2...]) == [
                    "- justification: our build root", "+ justification: the second", "+ ticket: T-1",
                ])

            let approved: ChangeBody = try await api.ask(
                .post, "\(path)/approve", DecisionRequest(digest: edited.digest), as: people.bob)
            #expect(approved.state == .approved && approved.missing == nil)
        }
    }

    @Test func `whoever approved a change that was edited since finds it in the inbox`() async throws {
        try await TestAPI.withServer { api in
            let people = try await People(api)
            try await api.govern(
                .post, "/v1/root-rules",
                RootRuleBody(
                    name: "acme-two", team: try TeamName("acme"), origin: .own, effect: .allow, approvals: 2,
                    conditions: RuleConditions()), as: people.alice)
            let addition = try TestAPI.addition(try await TestAPI.root().pem)
            let change: ChangeBody = try await api.ask(.post, "/v1/changes", addition, as: people.dave)
            let _: ChangeBody = try await api.ask(
                .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: people.bob)
            let edit = ChangeEdit(operations: addition.operations, justification: "other words")
            let edited: ChangeBody = try await api.ask(
                .put, "/v1/changes/\(change.number)", edit, as: people.dave, headers: [.ifMatch: "\"1\""])
            #expect(edited.approvals.map(\.void) == [true])
            let inbox: Page<InboxItem> = try await api.ask(.get, "/v1/inbox", as: people.bob)
            #expect(inbox.items.map(\.kind) == [.voidApproval])
            #expect(
                inbox.items.first?.text
                    == "C-\(change.number) was edited after your approval (justification changed)")
        }
    }

    @Test func `break-glass reaches hosts with its end, is reviewed by a third person, and ends`() async throws {
        let clock = TestClock()
        try await TestAPI.withServer(clock: clock.now) { api in
            let people = try await People(api)
            try await api.govern(
                .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: people.alice)
            try await api.govern(
                .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: try TeamName("acme")), as: people.alice)
            _ = try await api.makeRoot(of: "demo", as: people.alice)
            let until = clock.now().adding(days: 2)
            let root = try await TestAPI.root()
            let plain = try TestAPI.addition(root.pem)
            let change: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: plain.team, operations: plain.operations, justification: plain.justification,
                    breakGlass: BreakGlass(until: until, reason: "the old root is gone")), as: people.dave)
            #expect(change.canApprove == ["alice", "olga"] && change.expires == until)
            let refused = try await api.send(
                .post, "/v1/changes/\(change.number)/approve",
                json: try JSON(encoding: DecisionRequest(digest: change.digest)), as: people.bob)
            #expect(refused.problem == "store.forbidden")
            let _: ChangeBody = try await api.ask(
                .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: people.olga)
            let policy = try await api.eventually {
                try await Self.policy(api)
            } until: {
                !$0.constraints.isEmpty
            }
            #expect(policy.constraints == [.init(anchor: root.sha256, until: until)])

            let own = try await api.send(
                .post, "/v1/changes/\(change.number)/review",
                json: try JSON(encoding: BreakGlassReviewRequest(note: "fine")),
                as: people.olga)
            #expect(own.problem == "store.own-proposal")
            let inbox: Page<InboxItem> = try await api.ask(.get, "/v1/inbox", as: people.alice)
            #expect(inbox.items.contains { $0.kind == .breakGlassReview && !$0.overdue })
            let reviewed: ChangeBody = try await api.ask(
                .post, "/v1/changes/\(change.number)/review", BreakGlassReviewRequest(note: "it was needed"),
                as: people.alice)
            #expect(reviewed.review?.person == "alice" && reviewed.review?.note == "it was needed")

            clock.advance(seconds: 2 * 86_400)
            let left = try await api.eventually {
                try await api.ask(
                    .get, "/v1/anchors?team=acme&state=active", as: people.alice, answer: Page<AnchorBody>.self
                ).items
            } until: {
                $0.isEmpty
            }
            #expect(left.isEmpty)
        }
    }

    /// The policy of team acme in the newest release that is served.
    private static func policy(_ api: TestAPI) async throws -> TeamPolicy {
        let path = "/fleets/demo"
        let snapshot = try await Governance.snapshot(api)
        guard let role = try? snapshot.object("acme.json", in: "meta").integer("version", in: "acme") else {
            return TeamPolicy(team: try TeamName("acme"), statements: [])
        }
        let targets = try JSON(parsing: try await api.send(.get, "\(path)/metadata/\(role).acme.json").body)
            .object("acme").object("signed", in: "acme").object("targets", in: "signed")
        let digest = try targets.object("acme/policy.json", in: "targets").object("hashes", in: "target")
            .string("sha256", in: "hashes")
        let file = try await api.send(.get, "\(path)/targets/acme/\(digest).policy.json")
        return try TeamPolicy(verifiedBytes: file.body)
    }
}
