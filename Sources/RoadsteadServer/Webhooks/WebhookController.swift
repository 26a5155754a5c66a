import Codecs
import HTTPTypes
import Outbound
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Receivers of events, which trust administrators manage.
struct WebhookController: Sendable {
    private static let tag = "webhooks"

    let store: ApiStore
    let master: MasterKey
    /// Where events may be sent to.
    let policy: OutboundPolicy

    var endpoints: [Endpoint] {
        [
            .read("/v1/webhooks", "Receivers of events", tag: Self.tag, permission: .takes(.administer)) { _ in
                Page(items: try await store.webhooks().map(WebhookBody.init), next: nil)
            },
            .write(
                "/v1/webhooks", "Adds a receiver; its secret is shown once", tag: Self.tag,
                permission: .takes(.administer), repeats: .refused
            ) { try await add($0, $1) },
            .remove("/v1/webhooks/{id}", "Removes a receiver", tag: Self.tag, permission: .takes(.administer)) { call in
                try await store.removeWebhook(try call.number("id"), by: try call.caller().actor, now: call.now)
            },
            .act(
                "/v1/webhooks/{id}/test", "Sends a receiver an event that says nothing", tag: Self.tag,
                permission: .takes(.administer)
            ) { call in
                let id = try call.number("id")
                _ = try await store.testWebhook(id, by: try call.caller().actor, now: call.now)
                return WebhookBody(try await store.webhook(id))
            },
            .read(
                "/v1/webhooks/{id}/deliveries", "What was sent to a receiver, the newest first", tag: Self.tag,
                permission: .takes(.administer),
                queries: Endpoint.pageQueries
            ) { call in
                let webhook = try await store.webhook(try call.number("id"))
                return try await store.deliveries(of: webhook.id, try call.page()).body(WebhookDeliveryBody.init)
            },
        ]
    }

    private func add(_ call: Call, _ body: WebhookRequest) async throws -> NewWebhookBody {
        try policy.check(try OutboundURL(body.url))
        let events = try body.events.map { name in
            guard let event = WebhookEvent(rawValue: name) else {
                throw ServerError(
                    .request, "there is no event \"\(name.prefix(40))\"",
                    hint: "there are \(WebhookEvent.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return event
        }
        let secret = WebhookSecret.generate()
        let webhook = try NewWebhook(
            name: body.name, url: body.url, events: events,
            secret: try secret.sealed(name: body.name, url: body.url, under: master))
        let record = try await store.addWebhook(
            webhook, sealedUnder: master.checkValue, by: try call.caller().actor, now: call.now)
        return NewWebhookBody(webhook: WebhookBody(record), secret: secret.text)
    }
}

extension WebhookBody {
    init(_ record: WebhookRecord) {
        self.init(
            id: record.id, name: record.name, url: record.url, events: record.events.map(\.rawValue),
            created: record.created, waiting: record.waiting, lastState: record.lastState?.rawValue)
    }
}

extension WebhookDeliveryBody {
    init(_ record: WebhookDeliveryRecord) {
        self.init(
            id: "msg_\(record.id)", event: record.event, state: record.state.rawValue, attempts: record.attempts,
            created: record.created, next: record.state == .waiting ? record.next : nil, settled: record.settled,
            outcome: record.outcome)
    }
}
