import Codecs
import HTTPTypes
import Hummingbird
import PostgresTesting
import PythonEnvironment
import RoadsteadWire
import TestProvider
import Testing
import TrustModel

@testable import RoadsteadServer

/// Signing in at a provider, through the API.
@Suite(
    .postgres, .enabled("python-cryptography can be installed") { try await PythonEnvironment.isAvailable() })
struct ProviderSignIn {
    private func withServer(
        _ more: [ConfigurationKey: String] = [:], clock: TestClock = TestClock(),
        _ body: @escaping @Sendable (TestAPI, TestProvider, TestClock) async throws -> Void
    ) async throws {
        let provider = try TestProvider()
        var flags: [ConfigurationKey: String] = [
            .oidcIssuer: provider.issuer, .oidcClientID: TestProvider.clientID, .oidcAudience: "api",
            .outboundAllow: provider.issuer,
        ]
        flags.merge(more) { $1 }
        try await TestAPI.withServer(clock: clock.now, limits: flags) { try await body($0, provider, clock) }
    }

    private func signIn(_ api: TestAPI, _ token: String, nonce: String? = nil) async throws -> TestAPI.Reply {
        let request = SignInRequest(idToken: token, nonce: nonce, label: "laptop")
        return try await api.send(.post, "/v1/sign-in", json: try JSON(encoding: request))
    }

    @Test func `the server says where its people sign in`() async throws {
        try await withServer { api, provider, _ in
            let offer: SignInOffer = try await api.ask(.get, "/v1/sign-in")
            #expect(offer.provider?.issuer == provider.issuer && !offer.certificate)
            #expect(offer.provider?.clientID == TestProvider.clientID)
            #expect(offer.provider?.deviceAuthorizationEndpoint == provider.issuer + "/device")
        }
    }

    @Test func `a server without a provider says so`() async throws {
        try await TestAPI.withServer { api in
            let offer: SignInOffer = try await api.ask(.get, "/v1/sign-in")
            #expect(offer == SignInOffer(provider: nil, certificate: false))
        }
    }

    @Test func `a fresh token is exchanged for a session of twelve hours, once`() async throws {
        try await withServer { api, provider, clock in
            let token = try provider.token(provider.claims(now: clock.now(), [("nonce", "n-1")]))
            let wrong = try await signIn(api, token, nonce: "n-2")
            #expect(wrong.status == .unauthorized)
            let first = try await signIn(api, token, nonce: "n-1")
            #expect(first.status == .created)
            let issued = try first.decode(IssuedToken.self)
            #expect(issued.expires == clock.now().adding(seconds: 43_200))
            let again = try await signIn(api, token, nonce: "n-1")
            #expect(again.status == .unauthorized)
            let other = try provider.token(provider.claims(now: clock.now(), [("nonce", "n-1"), ("jti", "2")]))
            let replayed = try await signIn(api, other, nonce: "n-1")
            #expect(replayed.status == .unauthorized)
            let me: WhoAmI = try await api.ask(.get, "/v1/whoami", as: issued.token)
            #expect(me.person.issuer == provider.issuer && me.person.name == "carol" && me.bindings.isEmpty)
            #expect(me.credential == .token && me.holder == .person)
            clock.advance(seconds: 43_200)
            let late = try await api.send(.get, "/v1/whoami", as: issued.token)
            #expect(late.status == .unauthorized)
        }
    }

    @Test func `a token for the API is a bearer everywhere, as long as it lasts`() async throws {
        try await withServer { api, provider, clock in
            let token = try provider.token(provider.claims(now: clock.now(), audience: "api"))
            let me: WhoAmI = try await api.ask(.get, "/v1/whoami", as: token)
            #expect(me.credential == .provider && me.person.issuer == provider.issuer)
            let asSession = try await signIn(api, token)
            #expect(asSession.status == .unauthorized)
            let forClient = try provider.token(provider.claims(now: clock.now()))
            let refused = try await api.send(.get, "/v1/whoami", as: forClient)
            #expect(refused.status == .unauthorized)
            let problem = try refused.decode(ProblemBody.self)
            #expect(problem.detail == Gate.refusal.reason)
            clock.advance(seconds: 360)
            let late = try await api.send(.get, "/v1/whoami", as: token)
            #expect(late.status == .unauthorized)
        }
    }

