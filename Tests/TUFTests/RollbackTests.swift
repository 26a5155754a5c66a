import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

@Suite struct RollbackTests {
    @Test func `an older timestamp is refused and the newer kept`() async throws {
        let repository = try await RepositorySimulator()
        let old = repository.files["timestamp.json"]
        let client = SimulatedClient(repository)
        try await repository.publish(.timestamp)
        try await client.refresh()
        repository.files["timestamp.json"] = old
        #expect(await failure(client) == .rollback)
        #expect(client.version(.timestamp) == 2)
    }

    @Test func `a timestamp of the same version changes nothing, whatever it says`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try await client.refresh()
        let kept = client.cache["timestamp.json"]
        repository.timestamp.snapshot.version = 100
        try await repository.publish(.timestamp, bump: false)
        try await client.refresh()
        #expect(client.requests == ["2.root.json", "timestamp.json"])
        #expect(client.cache["timestamp.json"] == kept)
    }

    @Test func `a timestamp that lists an older snapshot is refused before it is stored`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try await repository.publish(.snapshot, .timestamp)
        try await client.refresh()
        repository.timestamp.snapshot.version = 1
        try await repository.publish(.timestamp)
        #expect(await failure(client) == .rollback)
        #expect(client.version(.timestamp) == 2)
    }

    @Test(arguments: [false, true])
    func `a snapshot that lists older targets is refused`(usesHashes: Bool) async throws {
        let repository = try await RepositorySimulator()
        repository.usesHashes = usesHashes
        let client = SimulatedClient(repository)
        try await repository.publish(.targets, .snapshot, .timestamp)
        try await client.refresh()
        repository.roles[.targets]?.header.version = 0
        try await repository.publish(.targets, .snapshot, .timestamp)
        #expect(await failure(client) == .rollback)
        #expect(client.version(.snapshot) == 2)
        #expect(client.version(.targets) == 2)
    }

    @Test func `a delegated role cannot go down or disappear from the snapshot`() async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "team", paths: ["team/*"])
        let team = try RoleName("team")
        try await repository.publishAll()
        try await repository.publishAll()
        let client = SimulatedClient(repository)
        try await client.refresh()
        repository.snapshot.delegated[team]?.version = 1
        try await repository.publish(.snapshot, .timestamp)
        #expect(await failure(client) == .rollback)
        repository.snapshot.delegated[team] = nil
        try await repository.publish(.snapshot, .timestamp)
        #expect(await failure(client) == .rollback)
    }

    @Test(arguments: ["snapshot", "targets"])
    func `a file of another version than listed is refused`(name: String) async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try await client.refresh()
        let old = repository.files["1.\(name).json"]
        try await repository.publish(.targets, .snapshot, .timestamp)
        repository.files["2.\(name).json"] = old
        #expect(await failure(client) == .versionMismatch)
    }

    @Test(arguments: ["snapshot", "targets"])
    func `a file with another hash or length than listed is refused`(name: String) async throws {
        let repository = try await RepositorySimulator()
        repository.usesHashes = true
        let client = SimulatedClient(repository)
        try await repository.publish(.targets, .snapshot, .timestamp)
        let bytes = try #require(repository.files["2.\(name).json"])
        repository.files["2.\(name).json"]?[0] = 0x20
        #expect(await failure(client) == .contentMismatch)
        repository.files["2.\(name).json"] = Array(bytes.dropLast())
        #expect(await failure(client) == .contentMismatch)
        repository.files["2.\(name).json"] = bytes
        try await client.refresh()
    }

    @Test(arguments: [Role.timestamp, .snapshot, .targets])
    func `expired metadata is refused and what came before it is kept`(role: Role) async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try await client.refresh()
        let past = RepositorySimulator.start.adding(days: -1)
        switch role {
        case .timestamp: repository.timestamp.header.expires = past
        case .snapshot: repository.snapshot.header.expires = past
        default: repository.roles[.targets]?.header.expires = past
        }
        try await repository.publish(.targets, .snapshot, .timestamp)
        #expect(await failure(client) == .expired)
        #expect(client.version(role) == 1)
        #expect(client.version(.timestamp) == (role == .timestamp ? 1 : 2))
        #expect(client.version(.snapshot) == (role == .targets ? 2 : 1))
    }

    @Test func `metadata that expires at the very moment of the update has expired`() async throws {
        let client = SimulatedClient(try await RepositorySimulator())
        client.policy.now = RepositorySimulator.start.adding(days: 30)
        #expect(await failure(client) == .expired)
    }

    @Test func `a frozen repository is noticed when the trusted timestamp has expired`() async throws {
        let client = SimulatedClient(try await RepositorySimulator())
        try await client.refresh()
        client.repository.root.header.expires = RepositorySimulator.start.adding(days: 400)
        try await client.repository.publish(.root)
        client.policy.now = RepositorySimulator.start.adding(days: 31)
        #expect(await failure(client) == .expired)
    }

    @Test func `an expired cached timestamp still stops a rollback`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try await repository.publish(.timestamp)
        try await repository.publish(.timestamp)
        try await client.refresh()
        repository.root.header.expires = RepositorySimulator.start.adding(days: 400)
        try await repository.publish(.root)
        repository.timestamp.header.version = 1
        repository.timestamp.header.expires = RepositorySimulator.start.adding(days: 90)
        try await repository.publish(.timestamp)
        client.policy.now = RepositorySimulator.start.adding(days: 31)
        #expect(await failure(client) == .rollback)
    }
}
