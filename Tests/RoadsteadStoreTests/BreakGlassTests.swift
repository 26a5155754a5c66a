import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct BreakGlassTests {
    private static let until = start.adding(days: 2)

    private static func content(
        _ scene: Scene, _ certificate: [UInt8] = [1, 2, 3], until: UTCDate = until
    ) throws -> ChangeContent {
        let plain = try scene.world.addition(of: certificate, to: scene.team)
        return try ChangeContent(
            team: scene.team, operations: plain.operations, justification: plain.justification,
            breakGlass: BreakGlass(until: until, reason: "the registry is down, and its new root is needed tonight"))
    }

    private static func propose(_ scene: Scene, _ certificate: [UInt8] = [1, 2, 3]) async throws -> ChangeRecord {
        try await scene.world.api.propose(try content(scene, certificate), by: scene.dave.actor, now: start)
    }

    /// Brings an addition into force by break-glass: proposed by dave, agreed to by carol.
    private static func breakGlass(_ scene: Scene) async throws -> ChangeRecord {
        let record = try await propose(scene)
        try await scene.world.approve(record, by: scene.carol)
        #expect(try await scene.publish() == [.published(record.change.number)])
        return try await scene.world.api.change(record.change.number)
    }

    @Test func `one security officer stands in for everybody whom the rules ask for, and the end is signed`()
        async throws
    {
        let scene = try await Scene.make(approvals: 3, officers: 2)
        let proposed = try await Self.propose(scene)
        #expect(proposed.missing == .one && proposed.canApprove.map(\.subject) == ["alice", "carol"])
        #expect(proposed.change.expires == Self.until)
        try await scene.world.approve(proposed, by: scene.carol)
        #expect(try await scene.publish() == [.published(proposed.change.number)])
        let anchor = try #require(try await scene.world.activeAnchors(of: scene.team).first)
        #expect(anchor.until == Self.until)
        let document = try await scene.world.database.withConnection(as: .owner) { connection in
            let row = try await connection.rows("SELECT document FROM team_content ORDER BY number DESC LIMIT 1")[0]
            return try TeamContentDocument(parsing: try row.value("document"))
        }
        #expect(document.constraints == [.init(anchor: anchor.sha256, until: Self.until)])
        let events = try await scene.world.count(
            "SELECT count(*) AS n FROM audit_event WHERE action = 'break-glass.used'")
        #expect(events == 1)
    }

    @Test func `two people are needed: not the author alone, and nobody whose role does not reach everything`()
        async throws
    {
        let scene = try await Scene.make()
        let olaf = try await scene.world.person("olaf", (.securityOfficer, .team(scene.team)))
        let record = try await Self.propose(scene)
        for person in [scene.bob, scene.erin, olaf] {
            await expect(.forbidden) { try await scene.world.approve(record, by: person) }
        }
        await expect(.ownProposal) { try await scene.world.approve(record, by: scene.dave) }
        let own = try await scene.world.api.propose(
            try Self.content(scene, [7]), by: scene.world.admin.actor, now: start)
        #expect(own.change.state == .submitted)
        await expect(.ownProposal) { try await scene.world.approve(own, by: scene.world.admin) }
        #expect(try await scene.publish().isEmpty)
    }

    @Test(arguments: [0, -1, 7 * 86_400 + 1] as [Int64])
    func `it ends within seven days`(seconds: Int64) async throws {
        let scene = try await Scene.make()
        let content = try Self.content(scene, until: start.adding(seconds: seconds))
        await expect(.invalid) { _ = try await scene.world.api.propose(content, by: scene.dave.actor, now: start) }
        let longest = try Self.content(scene, until: start.adding(days: 7))
        _ = try await scene.world.api.propose(longest, by: scene.dave.actor, now: start)
    }

    @Test func `what the rules refuse stays refused`() async throws {
        let scene = try await Scene.make()
        await expect(.refusedByRule) { _ = try await Self.propose(scene, [0x57, 1]) }
        try await scene.world.asOwner("UPDATE root_rule SET removed_at = created_at")
        await expect(.refusedByRule) { _ = try await Self.propose(scene) }
    }

    @Test func `a team that signs itself is out of reach, also when it began to after the approval`() async throws {
        let scene = try await Scene.make()
        let record = try await Self.propose(scene)
        try await scene.world.approve(record, by: scene.carol)
        try await scene.world.asOwner("UPDATE team SET custody = 'team'")
        guard case .rejected(record.change.number, _)? = try await scene.publish().first else {
            Issue.record("it was not rejected")
            return
        }
        await expect(.conflict) { _ = try await Self.propose(scene, [8]) }
    }

    @Test func `there is no second one while nobody has reviewed the first in time`() async throws {
        let scene = try await Scene.make()
        let first = try await Self.breakGlass(scene)
        let late = start.adding(days: 8)
        let second = try Self.content(scene, [9], until: start.adding(days: 9))
        await expect(.conflict) { _ = try await scene.world.api.propose(second, by: scene.dave.actor, now: late) }
        _ = try await scene.world.api.review(
            first.change.number, note: "it was needed", by: scene.world.admin.actor, now: late)
        _ = try await scene.world.api.propose(second, by: scene.dave.actor, now: late)
    }

    @Test func `it adds anchors and nothing else`() throws {
        let team = try TeamName("acme")
        let glass = BreakGlass(until: start, reason: "now")
        for operation in [ChangeOperation.removeAnchor(id: 1), .renewRole] {
            #expect(throws: TrustModelError(.document, "")) {
                try ChangeContent(team: team, operations: [operation], justification: "x", breakGlass: glass)
            }
        }
        #expect(throws: TrustModelError(.document, "")) {
            try ChangeContent(team: nil, operations: [.liftDenial(id: 1)], justification: "x", breakGlass: glass)
        }
    }

    @Test func `an edit that turns a change into break-glass voids its approvals`() async throws {
        let scene = try await Scene.make(approvals: 2)
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.carol)
        let edited = try await scene.world.api.edit(
            record.change.number, to: try Self.content(scene), ifVersion: 1, by: scene.dave.actor, now: start)
        #expect(edited.change.state == .submitted && edited.missing == .one)
        #expect(edited.decisions.map(edited.isVoid) == [true])
    }

    @Test func `the server takes the anchor out when its time is over, and not before`() async throws {
        let scene = try await Scene.make()
        let record = try await Self.breakGlass(scene)
        #expect(try await scene.world.publisher.endAnchors(now: Self.until.adding(seconds: -1)).isEmpty)
        #expect(try await scene.world.activeAnchors(of: scene.team).count == 1)
        let version = try await scene.world.api.team(scene.team).version
        let ended = try await scene.world.publisher.endAnchors(now: Self.until)
        #expect(ended.count == 1)
        #expect(try await scene.world.activeAnchors(of: scene.team).isEmpty)
        #expect(try await scene.world.api.team(scene.team).version == version + 1)
        let anchor = try await scene.world.api.anchor(try #require(ended.first))
        #expect(anchor.removedByChange == record.change.number && anchor.removed == Self.until)
        #expect(try await scene.world.publisher.endAnchors(now: Self.until).isEmpty)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM audit_event WHERE action = 'anchor.ended'") == 1)
    }

    @Test func `the approvals that were lacking make it last`() async throws {
        let scene = try await Scene.make(approvals: 2)
        _ = try await Self.breakGlass(scene)
        await expect(.conflict) { _ = try await Self.propose(scene) }
        let lasting = try await scene.propose()
        try await scene.world.approve(lasting, by: scene.bob)
        try await scene.world.approve(lasting, by: scene.erin)
        #expect(try await scene.publish() == [.published(lasting.change.number)])
        let anchors = try await scene.world.activeAnchors(of: scene.team)
        #expect(anchors.map(\.until) == [nil] && anchors.map(\.addedByChange) == [lasting.change.number])
        #expect(try await scene.world.publisher.endAnchors(now: Self.until).isEmpty)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM denial") == 0)
    }

    @Test func `a certificate ends in all stores of a team at one time`() async throws {
        let scene = try await Scene.make()
        _ = try await Self.breakGlass(scene)
        let lab = TrustStoreID(team: scene.team, kind: .ca, name: try TrustStoreName("lab"))
        _ = try await scene.world.api.createStore(lab, by: scene.world.admin.actor, now: start)
        let addition = AnchorAddition(
            kind: .ca, store: lab.name, certificate: [1, 2, 3], origin: .own, owner: "acme")
        let content = try ChangeContent(
            team: scene.team, operations: [.addAnchor(addition)], justification: "for the lab")
        await expect(.conflict) { _ = try await scene.world.api.propose(content, by: scene.dave.actor, now: start) }
    }

    @Test func `the database takes no anchor whose end is another than its change says`() async throws {
        let scene = try await Scene.make()
        _ = try await Self.breakGlass(scene)
        await #expect(throws: PostgresError.self) { try await scene.world.asOwner("UPDATE anchor SET until = NULL") }
        await scene.expectFence(
            """
            INSERT INTO anchor (store_id, team_id, certificate, sha256, key_sha256, subject, not_before, not_after,
                origin, justification, owner, added_by_change, added_at)
            SELECT store_id, team_id, '\\x01', encode(sha256('\\x01'), 'hex'), key_sha256, subject, not_before, not_after,
                origin, justification, owner, added_by_change, added_at FROM anchor
            """)
    }

    // MARK: Review

    @Test func `somebody who had no part in it reviews it, once`() async throws {
        let scene = try await Scene.make()
        let number = try await Self.breakGlass(scene).change.number
        let review = { (session: Session) in
            try await scene.world.api.review(number, note: "it was needed", by: session.actor, now: start)
        }
        await expect(.forbidden) { _ = try await review(scene.dave) }
        await expect(.ownProposal) { _ = try await review(scene.carol) }
        await expect(.forbidden) { _ = try await review(scene.bob) }
        let reviewed = try await review(scene.world.admin)
        #expect(reviewed.review?.person == scene.world.admin.person.id && reviewed.review?.note == "it was needed")
        let other = try await scene.world.person("otto", (.securityOfficer, .everything))
        await expect(.conflict) { _ = try await review(other) }
    }

    @Test func `the database takes no review by its author or approver`() async throws {
        let scene = try await Scene.make()
        _ = try await Self.breakGlass(scene)
        for session in [scene.dave, scene.carol] {
            await scene.expectFence(
                """
                INSERT INTO change_review (change_number, team_id, person_id, credential_id, note, reviewed_at)
                SELECT number, team_id, \(session.person.id), \(session.actor.credential), 'fine', created_at FROM change
                """)
        }
    }

    @Test func `until it is reviewed it waits in the inbox of administrators, overdue after seven days`() async throws {
        let scene = try await Scene.make()
        let number = try await Self.breakGlass(scene).change.number
        let inbox = { (session: Session, now: UTCDate) in
            try await scene.world.api.inbox(of: session.actor, now: now).filter { $0.kind == .breakGlassReview }
        }
        let due = start.adding(days: 7)
        let item = try #require(try await inbox(scene.world.admin, start).first)
        #expect(item.object == "C-\(number)" && item.due == due && !item.overdue)
        #expect(try await inbox(scene.world.admin, due).map(\.overdue) == [true])
        for person in [scene.carol, scene.dave, scene.bob] { #expect(try await inbox(person, start).isEmpty) }
        #expect(try await scene.world.publisher.overdueReviews(now: due.adding(seconds: -1)) == 0)
        #expect(try await scene.world.publisher.overdueReviews(now: due) == 1)
        _ = try await scene.world.api.review(number, note: "fine", by: scene.world.admin.actor, now: due)
        #expect(try await inbox(scene.world.admin, due).isEmpty)
        #expect(try await scene.world.publisher.overdueReviews(now: due) == 0)
    }
}