    @Test func `tokens as large as they may be pass the door, larger ones do not`() async throws {
        try await withServer { api, provider, clock in
            func token(_ padding: Int) throws -> String {
                let more: JSON = .string(String(repeating: "x", count: padding))
                return try provider.token(provider.claims(now: clock.now(), audience: "api", [("x", more)]))
            }
            let large = try token(11_500)
            try #require(large.utf8.count > 15_500 && large.utf8.count <= 16_384)
            let passes = try await api.send(.get, "/v1/whoami", as: large)
            #expect(passes.status == .ok)
            let larger = try await api.send(.get, "/v1/whoami", as: try token(12_500))
            #expect(larger.status == .unauthorized)
        }
    }

    @Test func `groups map to roles, whoami says whence, and the mapping's end ends them`() async throws {
        try await withServer { api, provider, clock in
            let alice = try await api.bootstrap()
            let step = SetGroupRole(
                issuer: try IssuerURL(provider.issuer), group: try GroupName("audit"),
                binding: try RoleBinding(.auditor, .everything))
            let officer = try await api.invite("olga", [InvitedRole(role: .securityOfficer)], by: alice)
            let change: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(team: nil, operations: [.governed(step)], justification: "auditors"), as: alice)
            #expect(change.state == .submitted)
            let _: ChangeBody = try await api.ask(
                .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: officer)
            let parts = try ServerParts(api.program)
            _ = try await parts.publisher.bringInChanges(now: clock.now())
            let token = try provider.token(
                provider.claims(now: clock.now(), audience: "api", [("groups", ["audit"])]))
            let me: WhoAmI = try await api.ask(.get, "/v1/whoami", as: token)
            #expect(me.bindings.map(\.role) == [.auditor])
            #expect(me.bindings.first?.group?.name == "audit" && me.bindings.first?.group?.issuer == provider.issuer)
        }
    }

    @Test func `a claimed certificate in a header is nobody's credential`() async throws {
        try await TestAPI.withServer { api in
            for name in [
                "X-Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert", "Client-Cert", "SSL_CLIENT_S_DN",
            ] {
                var headers = HTTPFields()
                headers[try #require(HTTPField.Name(name))] = "CN=alice"
                let reply = try await api.send(.get, "/v1/whoami", headers: headers)
                #expect(reply.status == .unauthorized, "\(name)")
            }
        }
    }

    @Test func `while the provider is away, who is not known yet is told so`() async throws {
        try await withServer { api, provider, clock in
            try provider.control(["op": "set", "down": true])
            let token = try provider.token(provider.claims(now: clock.now()))
            let reply = try await signIn(api, token)
            #expect(reply.status == .serviceUnavailable)
            let offer = try await api.send(.get, "/v1/sign-in")
            #expect(offer.status == .serviceUnavailable)
        }
    }

    @Test func `where sign-up is closed, a stranger is refused`() async throws {
        try await withServer([.oidcSignUp: "closed"]) { api, provider, clock in
            let reply = try await signIn(api, try provider.token(provider.claims(now: clock.now())))
            #expect(reply.problem == "store.forbidden")
        }
    }

    @Test func `a machine's issuer signs nobody in, and its token needs a link`() async throws {
        let machines = try TestProvider()
        try await withServer([.oidcMachineIssuers: machines.issuer]) { api, _, clock in
            let claims = machines.claims(of: "repo:acme/trust", now: clock.now())
            let reply = try await signIn(api, try machines.token(claims))
            #expect([.unauthorized, .serviceUnavailable].contains(reply.status))
        }
    }

    @Test(arguments: [
        [ConfigurationKey.oidcIssuer: "https://login.example.com"],
        [.oidcIssuer: "login.example.com", .oidcClientID: "x"],
        [.oidcIssuer: "https://a.example/?x", .oidcClientID: "x"],
        [.oidcMachineIssuers: "https://ci.example.com"], [.outboundAllow: "10.0.0.1/8"], [.outboundAllow: "x:22"],
        [.oidcSignUp: "maybe"], [.tlsClientAuthority: "/etc/ca.pem"],
    ])
    func `a setting that cannot be meant stops the server`(flags: [ConfigurationKey: String]) {
        #expect(throws: ConfigurationProblems.self) { try ServerConfiguration(ConfigurationSources(flags: flags)) }
    }
}
