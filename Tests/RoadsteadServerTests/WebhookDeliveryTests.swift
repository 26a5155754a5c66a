import PostgresKit
import Migrations
import Codecs
import HTTPTypes
import Hummingbird
import NIOCore
import Observability
import Outbound
import PostgresTesting
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite(.postgres) struct WebhookDelivery {
    @Test func `an event arrives signed, and again under the same id until it is taken`() async throws {
        let scene = try await WebhookScene.make()
        scene.receiver.answer(.internalServerError, .ok)
        try await scene.receiver.listen { url in
            let secret = try await scene.add(url)
            let sender = try scene.sender(url: url)
            try await scene.deny()
            try await sender.turn()
            #expect(try await scene.deliveries().map(\.outcome) == ["answered with status 500"])
            try await sender.turn()
            #expect(scene.receiver.deliveries.count == 1)
            scene.clock.advance(seconds: 5)
            try await sender.turn()
            let (first, second) = (scene.receiver.deliveries[0], scene.receiver.deliveries[1])
            #expect(first.id == second.id && first.body == second.body)
            for delivery in [first, second] {
                let signature = secret.signature(
                    id: delivery.id, timestamp: try #require(Int64(delivery.timestamp)), body: delivery.body)
                #expect(delivery.signature == signature)
            }
            #expect(try JSON(parsing: first.body).object("body")["type"] == "denial.issued")
            #expect(try await scene.deliveries().map(\.state) == [.delivered])
        }
    }

    @Test func `two replicas deliver an event once, and events in order`() async throws {
        let scene = try await WebhookScene.make()
        try await scene.receiver.listen { url in
            try await scene.add(url)
            for digit in ["a", "b", "c"] { try await scene.deny(digit) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    let sender = try scene.sender(url: url)
                    group.addTask { try await sender.turn() }
                }
                try await group.waitForAll()
            }
            let objects = try scene.receiver.deliveries.map {
                try JSON(parsing: $0.body).object("body").object("data", in: "body").string("object", in: "data")
            }
            #expect(objects == ["D-1", "D-2", "D-3"])
        }
    }

    @Test func `what a receiver refuses holds up later events for a minute, and not the receiver`() async throws {
        let scene = try await WebhookScene.make()
        try await scene.receiver.listen { url in
            try await scene.add(url)
            let sender = try scene.sender(url: url)
            for digit in ["a", "b", "c"] { try await scene.deny(digit) }
            scene.receiver.answer(.forbidden, .forbidden, .forbidden, .ok, .ok)
            try await sender.turn()
            #expect(scene.receiver.deliveries.count == 1)
            for seconds in [Int64(5), 30] {
                scene.clock.advance(seconds: seconds)
                try await sender.turn()
            }
            #expect(scene.receiver.deliveries.count == 3)
            scene.clock.advance(seconds: 25)
            try await sender.turn()
            #expect(try await scene.deliveries().map(\.state) == [.delivered, .delivered, .waiting])
        }
    }

    @Test func `what cannot be delivered is tried again after what was never tried, and given up after a day`()
        async throws
    {
        let scene = try await WebhookScene.make()
        try await scene.receiver.listen { url in
            try await scene.add(url)
            let sender = try scene.sender(url: url)
            try await scene.deny("a")
            scene.receiver.answer(.badGateway, .badGateway, .ok)
            try await sender.turn()
            try await scene.deny("b")
            try await sender.turn()
            #expect(scene.receiver.deliveries.count == 1)
            scene.clock.advance(seconds: WebhookBackoff.seconds)
            try await sender.turn()
            #expect(try await scene.deliveries().map(\.state) == [.givenUp, .delivered])
            #expect(scene.metrics.text().contains(#"roadstead_webhook_deliveries_total{outcome="given-up"} 1"#))
        }
    }

    @Test func `a receiver that hangs is let go, and others are told meanwhile`() async throws {
        let scene = try await WebhookScene.make()
        let other = WebhookReceiver()
        scene.receiver.answer {
            try? await Task.sleep(for: .seconds(5)); return Response(status: .ok)
        }
        try await scene.receiver.listen { url in
            try await other.listen { fine in
                try await scene.add(url)
                try await scene.add(fine, name: "other")
                try await scene.deny()
                let origin = String(fine.dropLast("/hook".count))
                try await scene.sender(allowing: [origin], url: url, seconds: 1).turn()
                #expect(other.deliveries.count == 1)
                #expect(try await scene.deliveries().map(\.state) == [.waiting])
            }
        }
    }

    @Test func `a redirect is no delivery and is not followed`() async throws {
        let scene = try await WebhookScene.make()
        scene.receiver.answer {
            Response(status: .temporaryRedirect, headers: [.location: "http://169.254.169.254/latest/meta-data"])
        }
        try await scene.receiver.listen { url in
            try await scene.add(url)
            try await scene.deny()
            try await scene.sender(url: url).turn()
            #expect(try await scene.deliveries().map(\.outcome) == ["answered with status 307"])
        }
    }

    @Test func `an answer of any size is cut off`() async throws {
        let scene = try await WebhookScene.make()
        scene.receiver.answer {
            Response(status: .ok, body: .init(byteBuffer: ByteBuffer(repeating: 0x20, count: 4 << 20)))
        }
        try await scene.receiver.listen { url in
            try await scene.add(url)
            try await scene.deny()
            try await scene.sender(url: url).turn()
            #expect(try await scene.deliveries().map(\.state) == [.waiting])
        }
    }

    @Test func `an address that the operator did not allow is not spoken to`() async throws {
        let scene = try await WebhookScene.make()
        try await scene.receiver.listen { url in
            try await scene.add(url)
            try await scene.deny()
            let sender = WebhookSender(
                store: scene.store, master: scene.master, client: try OutboundClient(policy: OutboundPolicy()),
                logger: TestAPI.silentLogger, metrics: scene.metrics, clock: scene.clock.now)
            try await sender.turn()
            #expect(scene.receiver.deliveries.isEmpty)
            #expect(try await scene.deliveries().map(\.attempts) == [1])
        }
    }

    @Test func `a receiver whose address was changed in the database gets nothing`() async throws {
        let scene = try await WebhookScene.make()
        try await scene.receiver.listen { url in
            try await scene.add("https://example.com/hook")
            let database = try #require(TestDatabase.current)
            try await database.withConnection(as: .owner) {
                _ = try await $0.rows("UPDATE webhook SET url = $1", [.text(url)])
            }
            try await scene.deny()
            try await scene.sender(url: url).turn()
            #expect(scene.receiver.deliveries.isEmpty)
            #expect(try await scene.deliveries().first?.outcome?.contains("does not open") == true)
        }
    }

    @Test func `a delivery is tried ever more seldom, and for a day in all`() {
        let start = UTCDate(seconds: 1_000_000)
        var (now, attempts, waits) = (start, 0, [Int64]())
        while let next = WebhookBackoff.next(after: attempts, created: start, now: now) {
            waits.append(next.seconds - now.seconds)
            (now, attempts) = (next, attempts + 1)
        }
        #expect(waits.prefix(4) == [5, 30, 120, 600] && waits.reduce(0, +) == WebhookBackoff.seconds)
        #expect(waits.max() == 21_600)
    }

    @Test func `the secret is shown once, and only to trust administrators who name where events may go`() async throws
    {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let bob = try await api.invite("bob", [InvitedRole(role: .auditor)], by: alice)
            let request = WebhookRequest(name: "chat", url: "https://example.com/hook", events: ["denial.issued"])
            let refused = try await api.send(.post, "/v1/webhooks", json: try JSON(encoding: request), as: bob)
            #expect(refused.problem == "store.forbidden")
            let made: NewWebhookBody = try await api.ask(.post, "/v1/webhooks", request, as: alice)
            #expect(made.secret.hasPrefix("whsec_"))
            for path in ["/v1/webhooks", "/v1/webhooks/\(made.webhook.id)/deliveries", "/v1/audit"] {
                let reply = try await api.send(.get, path, as: alice)
                #expect(reply.status == .ok && !String(decoding: reply.body, as: UTF8.self).contains("whsec_"))
            }
            for url in [
                "http://example.com/", "https://127.0.0.1/", "https://example.com:8443/", "file:///etc/passwd", "x",
            ] {
                let body = WebhookRequest(name: "other", url: url, events: ["denial.issued"])
                let reply = try await api.send(.post, "/v1/webhooks", json: try JSON(encoding: body), as: alice)
                #expect((400..<500).contains(reply.status.code), "\(url)")
            }
            let unknown = WebhookRequest(name: "other", url: "https://example.com/", events: ["denial.guessed"])
            let reply = try await api.send(.post, "/v1/webhooks", json: try JSON(encoding: unknown), as: alice)
            #expect(reply.status == .badRequest)
            let removed = try await api.send(.delete, "/v1/webhooks/\(made.webhook.id)", as: alice)
            #expect(removed.status == .noContent)
        }
    }
}
