import Codecs
import Files
import FleetFixtures
import Glibc
import PKI
import RoadsteadAgent
import TUF
import Testing
import TrustModel

/// What stays of a team of which nothing new can be had, and what must not come back.
@Suite struct LastGoodTests {
    private static let now = UTCDate(seconds: 1_795_000_000)

    /// A fleet's directory, read without a server.
    private struct Directory: FleetSource {
        let path: String

        func metadata(_ path: String, limit: Int) async throws -> [UInt8]? { try file("metadata/" + path, limit) }
        func target(_ path: String, limit: Int) async throws -> [UInt8]? { try file("targets/" + path, limit) }

        private func file(_ name: String, _ limit: Int) throws -> [UInt8]? {
            Files.exists("\(path)/\(name)") ? try Files.read("\(path)/\(name)", limit: limit) : nil
        }
    }

    private let sandbox = "/tmp/roadstead-last-good-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    private var state: StateDirectory { StateDirectory(sandbox + "/state") }

    private func fleet() throws -> FixtureFleet { try FixtureFleet("prod", directory: sandbox + "/www") }

    private func sync(_ fleet: FixtureFleet) async throws -> Synchronizer<Directory>.Outcome {
        try state.create()
        if !Files.exists(state.metadata + "/root.json") {
            try Files.write(fleet.rootBytes, to: state.metadata + "/root.json")
        }
        let configuration = AgentConfiguration(
            server: "http://127.0.0.1:1", fleet: fleet.name, fleetID: fleet.id, host: "h-1", hostName: "web-1",
            rootSHA256: fleet.rootSHA256, minimumVersions: [:], notationConfig: nil, enrolled: Self.now)
        let source = Directory(path: "\(fleet.directory)/fleets/\(fleet.name)")
        return try await Synchronizer(state, configuration, source: source).sync(now: Self.now)
    }

    private func anchors() throws -> [[String]] {
        try #require(try GenerationStore(state).current()).trust.stores.map(\.anchors)
    }

    @Test func `removed anchors do not come back when the generation in force is damaged`() async throws {
        defer { try? Files.removeTree(sandbox) }
        let fleet = try fleet()
        let (kept, removed) = (
            try await FixtureCertificates.root("kept", at: Self.now),
            try await FixtureCertificates.root("removed", at: Self.now)
        )
        try fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["prod": [kept, removed]])
        try await fleet.publish(at: Self.now)
        _ = try await sync(fleet)
        try fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["prod": [kept]])
        try await fleet.publish(at: Self.now)
        _ = try await sync(fleet)
        #expect(try anchors() == [[Base64.encode(kept.der)]])
        fleet.missingRoles = ["acme"]
        try await fleet.publish(at: Self.now)
        try Files.write([], to: state.current + "/trust.json")
        let outcome = try await sync(fleet)
        #expect(outcome.warnings.contains { $0.contains("team acme: its scopes reject") })
        #expect(outcome.warnings.contains { $0.contains("is damaged") })
        #expect(try anchors() == [])
        #expect(try await !sync(fleet).hasChanged)
    }

    @Test func `a whole generation in force stays what was last good`() async throws {
        defer { try? Files.removeTree(sandbox) }
        let fleet = try fleet()
        let root = try await FixtureCertificates.root("kept", at: Self.now)
        try fleet.set("acme", scopes: ["registry.example.com/acme"], stores: ["prod": [root]])
        try await fleet.publish(at: Self.now)
        _ = try await sync(fleet)
        fleet.missingRoles = ["acme"]
        try await fleet.publish(at: Self.now)
        #expect(try await sync(fleet).warnings.contains { $0.contains("its last good content stays in force") })
        #expect(try anchors() == [[Base64.encode(root.der)]])
    }

    @Test func `a team that brings too much is kept out and the others go on`() async throws {
        defer { try? Files.removeTree(sandbox) }
        let fleet = try fleet()
        let root = try await FixtureCertificates.root("good", at: Self.now)
        for team in ["acme", "beta"] {
            try fleet.set(team, scopes: ["registry.example.com/\(team)"], stores: ["prod": [root]])
        }
        let padding = [UInt8](repeating: 0x0A, count: Int(TeamTargets.byteLimit))
        fleet.teams[try TeamName("acme")]?["acme/ca.prod.pem"]? += padding
        try await fleet.publish(at: Self.now)
        let outcome = try await sync(fleet)
        let reason = "its targets have more than the 1048576 bytes"
        #expect(outcome.warnings.contains { $0.contains("team acme") && $0.contains(reason) })
        #expect(try anchors() == [[Base64.encode(root.der)]])
    }

    @Test func `a generation that could not be read back is refused before anything is written`() async throws {
        defer { try? Files.removeTree(sandbox) }
        let fleet = try fleet()
        try await fleet.publish(at: Self.now)
        _ = try await sync(fleet)
        let store = GenerationStore(state)
        let current = try #require(try store.current())
        let generation = try Generation(
            current.trust, notation: NotationTree(current.trust, now: Self.now), previous: nil,
            content: ["acme/ca.prod.pem": [UInt8](repeating: 0x0A, count: HostTrust.byteLimit + 1)], warnings: [],
            origin: current.manifest.origin)
        #expect(throws: AgentError.self) { try store.putInForce(generation, now: Self.now) }
        #expect(try store.currentName() == current.name)
        #expect(try Files.list(state.generations) == [current.name])
    }
}
