import CoreMetrics
import Observability
import ReleaseCriteria

/// What the service counts about itself. Labels are names from the configuration, or the few values that are written here.
struct SignerMetrics: Sendable {
    let registry = MetricsRegistry()

    /// A decision that was recorded, and the criteria that did not hold.
    func decided(_ key: String, _ outcome: String, _ findings: [CriterionFinding]) {
        count(.signerDecisions, [("key", key), ("outcome", outcome)])
        for criterion in Set(findings.filter { !$0.holds }.map(\.criterion)) {
            count(.signerCriteriaFailed, [("key", key), ("criterion", criterion)])
        }
    }

    /// How long a key took for a signature that was made.
    func signed(_ key: String, in duration: Duration) {
        let nanoseconds = duration / .nanoseconds(1)
        Timer(label: MetricName.signerSignatureDuration.rawValue, dimensions: [("key", key)], factory: registry)
            .recordNanoseconds(Int64(nanoseconds))
    }

    /// A request that got an error for an answer.
    func refused(_ code: SignerError.Code) { count(.signerRefused, [("reason", code.rawValue)]) }

    func lookedUp(_ registry: String, isAnswered: Bool) {
        count(.signerEvidenceLookups, [("registry", registry), ("outcome", isAnswered ? "answered" : "failed")])
    }

    /// Brings up to date what is no count.
    func sample(_ keys: [SigningKey], _ log: DecisionLog) async {
        for key in keys { set(.signerKeyReady, await key.problem == nil ? 1 : 0, [("key", key.name)]) }
        set(.signerLogEntries, await log.entries)
        set(.signerLogWritable, await log.problem == nil ? 1 : 0)
    }

    private func count(_ name: MetricName, _ dimensions: [(String, String)]) {
        Counter(label: name.rawValue, dimensions: dimensions, factory: registry).increment()
    }

    private func set(_ name: MetricName, _ value: Int64, _ dimensions: [(String, String)] = []) {
        Gauge(label: name.rawValue, dimensions: dimensions, factory: registry).record(value)
    }
}
