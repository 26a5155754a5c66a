import Codecs
import CoreMetrics
import Logging
import Observability
import Outbound
import Problems
import RoadsteadPublish
import RoadsteadStore

/// Delivers events to their receivers, signed, again and again until they are taken or a day is over.
///
/// Any number of replicas may run one. A receiver sees an event at least once; its id tells a repetition.
struct WebhookSender: Sendable {
    /// Receivers that one replica delivers to at once, each with one delivery at a time.
    static let mostAtOnce = 8
    static let timeout = Duration.seconds(10)
    /// Of an answer; nothing in it but the status is looked at.
    static let answerBytes = 16 * 1_024
    /// A receiver is let go this long before the lease ends, so that no attempt outlives it.
    static let reserve = Duration.seconds(15)

    let store: WebhookStore
    let master: MasterKey
    let client: OutboundClient
    let logger: Logger
    let metrics: any MetricsFactory
    let clock: @Sendable () -> UTCDate

    /// Delivers what is due now.
    func turn() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.mostAtOnce {
                guard let webhook = try await store.lease(now: clock()) else { break }
                group.addTask { try await serve(webhook) }
            }
            try await group.waitForAll()
        }
        let backlog = try await store.backlog()
        Gauge(label: MetricName.webhooksWaiting.rawValue, dimensions: [], factory: metrics).record(backlog.waiting)
    }

    private func serve(_ webhook: LeasedWebhook) async throws {
        let end = ContinuousClock.now + .seconds(WebhookStore.leaseSeconds) - Self.reserve
        var rest: UTCDate?
        while rest == nil, ContinuousClock.now < end, let delivery = try await store.next(for: webhook, now: clock()) {
            rest = try await attempt(delivery, for: webhook)
        }
        try await store.end(webhook, restingUntil: rest, now: clock())
    }

    /// - Returns: until when the receiver rests; nil when it took the event, or refuses it and may take others.
    private func attempt(_ delivery: PendingDelivery, for webhook: LeasedWebhook) async throws -> UTCDate? {
        do {
            let status = try await send(delivery, to: webhook)
            guard (200..<300).contains(status) else {
                let next = try await fail(delivery, webhook, "answered with status \(status)")
                return (300..<500).contains(status) && status != 429 ? nil : next
            }
            try await store.delivered(delivery, "answered with status \(status)", now: clock())
            count("delivered")
            return nil
        } catch let error as any Problem where error is OutboundError || error is PublishError {
            return try await fail(delivery, webhook, error.reason)
        }
    }

    private func send(_ delivery: PendingDelivery, to webhook: LeasedWebhook) async throws -> Int {
        let secret = try WebhookSecret(sealed: webhook.secret, name: webhook.name, url: webhook.url, under: master)
        let (id, timestamp, body) = ("msg_\(delivery.id)", clock().seconds, Array(delivery.body.utf8))
        let headers = [
            (name: "Content-Type", value: "application/json"), (name: "Webhook-Id", value: id),
            (name: "Webhook-Timestamp", value: String(timestamp)),
            (name: "Webhook-Signature", value: secret.signature(id: id, timestamp: timestamp, body: body)),
        ]
        return try await client.request(
            OutboundRequest(.post, webhook.url, headers: headers, body: body, maximumBytes: Self.answerBytes)
        ).status
    }

    /// - Returns: when it is tried again; nil when it is given up.
    private func fail(
        _ delivery: PendingDelivery, _ webhook: LeasedWebhook, _ outcome: String
    ) async throws -> UTCDate? {
        let now = clock()
        let next = WebhookBackoff.next(after: delivery.attempts, created: delivery.created, now: now)
        try await store.failed(delivery, outcome, next: next, now: now)
        count(next == nil ? "given-up" : "failed")
        guard next == nil else { return next }
        logger.warning(
            "an event is not delivered any more",
            metadata: [
                LogKey.webhook.rawValue: "\(webhook.name)", LogKey.reason.rawValue: "\(delivery.event): \(outcome)",
            ])
        return nil
    }

    private func count(_ outcome: String) {
        Counter(
            label: MetricName.webhookDeliveries.rawValue, dimensions: [("outcome", outcome)], factory: metrics
        ).increment()
    }
}
