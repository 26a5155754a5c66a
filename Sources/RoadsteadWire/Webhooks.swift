package import Codecs

/// `POST /v1/webhooks`
package struct WebhookRequest: Codable, Sendable, Equatable {
    package let name: String
    package let url: String
    /// Such as `change.waiting`.
    package let events: [String]

    package init(name: String, url: String, events: [String]) {
        self.name = name
        self.url = url
        self.events = events
    }
}

/// A receiver of events.
package struct WebhookBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let name: String
    package let url: String
    package let events: [String]
    package let created: UTCDate
    /// Events that are still to be delivered.
    package let waiting: Int
    /// `delivered` or `given-up`: how the last one ended.
    package let lastState: String?

    package init(
        id: Int64, name: String, url: String, events: [String], created: UTCDate, waiting: Int, lastState: String? = nil
    ) {
        self.id = id
        self.name = name
        self.url = url
        self.events = events
        self.created = created
        self.waiting = waiting
        self.lastState = lastState
    }
}

/// A new receiver with its secret, shown once.
package struct NewWebhookBody: Codable, Sendable, Equatable {
    package let webhook: WebhookBody
    /// `whsec_` and base64: what the receiver checks signatures with.
    package let secret: String

    package init(webhook: WebhookBody, secret: String) {
        self.webhook = webhook
        self.secret = secret
    }
}

/// One event on its way to one receiver.
package struct WebhookDeliveryBody: Codable, Sendable, Equatable {
    /// As the receiver sees it in `Webhook-Id`.
    package let id: String
    package let event: String
    /// `waiting`, `delivered` or `given-up`.
    package let state: String
    package let attempts: Int
    package let created: UTCDate
    package let next: UTCDate?
    package let settled: UTCDate?
    /// What the last attempt came to.
    package let outcome: String?

    package init(
        id: String, event: String, state: String, attempts: Int, created: UTCDate, next: UTCDate? = nil,
        settled: UTCDate? = nil, outcome: String? = nil
    ) {
        self.id = id
        self.event = event
        self.state = state
        self.attempts = attempts
        self.created = created
        self.next = next
        self.settled = settled
        self.outcome = outcome
    }
}
