import Codecs
import CoreMetrics
import HTTPTypes
import Hummingbird
import Logging
import Observability
import Problems
import RoadsteadStore
import SigningKeys
import TrustModel

/// Writes what was refused into the audit log: the one place for attempts of known callers and for credentials that did
/// not count. A flood is counted instead of written, and a log that cannot be written refuses nobody anything else.
struct AttemptLog: Sendable {
    /// Problems that tell of somebody who tried what they may not do, or what a rule forbids.
    static let refusals: Set<String> = [
        "store.forbidden", "store.own-proposal", "store.refused-by-rule", "store.refused-by-guard",
        "store.stale-approval", "trust.foreign-scope",
    ]
    static let attemptLimits = AttemptCounter<PersonID>.Limits(
        windowSeconds: 60, entries: 60, entriesInAll: 600, sources: 4_096)
    static let signInLimits = AttemptCounter<String>.Limits(
        windowSeconds: 600, entries: 10, entriesInAll: 300, sources: 4_096)

    private let store: ApiStore
    private let logger: Logger
    private let originKey: Secret
    private let metrics: any MetricsFactory
    private let attempts = AttemptCounter<PersonID>(AttemptLog.attemptLimits)
    private let signIns = AttemptCounter<String>(AttemptLog.signInLimits)

    /// - Parameter originKey: makes the names under which addresses stand in the log.
    init(store: ApiStore, originKey: Secret, logger: Logger, metrics: any MetricsFactory) {
        self.store = store
        self.originKey = originKey
        self.logger = logger
        self.metrics = metrics
    }

    /// Keeps the refusal of a caller's request; other errors are none of its business.
    func note(_ error: any Error, of endpoint: Endpoint, _ call: Call) async {
        guard let session = call.session, let problem = error as? any Problem,
            Self.refusals.contains(problem.identifier)
        else { return }
        count("refused")
        guard attempts.admits(session.person.id, at: call.now) else { return }
        let attempt = RefusedAttempt(
            actor: session.actor, operation: "\(endpoint.method.rawValue) \(endpoint.path)",
            object: call.request.uri.path, code: problem.identifier, reason: problem.reason, team: call.named("team"),
            fleet: call.named("fleet"))
        await keep { try await store.record(attempt, now: call.now) }
    }

    /// Keeps that a credential did not count.
    func noteFailedSignIn(
        from address: String, _ request: Request, _ context: RoadsteadContext, now: UTCDate
    ) async {
        count("sign-in")
        let origin = origin(of: address)
        guard signIns.admits(origin, at: now) else { return }
        let operation = "\(request.method.rawValue) \(context.endpointPath ?? "none")"
        let failure = FailedSignIn(requestID: context.requestID, operation: operation, origin: origin)
        await keep { try await store.record(failure, now: now) }
    }

    /// Writes what was only counted, once its time is over.
    ///
    /// - Parameter all: also of times that are not over, at the end of the program.
    func writeCounts(now: UTCDate, all: Bool = false) async {
        for count in attempts.take(at: now, all: all) {
            guard let person = count.source else { continue }
            await keep { try await store.recordAttempts(count.count, of: person, since: count.since, now: now) }
        }
        for count in signIns.take(at: now, all: all) {
            await keep {
                try await store.recordFailedSignIns(count.count, from: count.source, since: count.since, now: now)
            }
        }
    }

    /// The same for the same address, and no way back to it without the master key.
    private func origin(of address: String) -> String {
        Hex.encode(hmacSHA256(Array(address.utf8), key: originKey).prefix(8))
    }

    private func keep(_ body: () async throws -> Void) async {
        do { try await body() } catch {
            count("lost")
            logger.error(
                "a refused attempt cannot be kept in the audit log",
                metadata: [LogKey.reason.rawValue: "\(String(reflecting: error))"])
        }
    }

    private func count(_ outcome: String) {
        Counter(label: MetricName.refusedAttempts.rawValue, dimensions: [("kind", outcome)], factory: metrics)
            .increment()
    }
}

extension Call {
    /// A name that the request gives, in its path or as a member of its body; nil where there is none or it is no name.
    fileprivate func named<Name: Slug>(_ member: String) -> Name? {
        if let text = context.parameters.get(member) { return try? Name(text) }
        guard !body.isEmpty, let json = try? JSON(parsing: body, limits: JSONLimits(bytes: body.count, depth: 32)),
            let text = json.objectOrNil?[member]?.stringOrNil
        else { return nil }
        return try? Name(text)
    }
}
