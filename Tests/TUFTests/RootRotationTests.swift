import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

@Suite struct RootRotationTests {
    @Test func `a host follows every root to the last one`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        for _ in 0..<5 { try await rotateRoot(repository) }
        try await client.refresh()
        #expect(client.version(.root) == 6)
        #expect(client.cache["root.json"] == repository.files["6.root.json"])
        #expect(Array(client.requests.prefix(6)) == (2...7).map { "\($0).root.json" })
    }

    @Test func `a root that only its own keys have signed is refused`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try repository.rotate(.root)
        try await repository.publish(.root)
        #expect(await failure(client) == .unsigned)
        #expect(client.version(.root) == 1)
    }

    @Test func `a root that only the old keys have signed is refused`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        let old = repository.signers[.root]
        try repository.rotate(.root)
        repository.signers[.root] = old
        try await repository.publish(.root)
        #expect(await failure(client) == .unsigned)
    }

    @Test func `a root of two formats of one key does not meet a threshold of two`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        let key = try #require(repository.signers[.root]?.first)
        try repository.list([try Key(key.publicKey), try disguised(key, "x")], for: .root, threshold: 2)
        repository.root.header.version = 2
        var draft = try MetadataDraft(repository.root)
        try await draft.sign(with: key)
        try await draft.sign(with: key, as: disguised(key, "x"))
        repository.files["2.root.json"] = draft.bytes
        #expect(await failure(client) == .unsigned)
    }

    @Test func `a root of a later version than asked for is refused`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        repository.root.header.version = 2
        try await repository.publish(.root)
        repository.files["2.root.json"] = repository.files["3.root.json"]
        #expect(await failure(client) == .versionMismatch)
    }

    @Test func `a root of the same version again ends the search without an error`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        repository.files["2.root.json"] = repository.firstRoot
        try await client.refresh()
        #expect(client.version(.root) == 1)
    }

    @Test func `an expired root is stored, and nothing after it`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try await client.refresh()
        repository.root.header.expires = RepositorySimulator.start.adding(days: -1)
        try await repository.publish(.root, .targets, .snapshot, .timestamp)
        #expect(await failure(client) == .expired)
        #expect(client.version(.root) == 2)
        #expect(client.version(.timestamp) == 1)
    }

    @Test func `an expired intermediate root does not matter`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        repository.root.header.expires = RepositorySimulator.start.adding(days: -1)
        try await repository.publish(.root)
        repository.root.header.expires = RepositorySimulator.start.adding(days: 10)
        try await repository.publish(.root)
        try await client.refresh()
        #expect(client.version(.root) == 3)
    }

    @Test func `endless roots end at the limit and the next update goes on`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        for _ in 0..<300 { try await repository.publish(.root) }
        try await client.refresh()
        #expect(client.version(.root) == 257)
        try await client.refresh()
        #expect(client.version(.root) == 301)
    }

    @Test func `a server error is not taken for the end of the roots`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        client.broken = ["2.root.json"]
        #expect(await failure(client) == .unavailable)
        #expect(client.requests == ["2.root.json"])
    }

    @Test(arguments: ["<html>not found</html>", "", "null", "{}"])
    func `a page where a root was asked for is refused`(page: String) async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        repository.files["2.root.json"] = Array(page.utf8)
        #expect(await failure(client) == .malformed)
        repository.files["2.root.json"] = nil
        try await client.refresh()
    }

    @Test func `a rotated timestamp key drops what it signed, however high its version`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        repository.timestamp.header.version = 9_000_000_000_000_000
        try await repository.publish(.timestamp)
        try await client.refresh()
        try repository.rotate(.timestamp)
        repository.timestamp.header.version = 0
        try await repository.publish(.root, .timestamp)
        try await client.refresh()
        #expect(client.version(.timestamp) == 1)
    }

    @Test func `a rotated snapshot key allows targets to go down and roles to disappear`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        try repository.delegate(to: "team", paths: ["team/*"])
        repository.roles[.targets]?.header.version = 99
        try await repository.publishAll()
        try await client.refresh()
        #expect(client.version(.targets) == 100)
        try repository.rotate(.snapshot)
        repository.roles[.targets]?.header.version = 0
        repository.snapshot.delegated = [:]
        try await repository.publish(.root, .targets, .snapshot, .timestamp)
        try await client.refresh()
        #expect(client.version(.targets) == 1)
    }

    @Test func `recovery works too when the host was killed before it deleted the old files`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        repository.timestamp.header.version = 1_000
        try await repository.publish(.timestamp)
        try await client.refresh()
        try repository.rotate(.timestamp)
        repository.timestamp.header.version = 0
        try await repository.publish(.root, .timestamp)
        client.cache["root.json"] = repository.files["2.root.json"]
        try await client.refresh()
        #expect(client.version(.timestamp) == 1)
    }

    @Test func `adding a key to the timestamp role keeps the rollback protection`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        let old = repository.files["timestamp.json"]
        try await repository.publish(.timestamp)
        try await client.refresh()
        let more = try PrivateKey.generate(.ed25519)
        let keys = try ((repository.signers[.timestamp] ?? []) + [more]).map { try Key($0.publicKey) }
        try repository.list(keys, for: .timestamp, threshold: 1)
        try await repository.publish(.root)
        repository.files["timestamp.json"] = old
        #expect(await failure(client) == .rollback)
    }

    private func rotateRoot(_ repository: RepositorySimulator) async throws {
        let old = repository.signers[.root] ?? []
        try repository.rotate(.root)
        let new = repository.signers[.root] ?? []
        repository.signers[.root] = old + new
        try await repository.publish(.root)
        repository.signers[.root] = new
    }
}
