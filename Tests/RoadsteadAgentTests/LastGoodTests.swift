import Codecs
import Files
import FleetFixtures
import PKI
import RoadsteadAgent
import TUF
import Testing
import TrustModel

/// What stays of a team of which nothing new can be had, and what must not come back.
@Suite struct LastGoodTests {
    @Test func `removed anchors do not come back when the generation in force is damaged`() async throws {
        let host = try OfflineHost()
        let (fleet, state) = (host.fleet, host.state)
        let (kept, removed) = (
            try await FixtureCertificates.root("kept", at: OfflineHost.start),
            try await FixtureCertificates.root("removed", at: OfflineHost.start)
        )
        try fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["prod": [kept, removed]])
        try await fleet.publish(at: OfflineHost.start)
        _ = try await host.sync()
        try fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["prod": [kept]])
        try await fleet.publish(at: OfflineHost.start)
        _ = try await host.sync()
        #expect(try host.inForce().trust.stores.map(\.anchors) == [[Base64.encode(kept.der)]])
        fleet.missingRoles = ["acme"]
        try await fleet.publish(at: OfflineHost.start)
        try Files.write([], to: state.current + "/trust.json")
        let outcome = try await host.sync()
        #expect(outcome.warnings.contains { $0.contains("team acme: its scopes reject") })
        #expect(outcome.warnings.contains { $0.contains("is damaged") })
        #expect(try host.inForce().trust.stores.map(\.anchors) == [])
        #expect(try await !host.sync().hasChanged)
    }

    @Test func `a whole generation in force stays what was last good`() async throws {
        let host = try OfflineHost()
        let fleet = host.fleet
        let root = try await FixtureCertificates.root("kept", at: OfflineHost.start)
        try fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["prod": [root]])
        try await fleet.publish(at: OfflineHost.start)
        _ = try await host.sync()
        fleet.missingRoles = ["acme"]
        try await fleet.publish(at: OfflineHost.start)
        #expect(try await host.sync().warnings.contains { $0.contains("its last good content stays in force") })
        #expect(try host.inForce().trust.stores.map(\.anchors) == [[Base64.encode(root.der)]])
    }

    @Test func `a team that brings too much is kept out and the others go on`() async throws {
        let host = try OfflineHost()
        let fleet = host.fleet
        let root = try await FixtureCertificates.root("good", at: OfflineHost.start)
        for team in ["acme", "beta"] {
            try fleet.set(team, scopes: ["registry.example.com/\(team)"], stores: ["prod": [root]])
        }
        let padding = [UInt8](repeating: 0x0A, count: Int(TeamTargets.byteLimit))
        fleet.teams[try TeamName("acme")]?["acme/ca.prod.pem"]? += padding
        try await fleet.publish(at: OfflineHost.start)
        let outcome = try await host.sync()
        let reason = "its targets have more than the 1048576 bytes"
        #expect(outcome.warnings.contains { $0.contains("team acme") && $0.contains(reason) })
        #expect(try host.inForce().trust.stores.map(\.anchors) == [[Base64.encode(root.der)]])
    }

    @Test func `settings that need a newer agent stop what is new, and neither denials nor removals`() async throws {
        let host = try OfflineHost()
        var roots: [Certificate] = []
        for name in ["kept", "removed", "denied", "added"] {
            roots.append(try await FixtureCertificates.root(name, at: host.now))
        }
        try host.set("acme", [roots[0], roots[1]])
        try host.set("beta", [roots[0], roots[2]])
        try await host.publish()
        try await host.sync()

        let plain = String(decoding: try host.fleet.settings.publishedBytes(), as: UTF8.self)
        let critical = plain.replacing(#""critical":[]"#, with: #""critical":["teleport"]"#)
        host.fleet.settingsFile = Array(critical.utf8)
        try host.set("acme", [roots[0], roots[3]])
        let denial = DenyDocument.Denial(
            id: "D-1", subject: .certificate(sha256: roots[2].sha256), team: nil, reason: "lost", issued: host.now)
        try host.fleet.deny([denial])
        host.now = host.now.adding(seconds: 60)
        try await host.publish()
        let outcome = try await host.sync()
        #expect(try host.anchors(of: "acme") == [Base64.encode(roots[0].der)])
        #expect(try host.anchors(of: "beta") == [Base64.encode(roots[0].der)])
        #expect(outcome.lagging.map(\.state) == [.lastGood, .lastGood])
        #expect(outcome.warnings.contains { $0.contains("\"teleport\"") && $0.contains("update the agent") })
        #expect(try await !host.sync().hasChanged)

        host.fleet.settingsFile = nil
        try await host.publish()
        #expect(try await host.sync().lagging.isEmpty)
        #expect(try Set(host.anchors(of: "acme")) == Set([roots[0], roots[3]].map { Base64.encode($0.der) }))
    }

    @Test func `a host that never understood its fleet's settings takes nothing in`() async throws {
        let host = try OfflineHost()
        let plain = String(decoding: try host.fleet.settings.publishedBytes(), as: UTF8.self)
        host.fleet.settingsFile = Array(plain.replacing(#""critical":[]"#, with: #""critical":["teleport"]"#).utf8)
        try await host.publish()
        await #expect(throws: TrustModelError.self) { try await host.sync() }
    }

    @Test func `a generation that could not be read back is refused before anything is written`() async throws {
        let host = try OfflineHost()
        let (fleet, state) = (host.fleet, host.state)
        try await fleet.publish(at: OfflineHost.start)
        _ = try await host.sync()
        let store = GenerationStore(state)
        let current = try #require(try store.current())
        let generation = try Generation(
            current.trust, notation: NotationTree(current.trust, now: OfflineHost.start), previous: nil,
            content: ["acme/ca.prod.pem": [UInt8](repeating: 0x0A, count: HostTrust.byteLimit + 1)], warnings: [],
            origin: current.manifest.origin)
        #expect(throws: AgentError.self) { try store.putInForce(generation, now: OfflineHost.start) }
        #expect(try store.currentName() == current.name)
        #expect(try Files.list(state.generations) == [current.name])
    }
}
