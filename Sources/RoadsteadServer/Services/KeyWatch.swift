import CoreMetrics
import Logging
import Observability
import RoadsteadPublish
import RoadsteadStore
import SigningKeys
import Synchronization
import TrustModel

/// Tries the server's own keys in tokens and services: one that cannot be used is told before it is missed, and one that
/// is back is used again.
final class KeyWatch: Sendable {
    /// How often keys that fail are tried.
    static let interval = Duration.seconds(10)
    /// How often the others are.
    private static let healthyInterval = Duration.seconds(300)

    private struct Seen {
        let key: ServerKey
        var tried: ContinuousClock.Instant
        var reason: String?
    }

    private let store: PublisherStore
    private let keys: ServerKeys
    private let logger: Logger
    private let metrics: any MetricsFactory
    private let seen = Mutex<[String: Seen]>([:])

    init(store: PublisherStore, keys: ServerKeys, logger: Logger, metrics: any MetricsFactory) {
        self.store = store
        self.keys = keys
        self.logger = logger
        self.metrics = metrics
    }

    /// Tries what is due.
    ///
    /// - Returns: whether a key is back.
    @discardableResult
    func turn() async throws -> Bool {
        let held = try await store.namedKeys().map { (id: $0.key.keyID, key: try ServerKey($0)) }
        forgetOthers(than: Set(held.map(\.id)))
        var (isBack, hanging) = (false, Set<KeyScheme>())
        for (id, key) in held where isDue(id) {
            guard let scheme = key.name?.scheme else { continue }
            // What hangs for one key hangs for the others: they are not waited for one by one.
            let reason = hanging.contains(scheme) ? keys.problem(with: key) : await keys.test(key)
            if keys.reach?.isHanging(scheme) == true { hanging.insert(scheme) }
            if note(reason, id, key) { isBack = true }
        }
        return isBack
    }

    private func isDue(_ id: String) -> Bool {
        seen.withLock { seen in
            seen[id].map { $0.reason != nil || ContinuousClock.now - $0.tried >= Self.healthyInterval } ?? true
        }
    }

    private func forgetOthers(than ids: Set<String>) {
        let gone = seen.withLock { seen in
            defer { seen = seen.filter { ids.contains($0.key) } }
            return seen.filter { !ids.contains($0.key) }
        }
        for (_, entry) in gone { measure(entry.key, isUnusable: false) }
    }

    private func note(_ reason: String?, _ id: String, _ key: ServerKey) -> Bool {
        let before = seen.withLock { seen in
            defer { seen[id] = Seen(key: key, tried: .now, reason: reason) }
            return seen[id]?.reason
        }
        measure(key, isUnusable: reason != nil)
        var metadata: Logger.Metadata = [LogKey.role.rawValue: "\(key.purpose)"]
        if let reason, before == nil {
            metadata[LogKey.reason.rawValue] = "\(reason)"
            logger.error("a key of the server cannot be used", metadata: metadata)
        } else if reason == nil, before != nil {
            logger.notice("a key of the server can be used again", metadata: metadata)
        }
        return reason == nil && before != nil
    }

    private func measure(_ key: ServerKey, isUnusable: Bool) {
        guard case .named(_, let fleet) = key.home else { return }
        Gauge(
            label: MetricName.keyUnusable.rawValue,
            dimensions: [("fleet", fleet?.rawValue ?? ""), ("role", key.purpose.role)], factory: metrics
        ).record(isUnusable ? 1 : 0)
    }
}
