import Codecs
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct ReviewTests {
    private let next = start.adding(days: 300)

    @Test func `a request that a rule refused is answered once, by an administrator, and grants nothing`() async throws
    {
        let scene = try await VendorScene.make()
        let asked = try await scene.world.api.ask(
            for: .vendor(scene.vendor, source: nil), in: scene.team, reason: "we depend on it", ticket: "T-1",
            by: scene.member.actor, now: start)
        #expect(asked.state == .open)
        let inbox = try await scene.world.api.inbox(of: scene.officer.actor, now: start)
        #expect(inbox.map(\.object) == ["R-\(asked.number)"])
        await expect(.forbidden) {
            _ = try await scene.world.api.answer(asked.number, .accepted, "yes", by: scene.insider.actor, now: start)
        }
        let answered = try await scene.world.api.answer(
            asked.number, .declined, "use the other one", by: scene.officer.actor, now: start)
        #expect(answered.state == .declined)
        #expect(answered.answeredBy == scene.officer.person.id)
        await expect(.notOpen) {
            _ = try await scene.world.api.answer(asked.number, .accepted, "yes", by: scene.officer.actor, now: start)
        }
        #expect(try await scene.world.api.requests(state: .open, try PageRequest()).items.isEmpty)
        #expect(try await scene.world.api.vendors(try PageRequest()).items.isEmpty)
    }

    @Test func `who has no role in a team asks for nothing there`() async throws {
        let scene = try await VendorScene.make()
        let stranger = try await scene.world.person("mallory", (.fleetOperator, .everything))
        await expect(.forbidden) {
            _ = try await scene.world.api.ask(
                for: .vendor(scene.vendor, source: nil), in: scene.team, reason: "x", by: stranger.actor, now: start)
        }
    }

    @Test func `nobody reviews the vendor that they registered, in the database either`() async throws {
        let scene = try await VendorScene.make()
        let author = try await scene.world.person("grace", (.trustAdmin, .everything))
        let record = try await scene.proposeVendor([[1]], by: author)
        try await scene.approveByTwo(record)
        _ = try await scene.publish()
        await expect(.ownProposal) {
            _ = try await scene.world.api.reviewVendor(
                scene.vendor, note: "fine", nextBy: next, by: author.actor, now: start)
        }
        await #expect(throws: PostgresError(.check, "")) {
            try await scene.world.asOwner(
                """
                INSERT INTO trust_review (vendor_id, person_id, note, reviewed_at, next_by)
                SELECT id, \(author.person.id), 'fine', now(), now() + interval '1 day' FROM vendor
                """)
        }
        let reviewed = try await scene.world.api.reviewVendor(
            scene.vendor, note: "fine", nextBy: next, by: scene.officer.actor, now: start)
        #expect(reviewed.reviewBy == next)
    }

    @Test func `an overdue review shows up until somebody confirms, and what follows a vendor goes with it`()
        async throws
    {
        let scene = try await VendorScene.make()
        try await scene.register([[1]])
        try await scene.use(in: scene.team, approver: scene.insider)
        let late = start.adding(days: 366)
        #expect(try await scene.world.api.overdueReviews(now: start) == (0, 0))
        #expect(try await scene.world.api.overdueReviews(now: late).vendors == 1)
        #expect(try await scene.world.api.vendors(try PageRequest(), reviewBefore: late).items.count == 1)
        // Tokens of the scene are good for 90 days; the review is overdue by a date in the past here.
        try await scene.world.asOwner("UPDATE vendor SET review_by = '2020-01-01'")
        let waiting = try await scene.world.api.inbox(of: scene.officer.actor, now: start)
        #expect(waiting.map(\.object) == ["vendor azure-iot"])
        #expect(waiting.map(\.overdue) == [true])
        try await scene.world.asOwner(
            "UPDATE vendor SET review_by = to_timestamp(\(start.adding(days: 365).seconds))")
        let due = AnchorFilter(team: scene.team, reviewBefore: late)
        let following = try await scene.world.api.anchors(due, try PageRequest()).items
        #expect(following.map(\.vendor) == [scene.vendor])
        await expect(.conflict) {
            _ = try await scene.world.api.reviewAnchor(
                following[0].id, note: "fine", nextBy: next, by: scene.insider.actor, now: start)
        }
        _ = try await scene.world.api.reviewVendor(
            scene.vendor, note: "fine", nextBy: start.adding(days: 399), by: scene.officer.actor, now: start)
        #expect(try await scene.world.api.anchors(due, try PageRequest()).items.isEmpty)
        #expect(try await scene.world.api.overdueReviews(now: late).vendors == 0)
    }

    @Test(arguments: [0, -1, 401] as [Int64])
    func `a review holds for some time, and not for ever`(_ days: Int64) async throws {
        let scene = try await VendorScene.make()
        try await scene.register([[1]])
        await expect(.invalid) {
            _ = try await scene.world.api.reviewVendor(
                scene.vendor, note: "fine", nextBy: start.adding(days: days), by: scene.officer.actor, now: start)
        }
    }

    @Test func `a campaign lists every anchor and use, takes each answer once, and removes nothing`() async throws {
        let scene = try await VendorScene.make()
        try await scene.world.rule()
        let own = try await scene.world.propose([7], in: scene.team, by: scene.member)
        try await scene.world.approve(own, by: scene.insider)
        _ = try await scene.publish()
        try await scene.register([[1], [2]])
        try await scene.use(in: scene.team, approver: scene.insider)
        let opened = try await scene.world.api.openCampaign(
            team: nil, due: start.adding(days: 30), reason: "yearly", by: scene.world.admin.actor, now: start)
        let items = try await scene.world.api.items(ofCampaign: opened.number, try PageRequest()).items
        #expect(items.map(\.subject).last == "vendor azure-iot")
        #expect(items.count == 2)
        #expect(items[0].owner == scene.member.person.id)
        let asked = { (session: Session, days: Int64) in
            try await scene.world.api.inbox(of: session.actor, now: start.adding(days: days))
                .filter { $0.kind == .recertification }.count
        }
        #expect(try await asked(scene.member, 0) == 1)
        #expect(try await asked(scene.insider, 22) == 0)
        #expect(try await asked(scene.insider, 23) == 2)
        #expect(try await asked(scene.officer, 31) == 0)
        let confirmed = try await scene.world.api.answerItem(
            items[0].id, removal: nil, by: scene.insider.actor, now: start)
        #expect(confirmed.state == .confirmed)
        await expect(.notOpen) {
            _ = try await scene.world.api.answerItem(items[0].id, removal: nil, by: scene.insider.actor, now: start)
        }
        // An addition is no answer that something goes.
        await expect(.invalid) {
            _ = try await scene.world.api.answerItem(
                items[1].id, removal: own.change.number, by: scene.insider.actor, now: start)
        }
        let closed = try await scene.world.api.closeCampaign(
            opened.number, by: scene.world.admin.actor, now: start.adding(days: 31))
        #expect((closed.open, closed.confirmed, closed.removals) == (1, 1, 0))
        #expect(try await scene.world.activeAnchors(of: scene.team).count == 3)
        await expect(.notOpen) {
            _ = try await scene.world.api.answerItem(items[1].id, removal: nil, by: scene.insider.actor, now: start)
        }
    }

    @Test func `an owner confirms what they proposed, and a removal must be of what the item is about`() async throws {
        let scene = try await VendorScene.make()
        try await scene.world.rule()
        for certificate in [[7], [8]] as [[UInt8]] {
            let own = try await scene.world.propose(certificate, in: scene.team, by: scene.member)
            try await scene.world.approve(own, by: scene.insider)
            _ = try await scene.publish()
        }
        let opened = try await scene.world.api.openCampaign(
            team: nil, due: start.adding(days: 30), reason: "yearly", by: scene.world.admin.actor, now: start)
        let items = try await scene.world.api.items(ofCampaign: opened.number, try PageRequest()).items
        let content = try ChangeContent(
            team: scene.team, operations: [.removeAnchor(id: try #require(items[1].anchor))], justification: "unused")
        let removal = try await scene.world.api.propose(content, by: scene.member.actor, now: start)
        await expect(.invalid) {
            _ = try await scene.world.api.answerItem(
                items[0].id, removal: removal.change.number, by: scene.member.actor, now: start)
        }
        let answered = try await scene.world.api.answerItem(
            items[1].id, removal: removal.change.number, by: scene.member.actor, now: start)
        #expect(answered.state == .removal)
        let confirmed = try await scene.world.api.answerItem(
            items[0].id, removal: nil, by: scene.member.actor, now: start)
        #expect(confirmed.state == .confirmed)
    }
}
