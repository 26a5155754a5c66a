package import Codecs
package import PostgresKit
package import TrustModel

/// A receiver's secret, sealed under the master key and bound to its name and address.
package struct WebhookSecretRecord: Sendable, Equatable {
    package let id: Int64
    package let name: String
    package let url: String
    package let sealed: [UInt8]

    package init(id: Int64, name: String, url: String, sealed: [UInt8]) {
        self.id = id
        self.name = name
        self.url = url
        self.sealed = sealed
    }
}

/// The queue of events as those see it who deliver them.
///
/// What is queued was queued by the transaction that it tells of. A receiver is delivered to by one replica at a time, in
/// order while it takes what it is sent: one event that fails holds up later ones for a minute, and its number tells
/// where it belongs. A replica that dies leaves its receiver to others after a minute, and what it sent last may be sent
/// again under the same id.
package struct WebhookStore: Sendable {
    /// Seconds for which a replica has a receiver.
    package static let leaseSeconds: Int64 = 60
    /// Seconds after it was queued for which an event that fails holds up those after it.
    package static let heldSeconds: Int64 = 60
    /// Days for which settled deliveries can be looked at.
    package static let keptDays: Int64 = 7

    let pool: ConnectionPool

    /// - Parameter pool: of the publisher's role.
    package init(pool: ConnectionPool) { self.pool = pool }

    /// Takes a receiver for which something is due; nil when there is none, or others have them.
    package func lease(now: UTCDate) async throws -> LeasedWebhook? {
        let lease = LeaseWebhook(now: now, until: now.adding(seconds: Self.leaseSeconds))
        return try await pool.withTransaction(attempts: 4) { try await $0.fetchOptional(lease) }
    }

    /// Lets a receiver go.
    ///
    /// - Parameter rest: when it is spoken to again at the earliest; nil for at once. A lease's length at most.
    package func end(_ lease: LeasedWebhook, restingUntil rest: UTCDate? = nil, now: UTCDate) async throws {
        let longest = now.adding(seconds: Self.leaseSeconds)
        try await pool.execute(EndLease(webhook: lease, rest: rest.map { min($0, longest) }))
    }

    package func next(for webhook: LeasedWebhook, now: UTCDate) async throws -> PendingDelivery? {
        try await pool.fetchOptional(FetchNextDelivery(webhook: webhook, now: now))
    }

    /// Keeps that a delivery was taken.
    package func delivered(_ delivery: PendingDelivery, _ outcome: String, now: UTCDate) async throws {
        try await settle(delivery, .delivered, nil, now, outcome)
    }

    /// Keeps that an attempt failed, and when the next one is due; nil when there is to be none.
    package func failed(
        _ delivery: PendingDelivery, _ outcome: String, next: UTCDate?, now: UTCDate
    ) async throws {
        try await settle(delivery, next == nil ? .givenUp : .waiting, next, next == nil ? now : nil, outcome)
    }

    private func settle(
        _ delivery: PendingDelivery, _ state: WebhookDeliveryRecord.State, _ next: UTCDate?, _ settled: UTCDate?,
        _ outcome: String
    ) async throws {
        try await pool.execute(
            SettleDelivery(
                delivery: delivery, state: state, next: next, settled: settled, outcome: String(outcome.prefix(300))))
    }

    /// Deliveries that wait, and since when the oldest of them.
    package func backlog() async throws -> (waiting: Int, oldest: UTCDate?) {
        try await pool.fetchOne(MeasureDeliveries())
    }

    package func forgetOld(now: UTCDate) async throws {
        try await pool.execute(DeleteOldDeliveries(before: now.adding(days: -Self.keptDays)))
        try await pool.execute(DeleteOldNotices(before: now.adding(days: -400)))
    }

    // MARK: Notices

    /// Tells of what has come due by the clock, each thing once.
    ///
    /// - Returns: what was told of.
    @discardableResult
    package func raiseNotices(now: UTCDate) async throws -> [String] {
        let anchors = try await pool.fetchAll(NoticeExpiringAnchors(now: now))
        let reviews = try await pool.fetchAll(NoticeDueReviews(now: now))
        let exceptions = try await pool.fetchAll(NoticeEndingExceptions(now: now))
        return anchors + reviews + exceptions + (try await pool.fetchAll(NoticeStaleHosts(now: now)))
    }

    /// Tells once that the audit log is broken at an entry.
    package func raiseBrokenAudit(_ broken: AuditTrail.Break, now: UTCDate) async throws {
        try await pool.execute(
            InsertNotice(
                event: .auditBroken, object: "audit", stage: "\(broken.sequence)",
                detail: ["reason": .string(broken.reason)], now: now))
    }
}
