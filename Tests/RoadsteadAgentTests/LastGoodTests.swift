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
