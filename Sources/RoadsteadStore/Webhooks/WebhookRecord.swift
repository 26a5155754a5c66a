package import Codecs
package import TrustModel

/// What a receiver can be told of.
package enum WebhookEvent: String, Sendable, CaseIterable, Codable {
    /// A change was submitted, or sent back, and waits for approvals.
    case changeWaiting = "change.waiting"
    case changeApproved = "change.approved"
    case changeRejected = "change.rejected"
    case changeExpired = "change.expired"
    case changePublished = "change.published"
    case denialIssued = "denial.issued"
    case denialLifted = "denial.lifted"
    case releasePublished = "release.published"
    /// Nothing of a fleet is published, because the database is behind what was published.
    case fleetHalted = "fleet.halted"
    case attemptRefused = "attempt.refused"
    /// A trust anchor ends in 90, 30, 7 or 1 days.
    case rootExpiring = "root.expiring"
    /// A trust anchor should have been reviewed by now.
    case reviewDue = "review.due"
    /// An exception of a fleet ends within a day.
    case exceptionEnding = "exception.ending"
    /// A host has not been heard of for a day.
    case hostStale = "host.stale"
    /// The audit log was altered.
    case auditBroken = "audit.broken"
    /// Asked for by a person, to see whether a receiver takes it.
    case test = "webhook.test"
}

/// A receiver of events, without its secret.
package struct WebhookRecord: Sendable, Equatable {
    package let id: Int64
    package let name: String
    package let url: String
    package let events: [WebhookEvent]
    package let createdBy: PersonID
    package let created: UTCDate
    /// Deliveries that are still to be made.
    package let waiting: Int
    /// How the last delivery that was settled ended; nil before the first.
    package let lastState: WebhookDeliveryRecord.State?
}

/// A receiver to be made.
package struct NewWebhook: Sendable {
    package let name: String
    package let url: String
    package let events: [WebhookEvent]
    /// Sealed under the master key.
    package let secret: [UInt8]

    package static let mostEvents = 32
    package static let longestURL = 2_048
    package static let most = 20

    /// - Throws: `StoreError(.invalid)` for a name or a list of events that cannot be.
    package init(name: String, url: String, events: [WebhookEvent], secret: [UInt8]) throws {
        let first = UInt8(ascii: "a")...UInt8(ascii: "z")
        guard let head = name.utf8.first, first.contains(head), name.utf8.count <= 31,
            name.utf8.allSatisfy({ first.contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") })
        else {
            throw StoreError(
                .invalid, "\"\(name.prefix(40))\" is no name of a webhook",
                hint: "lower-case letters, digits and -, a letter first, at most 31 characters")
        }
        guard !events.isEmpty, Set(events).count == events.count, !events.contains(.test) else {
            throw StoreError(
                .invalid, "the events of a webhook are none, or one of them twice",
                hint: "of \(WebhookEvent.allCases.filter { $0 != .test }.map(\.rawValue).joined(separator: ", "))")
        }
        guard url.utf8.count <= Self.longestURL else {
            throw StoreError(.invalid, "the address of a webhook has more than \(Self.longestURL) bytes")
        }
        self.name = name
        self.url = url
        self.events = events
        self.secret = secret
    }
}

/// One event on its way to one receiver.
package struct WebhookDeliveryRecord: Sendable, Equatable {
    package enum State: String, Sendable, Codable, CaseIterable {
        case waiting, delivered
        case givenUp = "given-up"
    }

    package let id: Int64
    package let event: String
    package let state: State
    package let attempts: Int
    package let created: UTCDate
    package let next: UTCDate
    package let settled: UTCDate?
    package let outcome: String?
}

/// A receiver that this replica delivers to for a while.
package struct LeasedWebhook: Sendable {
    package let id: Int64
    package let name: String
    package let url: String
    /// Sealed under the master key.
    package let secret: [UInt8]
    package let until: UTCDate
}

/// What is to be sent next.
package struct PendingDelivery: Sendable {
    package let id: Int64
    package let event: String
    package let body: String
    package let attempts: Int
    package let created: UTCDate
}
