import Codecs
import IdentityTokens
import Outbound
import PythonEnvironment
import RoadsteadStore
import TestProvider
import Testing

@testable import RoadsteadServer

/// Tokens of a real provider against the server's own reading of them.
@Suite(.enabled("python-cryptography can be installed") { try await PythonEnvironment.isAvailable() })
struct TokenVerifierTests {
    private let now = UTCDate(seconds: 1_795_000_000)

    private func scene(
        _ change: (inout ProviderSettings) -> Void = { _ in }
    ) throws -> (provider: TestProvider, verifier: TokenVerifier) {
        let provider = try TestProvider()
        var settings = ProviderSettings()
        (settings.issuer, settings.clientID, settings.audience) = (provider.issuer, TestProvider.clientID, "api")
        change(&settings)
        let policy = OutboundPolicy(allowed: [try HostRule(provider.issuer)], timeout: .seconds(10))
        return (provider, TokenVerifier(settings, outbound: try OutboundClient(policy: policy)))
    }

    private func refusal(
        _ verifier: TokenVerifier, _ token: String, _ purpose: TokenVerifier.Purpose = .signIn(nonce: nil),
        at now: UTCDate? = nil
    ) async -> IdentityTokenError.Code? {
        do throws(IdentityTokenError) {
            _ = try await verifier.verify(token, for: purpose, now: now ?? self.now)
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: ["rsa", "ec", "ec384", "ed"])
    func `a token by a key of each kind says who it is`(key: String) async throws {
        let (provider, verifier) = try scene()
        let claims = provider.claims(now: now, [("name", "Carol C"), ("groups", ["b", "a", "b"])])
        let identity = try await verifier.verify(
            try provider.token(claims, key: key), for: .signIn(nonce: nil), now: now)
        #expect(identity.issuer == provider.issuer && identity.subject == "carol")
        #expect(identity.displayName == "Carol C" && identity.groups == ["a", "b"] && identity.isForPeople)
        #expect(identity.issued == now && identity.expires == now.adding(seconds: 360))
    }

    @Test func `an RSA key serves both of its own algorithms`() async throws {
        let (provider, verifier) = try scene()
        let token = try provider.token(provider.claims(now: now), [("alg", "PS256")])
        #expect(await refusal(verifier, token) == nil)
    }

    @Test func `times hold within a minute, and not beyond`() async throws {
        let (provider, verifier) = try scene()
        let token = try provider.token(provider.claims(now: now))
        #expect(await refusal(verifier, token, at: now.adding(seconds: 359)) == nil)
        #expect(await refusal(verifier, token, at: now.adding(seconds: 360)) == .time)
        #expect(await refusal(verifier, token, at: now.adding(seconds: -60)) == nil)
        #expect(await refusal(verifier, token, at: now.adding(seconds: -61)) == .time)
        let later = JSON.integer(now.seconds + 61)
        let notYet = try provider.token(provider.claims(now: now, [("nbf", later)]))
        #expect(await refusal(verifier, notYet) == .time)
        for claim in ["exp", "iat"] {
            let none = try provider.token(provider.claims(now: now, [(claim, .null)]))
            #expect(await refusal(verifier, none) == .time, "\(claim)")
        }
        let endless = try provider.token(provider.claims(now: now, [("exp", .string("9999999999"))]))
        #expect(await refusal(verifier, endless) == .time)
    }

    @Test func `an old token is a bearer still, and signs nobody in`() async throws {
        let (provider, verifier) = try scene { $0.audience = TestProvider.clientID }
        let token = try provider.token(
            provider.claims(now: now, [("iat", .integer(now.seconds - 601))]))
        #expect(await refusal(verifier, token) == .time)
        #expect(await refusal(verifier, token, .bearer) == nil)
    }

    @Test func `a token is for this server and no other`() async throws {
        let (provider, verifier) = try scene()
        func token(_ audience: JSON, _ party: JSON? = nil) throws -> String {
            try provider.token(
                provider.claims(now: now, [("aud", audience)] + (party.map { [("azp", $0)] } ?? [])))
        }
        #expect(await refusal(verifier, try token("somebody-else")) == .audience)
        #expect(await refusal(verifier, try token("api")) == .audience)
        #expect(await refusal(verifier, try token("api"), .bearer) == nil)
        #expect(await refusal(verifier, try token("roadstead-cli"), .bearer) == .audience)
        #expect(await refusal(verifier, try token([])) == .audience)
        #expect(await refusal(verifier, try token(.null)) == .audience)
        #expect(await refusal(verifier, try token(["roadstead-cli"])) == nil)
        #expect(await refusal(verifier, try token(["roadstead-cli", "other"])) == .audience)
        #expect(await refusal(verifier, try token(["roadstead-cli", "other"], "other")) == .audience)
        #expect(await refusal(verifier, try token(["roadstead-cli", "other"], "roadstead-cli")) == nil)
        #expect(await refusal(verifier, try token("roadstead-cli", "other")) == .audience)
    }

    @Test func `an empty setting is nobody's audience`() async throws {
        let (provider, verifier) = try scene { ($0.clientID, $0.audience) = ("", "") }
        #expect(await refusal(verifier, try provider.token(provider.claims(now: now, audience: ""))) == .audience)
    }

    @Test func `the issuer is exactly the one that was configured`() async throws {
        let (provider, verifier) = try scene()
        for issuer in [provider.issuer + "/", provider.issuer.uppercased(), "https://login.example.com", ""] {
            let token = try provider.token(provider.claims(now: now, [("iss", .string(issuer))]))
            #expect(await refusal(verifier, token) == .issuer, "\(issuer)")
        }
        try provider.control(["op": "set", "claimed_issuer": "https://login.example.com"])
        #expect(await refusal(verifier, try provider.token(provider.claims(now: now))) == .provider)
    }

    @Test func `no algorithm but the key's own is taken`() async throws {
        let (provider, verifier) = try scene()
        let claims = provider.claims(now: now)
        let none = try provider.token(claims, [("alg", "none"), ("sign", "none")])
        #expect(await refusal(verifier, none) == .malformed)
        #expect(await refusal(verifier, none + "AAAA") == .algorithm)
        let shared = try provider.token(claims, [("alg", "HS256"), ("sign", "HS256")])
        #expect(await refusal(verifier, shared) == .algorithm)
        let disguised = try provider.token(claims, [("alg", "RS256"), ("sign", "HS256")])
        #expect(await refusal(verifier, disguised) == .signature)
        let swapped = try provider.token(claims, [("alg", "ES256"), ("sign", "ES256"), ("by", "ec")])
        #expect(await refusal(verifier, swapped) == .algorithm)
        let foreign = try provider.token(claims, [("by", "ec"), ("sign", "ES256")])
        #expect(await refusal(verifier, foreign) == .signature)
        for name in ["RS1", "RS512", "HS512", "es256", "None", ""] {
            let token = try provider.token(claims, [("alg", .string(name)), ("sign", "RS256")])
            #expect(await refusal(verifier, token) == .algorithm, "\(name)")
        }
    }

    @Test(arguments: ["ec", "ec384"])
    func `a token is the same one with the other signature that an elliptic curve allows`(key: String) async throws {
        let (provider, verifier) = try scene()
        let token = try provider.token(provider.claims(now: now), key: key)
        let twin = try mirrored(token)
        #expect(twin != token)
        let first = try await verifier.verify(token, for: .signIn(nonce: nil), now: now)
        let second = try await verifier.verify(twin, for: .signIn(nonce: nil), now: now)
        #expect(first.tokenSHA256 == second.tokenSHA256)
        let other = try provider.token(provider.claims(of: "dave", now: now), key: key)
        let third = try await verifier.verify(other, for: .signIn(nonce: nil), now: now)
        #expect(third.tokenSHA256 != first.tokenSHA256)
    }

    /// The token with n - s in place of s: (r, n - s) is as good as (r, s).
    private func mirrored(_ token: String) throws -> String {
        let parts = token.split(separator: ".").map(String.init)
        let signature = try Base64.decode(try #require(parts.last), .url)
        let half = signature.count / 2
        let order = try Hex.decode(
            half == 32
                ? "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
                : "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973")
        var rest: [UInt8] = []
        var borrow = 0
        for (n, s) in zip(order, signature[half...]).reversed() {
            let difference = Int(n) - Int(s) - borrow
            borrow = difference < 0 ? 1 : 0
            rest.insert(UInt8(difference + borrow * 256), at: 0)
        }
        return (parts.dropLast() + [Base64.encode(signature[..<half] + rest, .url)]).joined(separator: ".")
    }

    @Test func `a key of the token's own is not looked at`() async throws {
        let (provider, verifier) = try scene()
        try provider.control(["op": "add-key", "name": "rogue", "kind": "RS256"])
        let header: JSON = [
            "kid": "rsa", "jku": "https://evil.example/jwks", "jwk": ["kty": "RSA", "n": "AQAB", "e": "AQAB"],
        ]
        let token = try provider.token(provider.claims(now: now), [("by", "rogue"), ("header", header)])
        #expect(await refusal(verifier, token) == .signature)
        let unknown = try provider.token(provider.claims(now: now), key: "rogue")
        #expect(await refusal(verifier, unknown) == .key)
    }

    @Test func `what is no token is refused before anybody is asked`() async throws {
        let (provider, verifier) = try scene()
        let claims = provider.claims(now: now)
        let good = try provider.token(claims)
        let parts = good.split(separator: ".").map(String.init)
        let giant = try provider.token(
            provider.claims(now: now, [("x", .string(String(repeating: "x", count: 17_000)))]))
        let twice = "{\"iss\":\"\(provider.issuer)\",\"sub\":\"carol\",\"sub\":\"admin\"}"
        let bad = [
            "", ".", "..", "a.b.c", parts[0], "\(parts[0]).\(parts[1])", "\(parts[0]).\(parts[1]).", good + ".x",
            good + "=", " " + good, good + "\n", giant,
            try provider.token([:], [("raw", .string(twice))]), try provider.token([:], [("raw", "[]")]),
            try provider.token([:], [("raw", "{\"iss\":1.5}")]),
            try provider.token(claims, [("header", ["crit": ["exp"], "exp": 1])]),
            try provider.token(claims, [("header", ["typ": "logout+jwt"])]),
        ]
        for token in bad {
            let code = await refusal(verifier, token)
            #expect(code == .malformed || code == .signature || code == .issuer, "\(token.prefix(60))")
            #expect(code != nil)
        }
        #expect(try provider.hits("/jwks") <= 1)
    }

    @Test func `a changed claim breaks the signature`() async throws {
        let (provider, verifier) = try scene()
        let (one, other) = (
            try provider.token(provider.claims(now: now)), try provider.token(provider.claims(of: "admin", now: now))
        )
        let (a, b) = (one.split(separator: "."), other.split(separator: "."))
        #expect(await refusal(verifier, "\(a[0]).\(b[1]).\(a[2])") == .signature)
    }

    @Test func `the subject is 1 to 255 bytes`() async throws {
        let (provider, verifier) = try scene()
        for subject in [JSON.string(""), .string(String(repeating: "s", count: 256)), .null, 7, .string("a\u{0}b")] {
            let token = try provider.token(provider.claims(now: now, [("sub", subject)]))
            #expect(await refusal(verifier, token) == .subject)
        }
    }

    @Test func `a token with a nonce is for the sign-in that made it`() async throws {
        let (provider, verifier) = try scene { $0.audience = TestProvider.clientID }
        let token = try provider.token(provider.claims(now: now, [("nonce", "n-1")]))
        #expect(await refusal(verifier, token, .signIn(nonce: "n-1")) == nil)
        #expect(await refusal(verifier, token, .signIn(nonce: "n-2")) == .nonce)
        #expect(await refusal(verifier, token, .signIn(nonce: nil)) == .nonce)
        #expect(await refusal(verifier, token, .bearer) == .nonce)
        let without = try provider.token(provider.claims(now: now))
        #expect(await refusal(verifier, without, .signIn(nonce: "n-1")) == .nonce)
    }

    @Test func `a new key is found, at most one look a minute, and an old one ends with the hour`() async throws {
        let (provider, verifier) = try scene()
        #expect(await refusal(verifier, try provider.token(provider.claims(now: now))) == nil)
        try provider.control(["op": "add-key", "name": "next", "kind": "ES256"])
        try provider.control(["op": "set", "published": ["next"]])
        let token = try provider.token(provider.claims(now: now), key: "next")
        #expect(await refusal(verifier, token, at: now.adding(seconds: 59)) == .key)
        #expect(try provider.hits("/jwks") == 1)
        #expect(await refusal(verifier, token, at: now.adding(seconds: 60)) == nil)
        #expect(try provider.hits("/jwks") == 2)
        let old = try provider.token(provider.claims(now: now.adding(seconds: 60)))
        #expect(await refusal(verifier, old, at: now.adding(seconds: 61)) == .key)
        for _ in 0..<5 { _ = await refusal(verifier, old, at: now.adding(seconds: 62)) }
        #expect(try provider.hits("/jwks") == 2)
    }

    @Test func `a withdrawn key ends within the hour though nothing unknown comes`() async throws {
        let (provider, verifier) = try scene()
        #expect(await refusal(verifier, try provider.token(provider.claims(now: now))) == nil)
        try provider.control(["op": "set", "published": ["ec"]])
        let soon = now.adding(seconds: 3_599)
        #expect(await refusal(verifier, try provider.token(provider.claims(now: soon)), at: soon) == nil)
        let later = now.adding(seconds: 3_600)
        #expect(await refusal(verifier, try provider.token(provider.claims(now: later)), at: later) == .key)
    }

    @Test func `while the provider is away its known keys go on for a day`() async throws {
        let (provider, verifier) = try scene()
        #expect(await refusal(verifier, try provider.token(provider.claims(now: now))) == nil)
        try provider.control(["op": "set", "down": true])
        let later = now.adding(seconds: 86_399)
        #expect(await refusal(verifier, try provider.token(provider.claims(now: later)), at: later) == nil)
        let over = now.adding(seconds: 86_400)
        #expect(await refusal(verifier, try provider.token(provider.claims(now: over)), at: over) == .provider)
        try provider.control(["op": "set", "down": false])
        let back = over.adding(seconds: 60)
        #expect(await refusal(verifier, try provider.token(provider.claims(now: back)), at: back) == nil)
    }

    @Test func `weak keys count for nothing`() async throws {
        let (provider, verifier) = try scene()
        try provider.control(["op": "add-key", "name": "weak", "kind": "weak"])
        try provider.control(["op": "set", "published": ["ec", "weak"]])
        let token = try provider.token(provider.claims(now: now), key: "weak", [("alg", "RS256"), ("sign", "RS256")])
        #expect(await refusal(verifier, token) == .key)
    }

    @Test func `a provider that the operator did not allow is not asked`() async throws {
        let provider = try TestProvider()
        var settings = ProviderSettings()
        (settings.issuer, settings.clientID) = (provider.issuer, TestProvider.clientID)
        let verifier = TokenVerifier(settings, outbound: try OutboundClient(policy: OutboundPolicy()))
        #expect(await refusal(verifier, try provider.token(provider.claims(now: now))) == .provider)
        #expect(try provider.hits("/.well-known/openid-configuration") == 0)
    }
}
