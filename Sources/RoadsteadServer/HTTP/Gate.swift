import Codecs
import CoreMetrics
import HTTPTypes
import Hummingbird
import Observability
import RoadsteadStore

/// Finds out who is calling, and slows down those who guess.
struct Gate: Sendable {
    /// The credential's holder; nil for one that does not count, whatever the reason.
    typealias Lookup = @Sendable (_ token: String, _ requestID: String, _ now: UTCDate) async throws -> Session?

    let lookup: Lookup
    let proxies: ProxyGuard
    let limiter: SignInLimiter
    let requests: RequestLimiter
    private let failures: Counter

    init(proxies: ProxyGuard, metrics: any MetricsFactory, limits: RequestLimits = .standard, lookup: @escaping Lookup)
    {
        self.lookup = lookup
        self.proxies = proxies
        requests = RequestLimiter(limits)
        limiter = SignInLimiter(failuresPerMinute: limits.failuresPerMinute)
        failures = Counter(label: MetricName.failedSignIns.rawValue, dimensions: [], factory: metrics)
    }

    /// Says no more than this, whichever part was wrong.
    static let refusal = ServerError(
        .unauthenticated, "this needs a credential that counts",
        hint: "sign in with: roadstead login; a token may have expired or been revoked")

    /// Longest credential looked at.
    static let longestBearer = 256

    static func bearer(of request: Request) -> String? {
        guard let header = request.headers[.authorization], header.utf8.count <= longestBearer else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    func signIn(
        _ bearer: String?, _ request: Request, _ context: RoadsteadContext, now: UTCDate
    ) async throws -> Session {
        try admit(request, context)
        guard let bearer else { throw Self.refusal }
        guard let session = try await lookup(bearer, context.requestID, now) else {
            recordFailure(request, context)
            throw Self.refusal
        }
        return session
    }

    /// Refuses addresses from which too many credentials were wrong.
    func admit(_ request: Request, _ context: RoadsteadContext) throws {
        try limiter.admit(proxies.client(request, context))
    }

    func recordFailure(_ request: Request, _ context: RoadsteadContext) {
        limiter.recordFailure(proxies.client(request, context))
        failures.increment()
    }
}
