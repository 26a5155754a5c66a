import Codecs
import Foundation
import PythonEnvironment
import RepositorySimulation
import SigningKeys
import Testing
import TUF

@Suite(.enabled("python-tuf can be installed") { try await PythonEnvironment.isAvailable() })
struct PythonInteroperationTests {
    /// What python-tuf's client did with a repository.
    func refresh(
        _ repository: RepositorySimulator, state: TemporaryDirectory, initialRoot: [UInt8], _ targets: [String] = []
    ) throws -> JSONObject {
        let directory = try TemporaryDirectory()
        try directory.write(repository.files)
        try state.write(["initial-root": initialRoot])
        let root = state.url.appendingPathComponent("initial-root").path
        let output = try PythonEnvironment.run("refresh.py", [directory.url.path, state.url.path, root] + targets)
        return try JSON(parsing: output).object("output")
    }

    /// python-tuf reads the system's clock: metadata lives long from the simulator's fixed start.
    func repository(_ keyType: KeyType, consistentSnapshot: Bool = true) async throws -> RepositorySimulator {
        let repository = try await RepositorySimulator(consistentSnapshot: consistentSnapshot, keyType: keyType)
        let expires = try UTCDate("2040-01-01T00:00:00Z")
        repository.root.header.expires = expires
        repository.timestamp.header.expires = expires
        repository.snapshot.header.expires = expires
        repository.roles[.targets]?.header.expires = expires
        try await repository.publish(.root, .targets, .snapshot, .timestamp, bump: false)
        return repository
    }

    func live(_ repository: RepositorySimulator) throws {
        for role in repository.roles.keys {
            repository.roles[role]?.header.expires = try UTCDate("2040-01-01T00:00:00Z")
        }
    }

    @Test(arguments: [KeyType.ed25519, .ec(.p256), .rsa(bits: 2_048)])
    func `stock python-tuf refreshes and downloads from our repository`(keyType: KeyType) async throws {
        let repository = try await repository(keyType)
        let keys = try (0..<3).map { _ in try PrivateKey.generate(keyType) }
        try repository.delegate(to: "team-a", paths: ["team-a/*"], terminating: true, keys: keys, threshold: 2)
        try repository.add("team-a/ca.roots.pem", "anchors", to: .delegated(RoleName("team-a")))
        try repository.add("fleet/settings.json", "{}")
        try live(repository)
        try await repository.publishAll()
        let did = try refresh(
            repository, state: try TemporaryDirectory(), initialRoot: repository.firstRoot,
            ["team-a/ca.roots.pem", "fleet/settings.json", "team-a/none"])
        let targets = try did.object("targets", in: "output")
        #expect(targets["team-a/ca.roots.pem"] == "anchors")
        #expect(targets["fleet/settings.json"] == "{}")
        #expect(targets["team-a/none"] == .null)
    }

    @Test(arguments: [true, false])
    func `an old python-tuf client follows rotated roots and new content`(consistentSnapshot: Bool) async throws {
        let repository = try await repository(.ed25519, consistentSnapshot: consistentSnapshot)
        let state = try TemporaryDirectory()
        let initialRoot = repository.firstRoot
        _ = try refresh(repository, state: state, initialRoot: initialRoot)
        let old = repository.signers[.root] ?? []
        try repository.rotate(.root, count: 3, threshold: 2)
        try repository.rotate(.timestamp)
        try repository.rotate(.snapshot)
        let new = repository.signers[.root] ?? []
        repository.signers[.root] = old + new
        try await repository.publish(.root)
        repository.signers[.root] = Array(new.prefix(2))
        try await repository.publish(.root)
        try repository.add("fleet/settings.json", "new")
        repository.usesHashes = true
        try await repository.publishAll()
        let did = try refresh(repository, state: state, initialRoot: initialRoot, ["fleet/settings.json"])
        #expect(try did.object("versions", in: "output").integer("root", in: "versions") == 3)
        #expect(try did.object("targets", in: "output")["fleet/settings.json"] == "new")
    }

    @Test func `python-tuf and this client make the same requests`() async throws {
        let repository = try await repository(.ed25519)
        let did = try refresh(repository, state: try TemporaryDirectory(), initialRoot: repository.firstRoot)
        let client = SimulatedClient(repository)
        try await client.refresh()
        #expect(try did.array("requests", in: "output").map(\.stringOrNil) == client.requests.map { "/" + $0 })
    }

    @Test(arguments: [true, false])
    func `a repository made by python-tuf is followed`(consistentSnapshot: Bool) async throws {
        let directory = try TemporaryDirectory()
        _ = try PythonEnvironment.run("publish.py", [directory.url.path, consistentSnapshot ? "1" : "0"])
        let repository = try await RepositorySimulator()
        repository.files = try directory.read()
        let client = SimulatedClient(repository, fleet: nil)
        let found = try #require(try await client.find("team/file.txt"))
        #expect(client.version(.root) == 2)
        #expect(found.file.custom?["kind"] == "text")
        let content = try #require(repository.files["targets/" + (found.path ?? "")])
        try found.file.check(content)
        #expect(String(decoding: content, as: UTF8.self) == "from python")
        try await client.refresh()
        #expect(client.requests == ["3.root.json", "timestamp.json"])
    }

    @Test func `key ids are those that python-tuf computes`() async throws {
        let directory = try TemporaryDirectory()
        _ = try PythonEnvironment.run("publish.py", [directory.url.path, "1"])
        let bytes = try #require(try directory.read()["2.root.json"])
        let root = try UnverifiedMetadata<Root>(bytes, maximumBytes: 1 << 20).unverifiedContent
        for (id, key) in root.keys.listed {
            #expect(key.id == id)
            #expect(root.keys.problem(with: id) == nil)
            #expect(key.isCanonical)
        }
        #expect(root.keys.listed.count == 6)
    }
}
