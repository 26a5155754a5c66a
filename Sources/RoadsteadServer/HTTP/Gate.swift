import Codecs
import CoreMetrics
import HTTPTypes
import Hummingbird
import IdentityTokens
import Observability
import RoadsteadStore

/// Finds out who is calling, and slows down those who guess.
struct Gate: Sendable {
    /// The credential's holder; nil for one that does not count, whatever the reason.
    typealias Lookup =
        @Sendable (_ shown: ShownCredential, _ requestID: String, _ now: UTCDate) async throws -> Session?

    let lookup: Lookup
    let proxies: ProxyGuard
    /// Whether the listener asks for client certificates.
    let takesCertificates: Bool
    let limiter: SignInLimiter
    let requests: RequestLimiter
    /// Where failures are told of; nil where there is no audit log.
    let attempts: AttemptLog?
    private let failures: Counter

    init(
        proxies: ProxyGuard, metrics: any MetricsFactory, limits: RequestLimits = .standard,
        takesCertificates: Bool = false, attempts: AttemptLog? = nil, lookup: @escaping Lookup
    ) {
        self.attempts = attempts
        self.lookup = lookup
        self.takesCertificates = takesCertificates
        self.proxies = proxies
        requests = RequestLimiter(limits)
        limiter = SignInLimiter(failuresPerMinute: limits.failuresPerMinute)
        failures = Counter(label: MetricName.failedSignIns.rawValue, dimensions: [], factory: metrics)
    }

    /// Says no more than this, whichever part was wrong.
    static let refusal = ServerError(
        .unauthenticated, "this needs a credential that counts",
        hint: "sign in with: roadstead login; a token may have expired or been revoked")

    /// Longest credential looked at: a provider's token and the word before it.
    static let longestBearer = CompactToken.maximumBytes + 16

    static func bearer(of request: Request) -> String? {
        guard let header = request.headers[.authorization], header.utf8.count <= longestBearer else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    func signIn(
        _ bearer: String?, _ request: Request, _ context: RoadsteadContext, now: UTCDate
    ) async throws -> Session {
        try await admit(request, context, now: now)
        guard let shown = await shown(bearer, context, now) else { throw Self.refusal }
        guard let session = try await lookup(shown, context.requestID, now) else {
            await recordFailure(request, context, now: now)
            throw Self.refusal
        }
        return session
    }

    /// A bearer goes before the certificate of the connection.
    private func shown(_ bearer: String?, _ context: RoadsteadContext, _ now: UTCDate) async -> ShownCredential? {
        if let bearer { return .bearer(bearer) }
        return await provedKey(context, now).map { .key($0) }
    }

    /// The key that the caller's own connection has proved; one that comes through a proxy has proved none.
    func provedKey(_ context: RoadsteadContext, _ now: UTCDate) async -> ProvedKey? {
        guard takesCertificates, !proxies.speaksForOthers(context) else { return nil }
        return await ProvedKey.of(context.channel, now: now)
    }

    /// Refuses addresses from which too many credentials were wrong; what they go on showing is counted, not looked at.
    func admit(_ request: Request, _ context: RoadsteadContext, now: UTCDate) async throws {
        do { try limiter.admit(proxies.client(request, context)) } catch {
            await noteFailure(request, context, now: now)
            throw error
        }
    }

    func recordFailure(_ request: Request, _ context: RoadsteadContext, now: UTCDate) async {
        limiter.recordFailure(proxies.client(request, context))
        await noteFailure(request, context, now: now)
    }

    /// Tells of a credential that did not count, of somebody whom that does not bar.
    func noteFailure(_ request: Request, _ context: RoadsteadContext, now: UTCDate) async {
        failures.increment()
        await attempts?.noteFailedSignIn(from: proxies.client(request, context), request, context, now: now)
    }
}
