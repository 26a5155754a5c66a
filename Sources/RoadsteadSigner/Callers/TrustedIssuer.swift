import Codecs
import Files
import IdentityTokens
import Outbound

/// An issuer of workload tokens, as it is written down.
struct IssuerForm: Decodable {
    /// Exactly as its tokens name it.
    let issuer: String
    /// What its tokens must be for, and nothing else.
    let audience: String
    let maximumAgeSeconds: Int64?
    /// PEM file with authorities that vouch for the issuer's server, beside the system's.
    let caFile: String?
    /// Where its keys may lie beside its own host and public ones: host:port or address/bits.
    let allow: [String]?
    /// Key set in a file, for machines that cannot ask the issuer.
    let keys: String?
}

/// An issuer whose tokens can be callers'.
struct TrustedIssuer: Sendable {
    /// As the configuration names it.
    let name: String
    let audience: String
    /// A bearer token is used many times; this bounds for how long, whatever its issuer says.
    let maximumAge: Int64
    let tokens: TokenIssuer

    static let mostIssuers = 20
    static let standardAge: Int64 = 3_600
    static let ages: ClosedRange<Int64> = 60...86_400
    private static let timeout = Duration.seconds(10)

    init(_ name: String, _ form: IssuerForm, _ absolute: (String) -> String) throws {
        let place = "issuers.\(name)"
        guard SignerConfiguration.isName(name) else {
            throw SignerError(
                .configuration, "\"\(name.prefix(60))\" is no issuer's name", hint: "a-z, 0-9, - and .")
        }
        guard (1...512).contains(form.audience.utf8.count) else {
            throw SignerError(
                .configuration, "\(place).audience is no audience", hint: "1 to 512 bytes that only this service is")
        }
        let age = form.maximumAgeSeconds ?? Self.standardAge
        guard Self.ages.contains(age) else {
            throw SignerError(
                .configuration, "\(place).maximumAgeSeconds is \(age)",
                hint: "\(Self.ages.lowerBound) to \(Self.ages.upperBound)")
        }
        (self.name, audience, maximumAge) = (name, form.audience, age)
        tokens = TokenIssuer(form.issuer, keys: try Self.keys(form, place, absolute))
    }

    /// Verifies a token, which is for this service alone. [RFC 8725 §3.9]
    func verify(_ token: CompactToken, now: UTCDate) async throws(IdentityTokenError) -> VerifiedToken {
        guard token.audiences == [audience] else {
            throw IdentityTokenError(.audience, "the token is for somebody else, or for others too")
        }
        guard token.claims["nonce"] == nil else {
            throw IdentityTokenError(.nonce, "the token was made for somebody's sign-in")
        }
        return try await tokens.verify(token, maximumAge: maximumAge, now: now)
    }

    private static func keys(
        _ form: IssuerForm, _ place: String, _ absolute: (String) -> String
    ) throws -> any IssuerKeys {
        do {
            let url = try OutboundURL(form.issuer)
            guard form.issuer.utf8.count <= 512, !form.issuer.contains("?") else {
                throw SignerError(
                    .configuration, "\(place).issuer is no issuer", hint: "exactly what tokens carry as iss")
            }
            guard let file = form.keys else {
                return Provider(issuer: form.issuer, outbound: try outbound(form, url, place, absolute))
            }
            guard form.caFile == nil, form.allow == nil else {
                throw SignerError(.configuration, "\(place) has keys in a file, and asks nobody by caFile or allow")
            }
            return try KeySet(try Files.read(absolute(file), limit: KeySet.largest), of: form.issuer)
        } catch let error as OutboundError {
            throw SignerError(.configuration, "\(place): \(error.reason)", hint: error.hint)
        } catch let error as IdentityTokenError {
            throw SignerError(.configuration, "\(place): \(error.reason)", hint: "the issuer's JWKS document")
        }
    }

    /// A client that goes to the issuer's own host, which the operator named, to public ones, and where else it is allowed.
    private static func outbound(
        _ form: IssuerForm, _ url: OutboundURL, _ place: String, _ absolute: (String) -> String
    ) throws -> OutboundClient {
        let rules =
            [HostRule.host(scheme: url.scheme, name: url.host, port: url.port)]
            + (try (form.allow ?? []).map { text throws(OutboundError) in try HostRule(text) })
        for case .host(.http, let host, _) in rules where !["127.0.0.1", "::1", "localhost"].contains(host) {
            throw SignerError(
                .configuration, "\(place) would be asked for its keys in the clear, at \(host)",
                hint: "use https; plain HTTP goes to this very machine only")
        }
        return try OutboundClient(
            policy: OutboundPolicy(
                allowed: rules, maximumBytes: KeySet.largest, timeout: timeout, connectTimeout: .seconds(5)),
            caFile: form.caFile.map(absolute), userAgent: "roadstead-signer")
    }
}
