import Codecs
import HTTPTypes
import Hummingbird
import IdentityTokens
import Logging
import NIOSSL
import PKI

/// Finds out who asks, before anything of a request but its head is read.
struct CallerGate: Sendable {
    let callers: CallerRegistry
    let shares: CallerLimiter
    let strangers: StrangerLimiter
    let takesCertificates: Bool
    let clock: @Sendable () -> UTCDate
    private let proven = ProvenTokens()

    init(_ configuration: SignerConfiguration, clock: @escaping @Sendable () -> UTCDate) {
        let limits = configuration.limits
        callers = configuration.callers
        shares = CallerLimiter(perMinute: limits.callerPerMinute)
        strangers = StrangerLimiter(perOrigin: limits.strangerPerMinute, total: limits.strangersPerMinute)
        takesCertificates = configuration.listen.clientAuthority != nil
        self.clock = clock
    }

    /// - Throws: `.unauthenticated`, whatever the reason; `.tooManyStrangers` and `.rateLimit` for those who ask too much.
    func caller(_ request: Request, _ context: SignerContext) async throws -> Caller {
        let caller = try await known(request, context)
        try shares.take(caller.name)
        return caller
    }

    /// Who asks: by the token where one is sent, else by the certificate of the connection. Both cost next to nothing; an
    /// issuer's token is verified only while strangers have looks left, or when it counted before.
    private func known(_ request: Request, _ context: SignerContext) async throws -> Caller {
        let now = clock()
        let token = Self.bearer(request)
        if let token {
            if let caller = callers.caller(token: token) { return caller }
        } else if request.headers[.authorization] == nil, let certificate = await certificate(context) {
            if let caller = callers.caller(certificate: certificate, now: now) { return caller }
        }
        let origin = StrangerLimiter.origin(of: context.channel)
        let isProven = token.map { proven.contains($0, now: now) } ?? false
        if !isProven { try strangers.admit(origin) }
        guard let token, callers.takesIdentityTokens, token.contains(".") else { throw Self.unauthenticated }
        do {
            let (caller, end) = try await callers.caller(identityToken: token, now: now)
            if !isProven { strangers.giveBack(origin) }
            proven.remember(token, until: end, now: now)
            return caller
        } catch {
            throw refusal(error, context)
        }
    }

    private func refusal(_ error: IdentityTokenError, _ context: SignerContext) -> SignerError {
        let isAway = error.code == .provider
        context.logger.log(
            level: isAway ? .warning : .info, "refused an issuer's token",
            metadata: ["code": "\(error.code.rawValue)", "reason": "\(error.reason)"])
        guard isAway else { return Self.unauthenticated }
        return SignerError(
            .issuerAway, "the token's issuer cannot be asked for its keys",
            hint: "try again; the operator's log has more")
    }

    private static func bearer(_ request: Request) -> String? {
        guard let header = request.headers[.authorization], header.utf8.count <= CompactToken.maximumBytes + 16 else {
            return nil
        }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    private func certificate(_ context: SignerContext) async -> Certificate? {
        guard takesCertificates, let shown = try? await context.channel.nioSSL_peerCertificate().get(),
            let der = try? shown.toDERBytes()
        else { return nil }
        return try? Certificate(der: der)
    }

    private static let unauthenticated = SignerError(
        .unauthenticated, "this needs a credential that counts",
        hint:
            "a client certificate or Authorization: Bearer; the service's log says what is wrong with an issuer's token"
    )
}
