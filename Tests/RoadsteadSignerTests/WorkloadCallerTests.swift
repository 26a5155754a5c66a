import Codecs
import Files
import IdentityTokens
import Outbound
import PythonEnvironment
import TestProvider
import Testing

@testable import RoadsteadSigner

/// Tokens of a real provider against the service's callers.
@Suite(.enabled("python-cryptography can be installed") { try await PythonEnvironment.isAvailable() })
struct WorkloadCallerTests {
    private static let now = UTCDate(seconds: 1_795_000_000)
    private static let ours: [(String, JSON)] = [
        ("repository", "acme/app"), ("ref", "refs/heads/main"), ("protected", true),
    ]
    private static let rule: JSON = [
        "repository": "acme/app", "ref": ["refs/heads/main", "refs/heads/next"], "protected": true,
    ]

    private func registry(
        _ provider: TestProvider, _ callers: [(String, JSON)] = [("ci", rule)], more: [(String, JSON)] = []
    ) throws -> CallerRegistry {
        var form = JSONObject([("issuer", .string(provider.issuer)), ("audience", "signer")])
        for (name, value) in more { form[name] = value }
        let issuer = try TrustedIssuer("forge", try JSON.object(form).decode(place: "issuer")) { $0 }
        var forms: [String: CallerForm] = [:]
        for (name, claims) in callers {
            forms[name] = try (["token": ["issuer": "forge", "claims": claims]] as JSON).decode(place: "caller")
        }
        return try CallerRegistry(forms, issuers: [issuer], clientAuthority: nil)
    }

    private func claims(
        _ provider: TestProvider, at now: UTCDate = now, audience: String = "signer", _ more: [(String, JSON)] = []
    ) -> JSON {
        provider.claims(of: "repo:acme/app", now: now, audience: audience, Self.ours + more)
    }

