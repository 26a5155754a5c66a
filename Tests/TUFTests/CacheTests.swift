import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

@Suite struct CacheTests {
    static let damages: [(name: String, change: @Sendable ([UInt8]) -> [UInt8])] = [
        ("empty", { _ in [] }), ("cut short", { Array($0.prefix($0.count / 2)) }),
        ("an HTML page", { _ in Array("<html></html>".utf8) }),
        ("changed", { Array(String(decoding: $0, as: UTF8.self).replacing("2026", with: "2027").utf8) }),
        ("zeros", { [UInt8](repeating: 0, count: $0.count) }),
    ]

    @Test(arguments: ["root", "timestamp", "snapshot", "targets"], damages.map(\.name))
    func `a damaged cached file heals itself`(role: String, damage: String) async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try await repository.publish(.root)
        try await client.refresh()
        let change = try #require(Self.damages.first { $0.name == damage }).change
        let good = try #require(client.cache["\(role).json"])
        client.cache["\(role).json"] = change(good)
        let outcome = try await client.refresh()
        #expect(outcome.healed.count == 1)
        #expect(client.cache["\(role).json"] == good)
    }

    @Test func `a cache of another repository heals itself`() async throws {
        let other = try await RepositorySimulator()
        other.root.header.stamp?.fleet = "lab"
        try await other.publish(.root, bump: false)
        let foreign = SimulatedClient(other, fleet: nil)
        try await foreign.refresh()
        let client = SimulatedClient(try await RepositorySimulator())
        client.cache = foreign.cache
        let outcome = try await client.refresh()
        #expect(outcome.trusted.root.bytes == client.repository.firstRoot)
        #expect(outcome.healed.count == 4)
    }

    @Test func `a missing snapshot leaves the timestamp, and the next update completes it`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try await client.refresh()
        try await repository.publish(.targets, .snapshot, .timestamp)
        let snapshot = repository.files.removeValue(forKey: "2.snapshot.json")
        #expect(await failure(client) == .notFound)
        #expect(client.version(.timestamp) == 2)
        #expect(client.version(.snapshot) == 1)
        repository.files["2.snapshot.json"] = snapshot
        try await client.refresh()
        #expect(client.requests == ["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"])
    }

    @Test func `a full disk stops the update and does not spoil the next one`() async throws {
        let client = SimulatedClient(try await RepositorySimulator())
        client.isDiskFull = true
        #expect(await failure(client) == .unavailable)
        client.isDiskFull = false
        try await client.refresh()
    }

    @Test func `without any root there is nothing to trust`() async throws {
        let client = SimulatedClient(try await RepositorySimulator())
        client.policy.initialRoot = .cached
        #expect(await failure(client) == .wrongRoot)
        #expect(client.requests.isEmpty)
    }

    @Test func `an initial root that is not signed is refused before any request`() async throws {
        let client = SimulatedClient(try await RepositorySimulator())
        var tree = try JSON(parsing: client.repository.firstRoot).object("root")
        tree["signatures"] = []
        client.cache["root.json"] = JSON.object(tree).bytes
        client.policy.initialRoot = .cached
        #expect(await failure(client) == .unsigned)
        #expect(client.requests.isEmpty)
    }

    @Test func `an event that does not belong ends the update with an error`() {
        var workflow = UpdateWorkflow(UpdatePolicy(initialRoot: .cached, now: RepositorySimulator.start))
        guard case .failed(let error) = workflow.next(.done) else {
            Issue.record("the update went on")
            return
        }
        #expect(error.code == .misuse)
        guard case .failed = workflow.next(.begin) else {
            Issue.record("the update began again")
            return
        }
    }
}

@Suite struct ReuseTests {
    @Test func `an update that knows the one before it takes what is new and nothing else`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        let first = try await client.refresh().trusted
        #expect(try await client.refresh(after: first).updated.isEmpty)
        try await repository.publish(.targets, .snapshot, .timestamp)
        let outcome = try await client.refresh(after: first)
        #expect(outcome.updated == [.timestamp, .snapshot, .targets])
        #expect(outcome.trusted.targets.version == 2)
    }

    @Test func `what was verified before does not outlive its key`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        let first = try await client.refresh().trusted
        try repository.rotate(.targets)
        try await repository.publish(.root)
        await #expect(throws: TUFError(.unsigned, "")) { try await client.refresh(after: first) }
    }

    @Test func `what was verified before expires all the same`() async throws {
        let client = SimulatedClient(try await RepositorySimulator())
        let first = try await client.refresh().trusted
        client.policy.now = RepositorySimulator.start.adding(days: 31)
        await #expect(throws: TUFError(.expired, "")) { try await client.refresh(after: first) }
    }
}
