import PostgresKit
import Migrations
import Codecs
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct WebhookTests {
    private static let secret = [UInt8](repeating: 7, count: 60)

    private func world() async throws -> (World, WebhookStore) {
        let world = try await World.make()
        _ = try await world.publisher.masterKeyCheckValue(settingIfAbsent: "0123456789abcdef", now: start)
        return (world, WebhookStore(pool: try world.database.pool(.publisher)))
    }

    private func add(
        _ world: World, _ name: String = "chat", _ events: [WebhookEvent] = [.denialIssued], by session: Session? = nil
    ) async throws -> WebhookRecord {
        try await world.api.addWebhook(
            try NewWebhook(name: name, url: "https://example.com/\(name)", events: events, secret: Self.secret),
            sealedUnder: "0123456789abcdef", by: (session ?? world.admin).actor, now: start)
    }

    private func deny(_ world: World, _ digit: String) async throws {
        _ = try await world.api.deny(
            .certificate(sha256: String(repeating: digit, count: 64)), in: nil, reason: "stolen",
            by: world.admin.actor, now: start)
    }

    @Test func `an event is queued by the transaction that it tells of, for those who asked`() async throws {
        let (world, store) = try await world()
        let chat = try await add(world)
        let other = try await add(world, "other", [.releasePublished])
        try await deny(world, "a")
        let queued = try await world.api.deliveries(of: chat.id, try PageRequest()).items
        #expect(queued.map(\.event) == ["denial.issued"] && queued[0].state == .waiting)
        #expect(try await world.api.deliveries(of: other.id, try PageRequest()).items.isEmpty)
        let lease = try #require(try await store.lease(now: start))
        let delivery = try #require(try await store.next(for: lease, now: start))
        let body = try JSON(parsing: Array(delivery.body.utf8)).object("body")
        #expect(body["type"] == "denial.issued" && body["timestamp"] == .string("\(start)"))
        #expect(try body.object("data", in: "body").string("object", in: "data") == "D-1")
    }

    @Test func `what was rolled back is told to nobody`() async throws {
        let (world, _) = try await world()
        let chat = try await add(world)
        await expect(.conflict) {
            try await deny(world, "a")
            try await deny(world, "a")
        }
        #expect(try await world.api.deliveries(of: chat.id, try PageRequest()).items.count == 1)
    }

    @Test func `a receiver is delivered to in order, by one replica at a time`() async throws {
        let (world, store) = try await world()
        _ = try await add(world)
        try await deny(world, "a")
        try await deny(world, "b")
        let lease = try #require(try await store.lease(now: start))
        #expect(try await store.lease(now: start) == nil)
        let first = try #require(try await store.next(for: lease, now: start))
        try await store.failed(first, "503", next: start.adding(seconds: 5), now: start)
        #expect(try await store.next(for: lease, now: start.adding(seconds: 4)) == nil)
        let again = try #require(try await store.next(for: lease, now: start.adding(seconds: 5)))
        #expect(again.id == first.id && again.attempts == 1)
        try await store.delivered(again, "200", now: start.adding(seconds: 5))
        #expect(try await store.next(for: lease, now: start.adding(seconds: 5))?.id != first.id)
        let later = start.adding(seconds: WebhookStore.leaseSeconds)
        #expect(try await store.lease(now: later) != nil)
        #expect(try await store.next(for: lease, now: later) == nil)
    }

    @Test func `an event that is refused holds up later ones for a minute, and no event any longer`() async throws {
        let (world, store) = try await world()
        _ = try await add(world)
        for digit in ["a", "b", "c"] { try await deny(world, digit) }
        let lease = try #require(try await store.lease(now: start))
        let refused = try #require(try await store.next(for: lease, now: start))
        try await store.failed(refused, "403", next: start.adding(seconds: 600), now: start)
        try await store.end(lease, now: start)
        #expect(try await store.lease(now: start.adding(seconds: 59)) == nil)
        let minute = start.adding(seconds: WebhookStore.heldSeconds)
        let second = try #require(try await store.lease(now: minute))
        var overtook: [Int64] = []
        while let next = try await store.next(for: second, now: minute) {
            overtook.append(next.id)
            try await store.delivered(next, "200", now: minute)
        }
        #expect(overtook.count == 2 && overtook == overtook.sorted() && overtook.allSatisfy { $0 > refused.id })
        try await store.end(second, now: minute)
        #expect(try await store.lease(now: start.adding(seconds: 599)) == nil)
        let third = try #require(try await store.lease(now: start.adding(seconds: 600)))
        #expect(try await store.next(for: third, now: start.adding(seconds: 600))?.id == refused.id)
    }

    @Test func `a crowd of refused events does not hold up what was never tried`() async throws {
        let (world, store) = try await world()
        _ = try await add(world)
        for digit in ["a", "b", "c"] { try await deny(world, digit) }
        let minute = start.adding(seconds: WebhookStore.heldSeconds)
        let lease = try #require(try await store.lease(now: minute))
        for _ in 0..<2 {
            try await store.failed(
                try #require(try await store.next(for: lease, now: minute)), "403", next: minute, now: minute)
        }
        let next = try #require(try await store.next(for: lease, now: minute))
        #expect(next.attempts == 0)
        try await store.delivered(next, "200", now: minute)
        #expect(try await store.next(for: lease, now: minute)?.attempts == 1)
    }

    @Test func `an event says by its number where it belongs`() async throws {
        let (world, store) = try await world()
        let chat = try await add(world)
        try await deny(world, "a")
        try await deny(world, "b")
        _ = try await world.api.testWebhook(chat.id, by: world.admin.actor, now: start)
        let lease = try #require(try await store.lease(now: start))
        var numbers: [Int64] = []
        while let next = try await store.next(for: lease, now: start) {
            let number = try JSON(parsing: Array(next.body.utf8)).object("body")["sequence"]?.integerOrNil
            #expect(number == next.id)
            numbers.append(next.id)
            try await store.delivered(next, "200", now: start)
        }
        #expect(numbers.count == 3 && numbers == numbers.sorted())
    }

    @Test func `a receiver in trouble is left alone for as long as was asked, and a minute at most`() async throws {
        let (world, store) = try await world()
        _ = try await add(world)
        try await deny(world, "a")
        for (asked, rested) in [(Int64(30), Int64(30)), (86_400, 60)] {
            let lease = try #require(try await store.lease(now: start))
            try await store.end(lease, restingUntil: start.adding(seconds: asked), now: start)
            #expect(try await store.lease(now: start.adding(seconds: rested - 1)) == nil)
            let again = try #require(try await store.lease(now: start.adding(seconds: rested)))
            try await store.end(again, now: start)
        }
    }

    @Test func `of two that settle one attempt the first counts`() async throws {
        let (world, store) = try await world()
        let chat = try await add(world)
        try await deny(world, "a")
        let lease = try #require(try await store.lease(now: start))
        let delivery = try #require(try await store.next(for: lease, now: start))
        try await store.delivered(delivery, "200", now: start)
        try await store.failed(delivery, "500", next: start, now: start)
        let settled = try await world.api.deliveries(of: chat.id, try PageRequest()).items[0]
        #expect(settled.state == .delivered && settled.attempts == 1 && settled.outcome == "200")
    }

    @Test func `only trust administrators manage receivers, and it is in the log`() async throws {
        let (world, store) = try await world()
        let bob = try await world.person("bob", (.securityOfficer, .everything))
        await expect(.forbidden) { _ = try await add(world, by: bob) }
        let chat = try await add(world)
        await expect(.conflict) { _ = try await add(world) }
        await expect(.forbidden) { try await world.api.removeWebhook(chat.id, by: bob.actor, now: start) }
        try await deny(world, "a")
        try await world.api.removeWebhook(chat.id, by: world.admin.actor, now: start)
        #expect(try await store.lease(now: start) == nil)
        #expect(try await world.count("SELECT count(*) AS n FROM webhook WHERE secret IS NOT NULL") == 0)
        let actions = try await world.api.auditEvents(try PageRequest(), AuditFilter(object: "webhook:\(chat.id)"))
            .items
        #expect(actions.map(\.action) == ["webhook.added", "webhook.removed"])
    }

    @Test func `a secret is sealed under the master key in use, and resealed with the other keys`() async throws {
        let (world, store) = try await world()
        await expect(.conflict) {
            _ = try await world.api.addWebhook(
                try NewWebhook(name: "x", url: "https://x", events: [.denialIssued], secret: Self.secret),
                sealedUnder: "fedcba9876543210", by: world.admin.actor, now: start)
        }
        _ = try await add(world)
        _ = try await world.publisher.rotateMasterKey(
            from: "0123456789abcdef", to: "fedcba9876543210", now: start,
            webhooks: { WebhookSecretRecord(id: $0.id, name: $0.name, url: $0.url, sealed: $0.sealed.reversed() + [1]) }
        ) { $0 }
        try await deny(world, "a")
        #expect(try await store.lease(now: start)?.secret == Self.secret + [1])
    }

    @Test func `the API's role cannot read a secret`() async throws {
        let (world, _) = try await world()
        _ = try await add(world)
        await #expect(throws: (any Error).self) {
            _ = try await world.database.withConnection(as: .api) { try await $0.rows("SELECT secret FROM webhook") }
        }
    }

    @Test func `an anchor that ends and a review that is due are told of once for each stage`() async throws {
        let (world, store) = try await world()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let chat = try await add(world, "chat", [.rootExpiring, .reviewDue])
        let change = try await world.propose(in: team, by: world.admin)
        try await world.approve(change, by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        func stages(_ days: Int64) async throws -> [String] {
            try await store.raiseNotices(now: start.adding(days: days))
        }
        #expect(try await stages(909).isEmpty)
        let told = [try await stages(910), try await stages(911), try await stages(995), try await stages(999)]
        #expect(told == [["anchor:1"], [], ["anchor:1"], ["anchor:1"]])
        #expect(try await stages(1_001).isEmpty)
        let bodies = try await world.api.deliveries(of: chat.id, try PageRequest()).items
        #expect(bodies.count == 3 && bodies.allSatisfy { $0.event == "root.expiring" })
    }

    @Test func `a broken log is told of once`() async throws {
        let (world, store) = try await world()
        let chat = try await add(world, "chat", [.auditBroken])
        for _ in 0..<2 {
            try await store.raiseBrokenAudit(.init(sequence: 3, reason: "entry 3 is missing"), now: start)
        }
        #expect(try await world.api.deliveries(of: chat.id, try PageRequest()).items.count == 1)
    }

    @Test func `settled deliveries are forgotten after a week`() async throws {
        let (world, store) = try await world()
        let chat = try await add(world)
        try await deny(world, "a")
        let lease = try #require(try await store.lease(now: start))
        try await store.delivered(try #require(try await store.next(for: lease, now: start)), "200", now: start)
        try await store.forgetOld(now: start.adding(days: 7))
        #expect(try await world.api.deliveries(of: chat.id, try PageRequest()).items.count == 1)
        try await store.forgetOld(now: start.adding(seconds: 7 * 86_400 + 1))
        #expect(try await world.api.deliveries(of: chat.id, try PageRequest()).items.isEmpty)
    }
}