    private func refusal(
        _ registry: CallerRegistry, _ token: String, at now: UTCDate = now
    ) async -> IdentityTokenError.Code? {
        do throws(IdentityTokenError) {
            _ = try await registry.caller(identityToken: token, now: now)
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: ["rsa", "ec", "ec384", "ed"])
    func `a token that says what the configuration names is the caller's`(key: String) async throws {
        let provider = try TestProvider()
        let token = try provider.token(claims(provider), key: key)
        let (caller, end) = try await registry(provider).caller(identityToken: token, now: Self.now)
        #expect(caller.name == "ci" && caller.issuer == provider.issuer && caller.subject == "repo:acme/app")
        #expect(caller.description == "ci (repo:acme/app, says \(provider.issuer))")
        #expect(end == Self.now.adding(seconds: 360))
    }

    @Test func `every claim must be there and be one of the values, of the same kind`() async throws {
        let provider = try TestProvider()
        let registry = try registry(provider)
        for (claim, value) in [
            ("repository", "acme/other"), ("repository", "acme/App"), ("repository", ["acme/app"]), ("ref", .null),
            ("ref", "refs/heads/main2"), ("protected", "true"), ("protected", 1), ("protected", false),
            ("repository", ["name": "acme/app"]),
        ] as [(String, JSON)] {
            let token = try provider.token(claims(provider, [(claim, value)]))
            #expect(await refusal(registry, token) == .subject, "\(claim): \(value)")
        }
        let next = try provider.token(claims(provider, [("ref", "refs/heads/next")]))
        #expect(await refusal(registry, next) == nil)
    }

    @Test func `an integer is the caller's by the integer alone`() async throws {
        let provider = try TestProvider()
        let registry = try registry(provider, [("ci", ["repository_id": [41, 42]])])
        for (value, code) in [(42, nil), ("42", .subject), (43, .subject)] as [(JSON, IdentityTokenError.Code?)] {
            let token = try provider.token(claims(provider, [("repository_id", value)]))
            #expect(await refusal(registry, token) == code, "\(value)")
        }
    }

    @Test func `a token is for this service and nobody else`() async throws {
        let provider = try TestProvider()
        let registry = try registry(provider)
        for audience in ["other", "Signer", ["signer", "other"], ["other", "signer"], [], .null, ""] as [JSON] {
            let token = try provider.token(claims(provider, [("aud", audience)]))
            #expect(await refusal(registry, token) == .audience, "\(audience)")
        }
        let alone = try provider.token(claims(provider, [("aud", ["signer"])]))
        #expect(await refusal(registry, alone) == nil)
        let signIn = try provider.token(claims(provider, [("nonce", "n-1")]))
        #expect(await refusal(registry, signIn) == .nonce)
    }

    @Test func `a token counts until it ends, and no longer than the configured age`() async throws {
        let provider = try TestProvider()
        let registry = try registry(provider, more: [("maximumAgeSeconds", 600)])
        let short = try provider.token(claims(provider))
        #expect(await refusal(registry, short, at: Self.now.adding(seconds: 359)) == nil)
        #expect(await refusal(registry, short, at: Self.now.adding(seconds: 360)) == .time)
        #expect(await refusal(registry, short, at: Self.now.adding(seconds: -61)) == .time)
        let long = try provider.token(claims(provider, [("exp", .integer(Self.now.seconds + 86_400))]))
        #expect(await refusal(registry, long, at: Self.now.adding(seconds: 600)) == nil)
        #expect(await refusal(registry, long, at: Self.now.adding(seconds: 601)) == .time)
        for claim in ["exp", "iat"] {
            let endless = try provider.token(claims(provider, [(claim, .null)]))
            #expect(await refusal(registry, endless) == .time, "\(claim)")
        }
    }

    @Test func `no algorithm but the key's own is taken, and no key but the issuer's`() async throws {
        let (provider, other) = (try TestProvider(), try TestProvider())
        let registry = try registry(provider)
        let good = claims(provider)
        let none = try provider.token(good, [("alg", "none"), ("sign", "none")])
        #expect(await refusal(registry, none) == .malformed)
        #expect(await refusal(registry, none + "AAAA") == .algorithm)
        let shared = try provider.token(good, [("alg", "HS256"), ("sign", "HS256")])
        #expect(await refusal(registry, shared) == .algorithm)
        let disguised = try provider.token(good, [("alg", "RS256"), ("sign", "HS256")])
        #expect(await refusal(registry, disguised) == .signature)
        let swapped = try provider.token(good, [("by", "ec"), ("sign", "ES256")])
        #expect(await refusal(registry, swapped) == .signature)
        let forged = try other.token(good)
        #expect(await refusal(registry, forged) == .signature)
        let foreign = try other.token(claims(other))
        #expect(await refusal(registry, foreign) == .issuer)
    }

    @Test func `keys are rotated while the service runs, and known ones go on for a day`() async throws {
        let provider = try TestProvider()
        let registry = try registry(provider)
        let old = try provider.token(claims(provider, [("exp", .integer(Self.now.seconds + 86_400))]))
        #expect(await refusal(registry, old) == nil)
        try provider.control(["op": "add-key", "name": "next", "kind": "ES256"])
        try provider.control(["op": "set", "published": ["next"]])
        let minute = Self.now.adding(seconds: 60)
        let new = try provider.token(claims(provider, at: minute), key: "next")
        for _ in 0..<5 { #expect(await refusal(registry, new, at: Self.now.adding(seconds: 30)) == .key) }
        #expect(try provider.hits("/jwks") == 1)
        #expect(await refusal(registry, new, at: minute) == nil)
        #expect(await refusal(registry, old, at: minute) == .key)
        try provider.control(["op": "set", "down": true])
        let later = Self.now.adding(seconds: 86_000)
        let late = try provider.token(claims(provider, at: later), key: "next")
        #expect(await refusal(registry, late, at: later) == nil)
        let over = minute.adding(seconds: 86_400)
        let tooLate = try provider.token(claims(provider, at: over), key: "next")
        #expect(await refusal(registry, tooLate, at: over) == .provider)
    }

    @Test func `keys in a file need no provider`() async throws {
        let provider = try TestProvider()
        let client = try OutboundClient(policy: OutboundPolicy(allowed: [try HostRule(provider.issuer)]))
        let keys = try await client.request(OutboundRequest(.get, provider.issuer + "/jwks")).body
        try provider.control(["op": "set", "down": true])
        let path = "/tmp/roadstead-signer-keys.\(UInt64.random(in: 0 ... .max)).json"
        try Files.write(keys, to: path)
        defer { try? Files.removeTree(path) }
        let registry = try registry(provider, more: [("keys", .string(path))])
        #expect(await refusal(registry, try provider.token(claims(provider))) == nil)
        try provider.control(["op": "add-key", "name": "next", "kind": "ES256"])
        #expect(await refusal(registry, try provider.token(claims(provider), key: "next")) == .key)
        try Files.write(Array(#"{"keys":[]}"#.utf8), to: path)
        #expect(throws: SignerError(.configuration, "")) {
            _ = try self.registry(provider, more: [("keys", .string(path))])
        }
    }

    @Test func `whatever is changed in a token, it names nobody`() async throws {
        let provider = try TestProvider()
        let registry = try registry(provider)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=".utf8)
        for key in ["rsa", "ec", "ed"] {
            let good = try provider.token(claims(provider), key: key)
            #expect(await refusal(registry, good) == nil)
            let others = [
                try provider.token(claims(provider, [("ref", "refs/heads/x")]), key: key),
                try provider.token(claims(provider), key: key == "rsa" ? "ec" : "rsa"),
            ]
            var bytes = Array(good.utf8)
            for index in bytes.indices {
                let old = bytes[index]
                bytes[index] = alphabet.filter { $0 != old }.randomElement() ?? 0x41
                let changed = String(decoding: bytes, as: UTF8.self)
                #expect(await refusal(registry, changed) != nil, "\(changed)")
                bytes[index] = old
            }
            for other in others {
                let (ours, theirs) = (good.split(separator: "."), other.split(separator: "."))
                for mask in 1..<7 {
                    let mixed = (0..<3).map { mask & (1 << $0) == 0 ? ours[$0] : theirs[$0] }.joined(separator: ".")
                    // Parts that both have in common make no new token.
                    guard mixed != good, mixed != other else { continue }
                    #expect(await refusal(registry, mixed) != nil, "\(mask)")
                }
            }
            for cut in stride(from: 0, to: good.utf8.count, by: 7) {
                #expect(await refusal(registry, String(good.prefix(cut))) != nil, "\(cut)")
            }
        }
    }

    // MARK: configuration

    @Test func `rules that one token could fit are refused, and those that say nothing`() throws {
        let provider = try TestProvider()
        let refused: [[(String, JSON)]] = [
            [("a", ["repository": "acme/app"]), ("b", ["repository": "acme/app", "ref": "refs/heads/main"])],
            [("a", ["repository": ["x", "y"]]), ("b", ["repository": ["y", "z"]])],
            [("a", ["sub": "x"]), ("b", ["ref": "y"])],
            [("a", [:])], [("a", ["iss": "x", "sub": "y"])], [("a", ["aud": "signer"])], [("a", ["sub": []])],
            [("a", ["sub": ""])], [("a", ["sub": .null])], [("a", ["sub": ["x", ["y"]]])], [("a", ["sub": ["x": "y"]])],
        ]
        for callers in refused {
            #expect(throws: SignerError(.configuration, ""), "\(callers)") { _ = try registry(provider, callers) }
        }
        _ = try registry(provider, [("a", ["repository": ["x", "y"]]), ("b", ["repository": "z"])])
        _ = try registry(provider, [("a", ["id": 1]), ("b", ["id": "1"]), ("c", ["id": true])])
    }

    @Test(arguments: ["https://token.actions.githubusercontent.com", "https://gitlab.com"])
    func `an issuer that signs for everybody needs a claim that is yours`(issuer: String) throws {
        #expect(throws: SignerError(.configuration, "")) {
            _ = try ClaimRule(["ref": "refs/heads/main"], issuer: issuer, place: "x")
        }
        _ = try ClaimRule(["ref": "refs/heads/main", "sub": "mine"], issuer: issuer, place: "x")
        _ = try ClaimRule(["ref": "refs/heads/main"], issuer: "https://forge.example.com", place: "x")
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let form: JSON
    }

    @Test(arguments: [
        Refused(testDescription: "in the clear", form: ["issuer": "http://forge.example.com", "audience": "x"]),
        Refused(
            testDescription: "keys in the clear",
            form: ["issuer": "https://forge.example.com", "audience": "x", "allow": ["http://forge.example.com:80"]]),
        Refused(testDescription: "no URL", form: ["issuer": "forge.example.com", "audience": "x"]),
        Refused(testDescription: "a query", form: ["issuer": "https://forge.example.com/?x=1", "audience": "x"]),
        Refused(testDescription: "no audience", form: ["issuer": "https://forge.example.com", "audience": ""]),
        Refused(
            testDescription: "too old",
            form: ["issuer": "https://a.example", "audience": "x", "maximumAgeSeconds": 86_401]),
        Refused(
            testDescription: "keys in a file and elsewhere",
            form: ["issuer": "https://a.example", "audience": "x", "keys": "a.json", "allow": ["10.0.0.0/8"]]),
        Refused(
            testDescription: "no range",
            form: ["issuer": "https://a.example", "audience": "x", "allow": ["10.0.0.1/8"]]),
    ])
    func `an issuer that cannot be meant is refused`(_ refused: Refused) throws {
        let form: IssuerForm = try refused.form.decode(place: "issuer")
        #expect(throws: SignerError(.configuration, "")) { _ = try TrustedIssuer("forge", form) { $0 } }
    }
}
