import Codecs
import FleetFixtures
import Files
import Logging
import PKI
import RoadsteadAgent
import Testing
import TrustModel

/// What time alone does to a host's trust.
@Suite struct DueTrustTests {
    private static let until = OfflineHost.start.adding(seconds: 3_600)

    /// A host with a lasting anchor and a break-glass one.
    private func host(until: UTCDate = until) async throws -> (OfflineHost, lasting: Certificate, glass: Certificate) {
        let host = try OfflineHost()
        let lasting = try await FixtureCertificates.root("lasting", at: host.now)
        let glass = try await FixtureCertificates.root("glass", at: host.now)
        try host.set("acme", [lasting, glass])
        let scope = try RegistryScope("registry.example.com/acme")
        let store = TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName("prod"))
        let plain = TeamPolicy.standard(team: try TeamName("acme"), scopes: [scope], stores: [store])
        let policy = TeamPolicy(
            team: plain.team, statements: plain.statements,
            constraints: [.init(anchor: glass.sha256, until: until)])
        host.fleet.teams[plain.team]?["acme/policy.json"] = try policy.publishedBytes()
        try await host.publish()
        try await host.sync()
        return (host, lasting, glass)
    }

    /// Files in the store that Notation reads.
    private func rendered(_ host: OfflineHost) throws -> [String] {
        try Files.list(host.state.currentNotation + "/truststore/x509/ca/acme.prod")
    }

    @Test func `a break-glass anchor ends at its moment, without a word from the fleet`() async throws {
        let (host, lasting, glass) = try await host()
        #expect(try rendered(host) == [lasting, glass].map { "\($0.sha256).pem" }.sorted())
        let due = try #require(try DueTrust(host.state, lastSuccess: host.now))
        #expect(due.next(after: host.now) == Self.until)
        #expect(due.next(after: Self.until) == nil)
        let before = Self.until.adding(seconds: -1)
        #expect(try !due.apply(at: before, now: before))
        #expect(try host.inForce().name == "1")
        #expect(try !due.apply(at: Self.until, now: Self.until))
        #expect(try host.inForce().name == "1.2")
        #expect(try rendered(host) == ["\(lasting.sha256).pem"])
        host.now = Self.until
        #expect(try await !host.sync().hasChanged)
    }

    @Test func `an exception ends at its moment, without a word from the fleet`() async throws {
        let (host, _, _) = try await host(until: OfflineHost.start.adding(days: 300))
        let end = host.now.adding(days: 3)
        let place = "registry.example.com/acme/app"
        host.fleet.set(exceptions: [
            PolicyException(id: "E-1", subject: .scope(try RegistryScope(place)), until: end)
        ])
        try await host.publish()
        let outcome = try await host.sync()
        #expect(outcome.warnings.contains { $0.hasPrefix("exception E-1 ") })
        func level() throws -> VerificationLevel? {
            let bytes = try Files.read(host.state.currentNotation + "/trustpolicy.json", limit: 1 << 20)
            return try NotationPolicy(parsing: bytes).statement(for: place)?.level
        }
        #expect(try level() == .audit)
        let due = try #require(try DueTrust(host.state, lastSuccess: host.now))
        #expect(due.next(after: host.now) == end)
        #expect(try !due.apply(at: end, now: end))
        #expect(try level() == nil)
        #expect(try host.inForce().manifest.warnings.allSatisfy { !$0.contains("E-1") })
    }

    @Test func `a break-glass anchor that has ended does not come back when the clock goes back`() async throws {
        let (host, lasting, _) = try await host()
        let due = try #require(try DueTrust(host.state, lastSuccess: host.now))
        #expect(try !due.apply(at: Self.until, now: Self.until))
        let again = try #require(try DueTrust(host.state, lastSuccess: host.now))
        #expect(try !again.apply(at: host.now, now: host.now))
        #expect(try rendered(host) == ["\(lasting.sha256).pem"])
        #expect(try host.anchors(of: "acme") == [Base64.encode(lasting.der)])
    }

    @Test func `a clock that is behind does not keep a break-glass anchor alive: signed time is the floor`()
        async throws
    {
        let (host, lasting, _) = try await host()
        var health = SyncHealth()
        health.signedTime = Self.until
        let late = DueTrust.time(now: host.now, health)
        #expect(late == Self.until)
        let due = try #require(try DueTrust(host.state, lastSuccess: host.now))
        #expect(try !due.apply(at: late, now: host.now))
        #expect(try rendered(host) == ["\(lasting.sha256).pem"])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a running agent whose server is away wakes for it`() async throws {
        let (host, lasting, _) = try await host(until: OfflineHost.start.adding(seconds: 3))
        _ = try HostKey.loadOrCreate(host.state)
        try host.configuration.save(host.state)
        let started = ContinuousClock.now
        let agent = AgentLoop(host.state, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
            OfflineHost.start.adding(seconds: (ContinuousClock.now - started).components.seconds)
        }
        let running = Task { try await agent.run() }
        defer { running.cancel() }
        #expect(try rendered(host).count == 2)
        let isOver = try await eventually { try rendered(host) == ["\(lasting.sha256).pem"] }
        #expect(isOver)
        #expect(ContinuousClock.now - started < .seconds(20))
    }

    @Test func `a team's grace period ends without a word from the fleet`() async throws {
        let (host, _, _) = try await host()
        host.fleet.missingRoles = ["acme"]
        try await host.publish()
        try await host.sync()
        let due = try #require(try DueTrust(host.state, lastSuccess: host.now))
        let end = host.now.adding(days: 30)
        #expect(due.next(after: Self.until) == end)
        #expect(try !due.apply(at: end, now: end))
        #expect(try host.isRejecting("acme"))
        let manifest = try host.inForce().manifest
        #expect(manifest.laggingTeams.map(\.state) == [.rejecting])
        #expect(manifest.warnings.contains { $0.hasPrefix("team acme: its scopes reject") })
        #expect(!manifest.warnings.contains { $0.contains("last good") })
    }
}
