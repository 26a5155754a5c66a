import Codecs
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct InboxTests {
    private static func inbox(
        _ session: Session, _ scene: Scene, _ kind: InboxItem.Kind, at now: UTCDate = start
    ) async throws -> [InboxItem] {
        try await scene.world.api.inbox(of: session.actor, now: now).filter { $0.kind == kind }
    }

    @Test func `what waits for approval is in the inbox of who may approve it, until they have decided`() async throws {
        let scene = try await Scene.make(approvals: 2)
        let other = try await scene.world.team("other")
        let stranger = try await scene.world.person("frank", (.teamAdmin, .team(other)))
        let record = try await scene.propose()
        let item = try #require(try await Self.inbox(scene.bob, scene, .approval).first)
        #expect(item.object == "C-\(record.change.number)" && item.due == record.change.expires)
        #expect(item.command == "roadstead change approve C-\(record.change.number)")
        for person in [scene.dave, stranger] { #expect(try await Self.inbox(person, scene, .approval).isEmpty) }
        try await scene.world.approve(record, by: scene.bob)
        #expect(try await Self.inbox(scene.bob, scene, .approval).isEmpty)
        #expect(try await Self.inbox(scene.erin, scene, .approval).count == 1)
        let waiting = try await scene.world.api.changesWaiting(
            for: scene.erin.actor, try PageRequest(), now: start)
        #expect(waiting.items.map(\.change.number) == [record.change.number] && waiting.next == nil)
        let none = try await scene.world.api.changesWaiting(for: scene.dave.actor, try PageRequest(), now: start)
        #expect(none.items.isEmpty)
    }

    @Test func `a crowd of other people's business hides nobody's own`() async throws {
        let world = try await World.make()
        let (acme, other) = (try await world.team(), try await world.team("other"))
        try await world.rule()
        let crowd = ApiStore.inboxItemsOfSource + 1
        let approver = try await world.person("erin", (.teamAdmin, .team(other)))
        // May read what the other team has, and confirm what acme has.
        let bob = try await world.person("bob", (.teamAdmin, .team(acme)), (.auditor, .team(other)))
        let additions = try (0..<crowd).flatMap {
            try world.addition(of: [9, UInt8($0)], to: other).operations
        }
        let many = try ChangeContent(team: other, operations: additions, justification: "many")
        try await world.approve(try await world.api.propose(many, by: world.admin.actor, now: start), by: approver)
        let one = try await world.propose([1], in: acme, by: world.admin)
        try await world.approve(one, by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        _ = try await world.api.openCampaign(
            team: nil, due: start.adding(days: 1), reason: "yearly", by: world.admin.actor, now: start)
        try await world.asOwner("UPDATE anchor SET review_by = '2020-01-01'")
        // From here on additions of administration wait.
        _ = try await world.person("olga", (.securityOfficer, .everything))
        for index in 0..<crowd {
            let scope = try RegistryScope("registry.example.com/crowd-\(index)")
            let content = try ChangeContent(
                team: nil, operations: [.governed(AddScope(team: other, scope: scope))], justification: "more")
            _ = try await world.api.propose(content, by: world.admin.actor, now: start)
        }
        let waiting = try await world.propose([2], in: acme, by: world.admin)
        let inbox = try await world.api.inbox(of: bob.actor, now: start)
        #expect(inbox.filter { $0.kind == .approval }.map(\.object) == ["C-\(waiting.change.number)"])
        #expect(inbox.filter { $0.kind == .review }.map(\.object) == ["anchor \(crowd + 1)"])
        #expect(inbox.filter { $0.kind == .recertification }.count == 1)
    }

    @Test func `whoever approved what was edited since is told what became of it`() async throws {
        let scene = try await Scene.make(approvals: 2)
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        let more = try [[1, 2, 3], [4]].flatMap { try scene.world.addition(of: $0, to: scene.team).operations }
        let edit = try ChangeContent(team: scene.team, operations: more, justification: "we need it")
        _ = try await scene.world.api.edit(
            record.change.number, to: edit, ifVersion: 1, by: scene.dave.actor, now: start)
        let subject = try World.inspector.facts([4], .ca, start).subject
        let item = try #require(try await Self.inbox(scene.bob, scene, .voidApproval).first)
        #expect(item.text == "C-\(record.change.number) was edited after your approval (anchor \(subject) added)")
        #expect(item.command == "roadstead change diff C-\(record.change.number)")
        #expect(try await Self.inbox(scene.erin, scene, .voidApproval).isEmpty)
        #expect(try await Self.inbox(scene.erin, scene, .approval).count == 1)
    }

    @Test func `the author hears of what was sent back, and three days before it ends`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        try await scene.demote(scene.bob)
        #expect(try await Self.inbox(scene.dave, scene, .sentBack).isEmpty)
        _ = try await scene.publish()
        #expect(try await Self.inbox(scene.dave, scene, .sentBack).map(\.object) == ["C-\(record.change.number)"])
        let other = try await scene.propose([9])
        let warning = start.adding(days: 11)
        let early = try await Self.inbox(scene.dave, scene, .expiring, at: warning.adding(seconds: -1))
        #expect(early.isEmpty)
        let late = try await Self.inbox(scene.dave, scene, .expiring, at: warning)
        #expect(late.map(\.object) == ["C-\(other.change.number)"] && late.map(\.due) == [other.change.expires])
        #expect(try await Self.inbox(scene.bob, scene, .expiring, at: warning).isEmpty)
    }

    @Test func `comments are for whoever may read the change, and stay in their order`() async throws {
        let scene = try await Scene.make()
        let other = try await scene.world.team("other")
        let stranger = try await scene.world.person("frank", (.teamAdmin, .team(other)))
        let reader = try await scene.world.secondToken(of: scene.bob, TokenLimits(access: .read, holder: .person))
        let record = try await scene.propose()
        let number = record.change.number
        let say = { (text: String, session: Session) in
            _ = try await scene.world.api.comment(text, on: number, by: session.actor, now: start)
        }
        try await say("is this the new one?", scene.bob)
        try await say("yes:\nsee the ticket", scene.dave)
        await expect(.notFound) { try await say("let me in", stranger) }
        await expect(.forbidden) { try await say("only reading", reader) }
        for text in ["", " \n", String(repeating: "x", count: 4_001), "a\u{1B}[31m"] {
            await expect(.invalid) { try await say(text, scene.bob) }
        }
        try await say(String(repeating: "x", count: 4_000), scene.carol)
        let first = try await scene.world.api.comments(on: number, try PageRequest(limit: 2))
        #expect(first.items.map(\.comment) == ["is this the new one?", "yes:\nsee the ticket"])
        #expect(first.items.map(\.person) == [scene.bob.person.id, scene.dave.person.id])
        let rest = try await scene.world.api.comments(on: number, try PageRequest(after: first.next, limit: 2))
        #expect(rest.items.map(\.comment.count) == [4_000] && rest.next == nil)
    }

    @Test func `every edit of a change is kept, with the digest that approvals of it bind to`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose([1])
        let edited = try await scene.world.api.edit(
            record.change.number, to: try scene.world.addition(of: [2], to: scene.team, why: "another"), ifVersion: 1,
            by: scene.dave.actor, now: start.adding(seconds: 60))
        let edits = try await scene.world.api.edits(of: record.change.number, try PageRequest()).items
        #expect(edits.map(\.version) == [1, 2] && edits.map(\.at) == [start, start.adding(seconds: 60)])
        #expect(edits.map(\.digest) == [record.change.digest, edited.change.digest])
        #expect(edits.map(\.content) == [record.change.content, edited.change.content])
        let difference = edits[1].content.difference(from: edits[0].content) { $0.title }
        #expect(
            difference == ["anchor in ca/prod added", "anchor in ca/prod taken out", "justification changed"])
    }
}
