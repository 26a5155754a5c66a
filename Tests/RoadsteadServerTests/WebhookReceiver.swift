import Observability
import PostgresKit
import Migrations
import Codecs
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Outbound
import PostgresTesting
import RoadsteadPublish
import RoadsteadStore
import SigningKeys
import Synchronization
import Testing
import TrustModel

@testable import RoadsteadServer

/// A receiver of events on loopback that answers as a test says.
final class WebhookReceiver: Sendable {
    struct Delivery: Sendable {
        let id: String
        let timestamp: String
        let signature: String
        let body: [UInt8]
    }

    private struct State {
        var deliveries: [Delivery] = []
        var answers: [@Sendable () async -> Response] = []
    }

    private let state = Mutex(State())

    var deliveries: [Delivery] { state.withLock { $0.deliveries } }

    /// What is answered next, one for each request; 200 when there is nothing left.
    func answer(_ answers: (@Sendable () async -> Response)...) { state.withLock { $0.answers += answers } }

    func answer(_ statuses: HTTPResponse.Status...) {
        state.withLock { state in state.answers += statuses.map { status in { Response(status: status) } } }
    }

    /// Runs the body while the receiver listens; its address is `http://127.0.0.1:PORT/hook`.
    func listen(_ body: @Sendable (_ url: String) async throws -> Void) async throws {
        let router = Router()
        router.post("hook") { request, _ in
            let bytes = Array(try await request.body.collect(upTo: 1 << 20).readableBytesView)
            return await self.take(request, bytes)
        }
        try await Application(router: router, logger: TestAPI.silentLogger).test(.live) { client in
            try await body("http://127.0.0.1:\(try #require(client.port))/hook")
        }
    }

    private func take(_ request: Request, _ body: [UInt8]) async -> Response {
        func header(_ name: String) -> String { HTTPField.Name(name).flatMap { request.headers[$0] } ?? "" }
        let delivery = Delivery(
            id: header("Webhook-Id"), timestamp: header("Webhook-Timestamp"), signature: header("Webhook-Signature"),
            body: body)
        let answer = state.withLock { state in
            state.deliveries.append(delivery)
            return state.answers.isEmpty ? nil : state.answers.removeFirst()
        }
        return await answer?() ?? Response(status: .ok)
    }
}

/// A database with an administrator, a receiver that listens to denials, and what delivers to it.
struct WebhookScene: Sendable {
    let api: ApiStore
    let store: WebhookStore
    let master: MasterKey
    let admin: Session
    let clock = TestClock()
    let receiver = WebhookReceiver()
    let metrics = MetricsRegistry()

    static func make() async throws -> WebhookScene {
        let database = try #require(TestDatabase.current)
        let (api, master) = (ApiStore(pool: try database.pool(.api)), try MasterKey.generate())
        let publisher = try database.pool(.publisher, connections: 6)
        let now = SystemClock.now()
        _ = try await PublisherStore(pool: publisher).masterKeyCheckValue(settingIfAbsent: master.checkValue, now: now)
        let token = HashAlgorithm.sha256.digest(of: Array("bootstrap".utf8))
        try await api.openBootstrap(tokenSHA256: token, expires: now.adding(seconds: 60), now: now)
        let admin = try await api.redeemBootstrap(
            tokenSHA256: token, subject: "alice", displayName: "Alice",
            credential: NewCredential(
                tokenSHA256: HashAlgorithm.sha256.digest(of: [1]), label: "laptop", expires: now.adding(days: 90)),
            requestID: "r", now: now)
        return WebhookScene(
            api: api.reading(as: Reader(admin)), store: WebhookStore(pool: publisher), master: master, admin: admin)
    }

    /// - Returns: the secret as its holder was given it.
    @discardableResult
    func add(_ url: String, name: String = "chat") async throws -> WebhookSecret {
        let secret = WebhookSecret.generate()
        let webhook = try NewWebhook(
            name: name, url: url, events: [.denialIssued],
            secret: try secret.sealed(name: name, url: url, under: master))
        _ = try await api.addWebhook(webhook, sealedUnder: master.checkValue, by: admin.actor, now: clock.now())
        return secret
    }

    func deny(_ digit: String = "a") async throws {
        _ = try await api.deny(
            .certificate(sha256: String(repeating: digit, count: 64)), in: nil, reason: "stolen", by: admin.actor,
            now: clock.now())
    }

    func sender(allowing rules: [String] = ["127.0.0.0/8"], url: String, seconds: Int = 5) throws -> WebhookSender {
        let origin = String(url.dropLast("/hook".count))
        let policy = OutboundPolicy(
            allowed: try (rules + [origin]).map { try HostRule($0) }, maximumBytes: WebhookSender.answerBytes,
            timeout: .seconds(seconds))
        return WebhookSender(
            store: store, master: master, client: try OutboundClient(policy: policy), logger: TestAPI.silentLogger,
            metrics: metrics, clock: clock.now)
    }

    func deliveries() async throws -> [WebhookDeliveryRecord] {
        let webhook = try #require(try await api.webhooks().first)
        return try await api.deliveries(of: webhook.id, try PageRequest()).items
    }
}
