import Codecs
import FleetFixtures
import Files
import Glibc
import PKI
import RoadsteadAgent
import Synchronization
import TUF
import Testing
import TrustModel

/// A fleet's directory, read without a server; it remembers what was asked for.
final class FleetDirectory: FleetSource {
    private let path: String
    private let log = Mutex<[String]>([])

    init(_ fleet: FixtureFleet) { path = "\(fleet.directory)/fleets/\(fleet.name)" }

    /// Paths in the order in which they were asked for.
    var requests: [String] { log.withLock { $0 } }

    func metadata(_ path: String, limit: Int, seconds: Int64) async throws -> [UInt8]? {
        try file("metadata/" + path, limit)
    }
    func target(_ path: String, limit: Int, seconds: Int64) async throws -> [UInt8]? {
        try file("targets/" + path, limit)
    }

    private func file(_ name: String, _ limit: Int) throws -> [UInt8]? {
        log.withLock { $0.append(name) }
        return Files.exists("\(path)/\(name)") ? try Files.read("\(path)/\(name)", limit: limit) : nil
    }
}

/// An enrolled host and its fleet without a server between them; the time is given.
final class OfflineHost {
    static let start = UTCDate(seconds: 1_795_000_000)

    let sandbox = "/tmp/roadstead-offline-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let fleet: FixtureFleet
    var now = OfflineHost.start

    init() throws { fleet = try FixtureFleet("prod", directory: sandbox + "/www") }

    deinit { try? Files.removeTree(sandbox) }

    var state: StateDirectory { StateDirectory(sandbox + "/state") }

    var configuration: AgentConfiguration { configuration(server: "http://127.0.0.1:1") }

    private func configuration(server: String) -> AgentConfiguration {
        AgentConfiguration(
            server: server, fleet: fleet.name, fleetID: fleet.id, host: "h-1", hostName: "web-1",
            rootSHA256: fleet.rootSHA256, minimumVersions: [:], notationConfig: nil, enrolled: Self.start)
    }

    /// Publishes with validities that outlast the test.
    func publish(days: Int64 = 365) async throws { try await fleet.publish(at: now, days: days) }

    /// Makes this a host that the real agent runs on, without asking any server.
    func enrol(at server: String) throws {
        try state.create()
        try Files.write(fleet.rootBytes, to: state.metadata + "/root.json")
        _ = try HostKey.loadOrCreate(state)
        try configuration(server: server).save(state)
    }

    /// Syncs; the first time with the fleet's newest root as the pinned one.
    @discardableResult
    func sync(from source: FleetDirectory? = nil) async throws -> Synchronizer<FleetDirectory>.Outcome {
        try state.create()
        if !Files.exists(state.metadata + "/root.json") {
            try Files.write(fleet.rootBytes, to: state.metadata + "/root.json")
        }
        let source = source ?? FleetDirectory(fleet)
        return try await Synchronizer(state, configuration, source: source).sync(now: now)
    }

    func inForce() throws -> GenerationStore.Intact { try #require(try GenerationStore(state).current()) }

    /// Anchors in force of a team, over all its stores.
    func anchors(of team: String) throws -> [String] {
        try inForce().trust.stores.filter { $0.id.team.rawValue == team }.flatMap(\.anchors)
    }

    /// Whether every statement of a team rejects.
    func isRejecting(_ team: String) throws -> Bool {
        try inForce().trust.statements.filter { $0.team?.rawValue == team }.allSatisfy(\.stores.isEmpty)
    }

    /// Gives a team one store with these anchors and its own scope.
    func set(_ team: String, _ anchors: [Certificate]) throws {
        try fleet.set(team, scopes: ["registry.example.com/\(team)"], stores: ["prod": anchors])
    }
}
