import Codecs
import FleetFixtures
import Files
import PKI
import RoadsteadAgent
import Testing
import TrustModel

/// One team's trouble stays with that team: the others' news and every denial take effect.
@Suite struct TeamIsolationTests {
    /// A way in which what a fleet publishes of team `acme` is of no use.
    struct Trouble: Sendable, CustomTestStringConvertible {
        let name: String
        /// What the host says about it.
        let reason: String
        let cause: @Sendable (OfflineHost) throws -> Void

        var testDescription: String { name }
    }

    private static func garble(_ host: OfflineHost, _ file: String, _ text: String) throws {
        host.fleet.teams[try TeamName("acme")]?["acme/\(file)"] = Array(text.utf8)
    }

    static let troubles = [
        Trouble(name: "expired role", reason: "expired") { $0.fleet.expiredRoles = ["acme"] },
        Trouble(name: "role signed by nobody", reason: "acme.json") { $0.fleet.badlySignedRoles = ["acme"] },
        Trouble(name: "missing role", reason: "does not have the file") { $0.fleet.missingRoles = ["acme"] },
        Trouble(name: "oversized role", reason: "at most 1048576 are taken") { host in
            host.fleet.paddedRoles = ["acme"]
        },
        Trouble(name: "oversized targets", reason: "more than the 1048576 bytes") { host in
            let padding = [UInt8](repeating: 0x0A, count: Int(TeamTargets.byteLimit))
            host.fleet.teams[try TeamName("acme")]?["acme/ca.prod.pem"]? += padding
        },
        Trouble(name: "missing target", reason: "does not have the listed target") {
            $0.fleet.missingTargets = ["acme/ca.prod.pem"]
        },
        Trouble(name: "policy that is no JSON", reason: "malformed") { try garble($0, "policy.json", "{") },
        Trouble(name: "policy for a newer agent", reason: "\"teleport\"") { host in
            try garble(
                host, "policy.json",
                #"{"constraints":[],"critical":["teleport"],"schema":1,"statements":[],"team":"acme"}"#)
        },
        Trouble(name: "policy of another team", reason: "team beta") { host in
            let other = host.fleet.teams[try TeamName("beta")]?["beta/policy.json"]
            host.fleet.teams[try TeamName("acme")]?["acme/policy.json"] = other
        },
        Trouble(name: "anchors that are none", reason: "certificate") { host in
            try garble(host, "ca.prod.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        },
        Trouble(name: "no policy", reason: "policy.json") { host in
            host.fleet.teams[try TeamName("acme")]?["acme/policy.json"] = nil
        },
    ]

    @Test(arguments: troubles)
    func `a team that cannot be used keeps its last good content, less denials, then rejects, and the others go on`(
        trouble: Trouble
    ) async throws {
        let host = try OfflineHost()
        let names = ["first", "second", "third", "doomed"]
        var roots: [Certificate] = []
        for name in names { roots.append(try await FixtureCertificates.root(name, at: host.now)) }
        try host.set("acme", [roots[0], roots[3]])
        try host.set("beta", [roots[1], roots[3]])
        try await host.publish()
        try await host.sync()

        try host.set("acme", [roots[2]])
        try host.set("beta", [roots[2], roots[3]])
        let doomed = DenyDocument.Denial(
            id: "D-1", subject: .certificate(sha256: roots[3].sha256), team: nil, reason: "lost", issued: host.now)
        try host.fleet.deny([doomed])
        try trouble.cause(host)
        host.now = OfflineHost.start.adding(seconds: 60)
        try await host.publish()
        let outcome = try await host.sync()
        #expect(try host.anchors(of: "beta") == [Base64.encode(roots[2].der)])
        #expect(try host.anchors(of: "acme") == [Base64.encode(roots[0].der)])
        let lag = try #require(outcome.lagging.first)
        #expect(outcome.lagging.count == 1)
        #expect(lag.team.rawValue == "acme" && lag.state == .lastGood && lag.since == host.now)
        #expect(lag.reason.contains(trouble.reason), "\(lag.reason)")
        #expect(outcome.warnings.contains("\(lag.warning)"))
        #expect(try await !host.sync().hasChanged)

        host.now = OfflineHost.start.adding(days: 30)
        #expect(try await !host.sync().hasChanged)
        host.now = host.now.adding(seconds: 60)
        let late = try await host.sync()
        #expect(late.hasChanged)
        #expect(late.lagging.map(\.state) == [.rejecting])
        #expect(late.lagging.map(\.since) == [lag.since])
        #expect(try host.isRejecting("acme"))
        #expect(try host.anchors(of: "acme").isEmpty)
        #expect(try !host.isRejecting("beta"))
    }

    @Test func `a fleet that rejects after silence gives one team the same grace`() async throws {
        let host = try OfflineHost()
        host.fleet.set(freshness: .init(warnAfterSeconds: 60, alarmAfterSeconds: 60, rejectAfterSeconds: 3_600))
        try host.set("acme", [try await FixtureCertificates.root("first", at: host.now)])
        try await host.publish()
        try await host.sync()
        host.fleet.missingRoles = ["acme"]
        try await host.publish()
        try await host.sync()
        host.now = host.now.adding(seconds: 3_599)
        #expect(try await host.sync().lagging.map(\.state) == [.lastGood])
        host.now = host.now.adding(seconds: 1)
        #expect(try await host.sync().lagging.map(\.state) == [.rejecting])
    }

    @Test func `a team that can be used again lags no more, and its next trouble has a grace period of its own`()
        async throws
    {
        let host = try OfflineHost()
        let root = try await FixtureCertificates.root("first", at: host.now)
        try host.set("acme", [root])
        try await host.publish()
        try await host.sync()
        host.fleet.missingTargets = ["acme/ca.prod.pem"]
        try host.set("acme", [root, root])
        try await host.publish()
        #expect(try await host.sync().lagging.count == 1)
        host.fleet.missingTargets = []
        try await host.publish()
        host.now = host.now.adding(days: 20)
        #expect(try await host.sync().lagging.isEmpty)
        host.fleet.missingRoles = ["acme"]
        try await host.publish()
        #expect(try await host.sync().lagging.map(\.since) == [host.now])
    }

    @Test func `what all teams bring together is no reason to hold up a denial`() async throws {
        let host = try OfflineHost()
        let root = try await FixtureCertificates.root("first", at: host.now)
        try host.set("acme", [root])
        try await host.publish()
        try await host.sync()
        // 80 teams with a policy of 900 kB each: more together than a host reads back.
        let identity = "x509.subject: C=US, ST=WA, O=" + String(repeating: "a", count: 3_000)
        for number in 0..<80 {
            let team = "team-\(number)"
            try host.set(team, [root])
            let statements = (0..<300).map { index in
                TeamPolicy.Statement(
                    name: "s\(index)",
                    registryScopes: [RegistryScope(rawValue: "registry.example.com/\(team)/\(index)")]
                        .compactMap { $0 }, level: "strict", stores: [], trustedIdentities: [identity])
            }
            let policy = TeamPolicy(team: try TeamName(team), statements: statements)
            host.fleet.teams[try TeamName(team)]?["\(team)/policy.json"] = try policy.publishedBytes()
        }
        try host.fleet.deny([
            .init(id: "D-1", subject: .certificate(sha256: root.sha256), team: nil, reason: "lost", issued: host.now)
        ])
        try await host.publish()
        let outcome = try await host.sync()
        #expect(outcome.lagging.count == 81)
        #expect(outcome.lagging.contains { $0.reason.contains("are read back") })
        #expect(try host.inForce().trust.denials.map(\.id) == ["D-1"])
        #expect(try host.anchors(of: "acme").isEmpty)
    }
}
