import Codecs
import CoreMetrics
import Logging
import Observability
import RoadsteadStore
import ServiceLifecycle
import TrustModel

/// What the server looks at by itself: whether the audit log is whole, and what has come due by the clock.
struct Watch: Sendable {
    /// Seconds between two verifications of the audit log, from the start of the program on.
    static let verificationSeconds: Int64 = 86_400
    static let interval = Duration.seconds(60)

    let store: WebhookStore
    let verifier: AuditVerifier
    let logger: Logger
    let metrics: any MetricsFactory

    /// Raises what is due; tells of each thing once, whichever replica is first.
    func look(now: UTCDate) async throws {
        try await store.raiseNotices(now: now)
        try await store.forgetOld(now: now)
    }

    /// Verifies the audit log and says what is wrong with it.
    func verifyAudit(now: UTCDate) async throws {
        let chain = try await verifier.verify()
        gauge(.auditIntact, chain.isIntact ? 1 : 0)
        gauge(.auditEntries, chain.entries)
        guard let broken = chain.broken else { return }
        logger.error("the audit log was altered", metadata: [LogKey.reason.rawValue: "\(broken.reason)"])
        try await store.raiseBrokenAudit(broken, now: now)
    }

    private func gauge(_ metric: MetricName, _ value: Int64) {
        Gauge(label: metric.rawValue, dimensions: [], factory: metrics).record(value)
    }
}

extension Watch {
    /// The services that keep looking.
    func services(_ sender: WebhookSender, clock: @escaping @Sendable () -> UTCDate) -> [any Service] {
        [
            PeriodicService("webhooks", every: .seconds(1), logger: logger) { try await sender.turn() },
            PeriodicService("notices", every: Self.interval, logger: logger) { try await look(now: clock()) },
            PeriodicService("audit verification", every: .seconds(Self.verificationSeconds), logger: logger) {
                try await verifyAudit(now: clock())
            },
        ]
    }
}
