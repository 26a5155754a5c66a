import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

@Suite struct PolicyTests {
    @Test(arguments: [Role.root, .timestamp, .snapshot, .targets])
    func `each top-level role must name the expected fleet`(role: Role) async throws {
        for stamp in [nil, FleetStamp(fleet: "lab", issued: RepositorySimulator.start)] {
            let repository = try await RepositorySimulator()
            let client = SimulatedClient(repository)
            switch role {
            case .root: repository.root.header.stamp = stamp
            case .timestamp: repository.timestamp.header.stamp = stamp
            case .snapshot: repository.snapshot.header.stamp = stamp
            default: repository.roles[.targets]?.header.stamp = stamp
            }
            try await repository.publish(.root, .targets, .snapshot, .timestamp)
            #expect(await failure(client) == .wrongFleet)
            #expect(client.version(role) == (role == .root ? 1 : nil))
        }
    }

    @Test func `a repository that shares every key with ours and is another fleet's is refused`() async throws {
        let ours = try await RepositorySimulator()
        let client = SimulatedClient(ours)
        let theirs = try await RepositorySimulator()
        theirs.root = ours.root
        theirs.signers = ours.signers
        for stamp in [\Timestamp.header.stamp] { theirs.timestamp[keyPath: stamp]?.fleet = "prod-us" }
        try await theirs.publish(.timestamp)
        client.repository = theirs
        #expect(await failure(client) == .wrongFleet)
    }

    @Test func `a pinned fingerprint fetches the root and takes no other`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        let digest = HashAlgorithm.sha256.digest(of: repository.firstRoot)
        client.policy.initialRoot = .fingerprint(digest, version: 1)
        try await client.refresh()
        #expect(
            client.requests == ["1.root.json", "2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"])
        try await client.refresh()
        #expect(client.requests == ["2.root.json", "timestamp.json"])

        let stranger = SimulatedClient(try await RepositorySimulator())
        stranger.policy.initialRoot = .fingerprint(digest, version: 1)
        #expect(await failure(stranger) == .wrongRoot)
        #expect(stranger.cache.isEmpty)
    }

    @Test func `a cached root that is not the pinned one is replaced`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        client.cache["root.json"] = try await RepositorySimulator().firstRoot
        let outcome = try await client.refresh()
        #expect(client.cache["root.json"] == repository.firstRoot)
        #expect(outcome.healed.map(\.code) == [.wrongRoot])
    }

    @Test(arguments: TopLevelRole.allCases)
    func `a role below the version in the join string is refused`(role: TopLevelRole) async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        client.policy.minimumVersions = [role: 2]
        #expect(await failure(client) == .rollback)
        try await repository.publish(.root, .targets, .snapshot, .timestamp)
        try await client.refresh()
    }

    @Test func `a clock in 1970 does not bring expired metadata back`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        client.policy.now = UTCDate(seconds: 0)
        let outcome = try await client.refresh()
        #expect(outcome.trusted.time == RepositorySimulator.start)
        repository.roles[.targets]?.header.expires = RepositorySimulator.start.adding(seconds: -1)
        try await repository.publish(.targets, .snapshot, .timestamp)
        #expect(await failure(client) == .expired)
    }

    @Test func `a clock in 2099 refuses everything and spoils nothing`() async throws {
        let client = SimulatedClient(try await RepositorySimulator())
        try await client.refresh()
        client.policy.now = try UTCDate("2099-01-01T00:00:00Z")
        #expect(await failure(client) == .expired)
        client.policy.now = RepositorySimulator.start
        try await client.refresh()
    }

    @Test func `a timestamp issued in the future holds until its key is rotated`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        repository.timestamp.header.stamp?.issued = RepositorySimulator.start.adding(days: 20)
        repository.roles[.targets]?.header.expires = RepositorySimulator.start.adding(days: 10)
        try await repository.publish(.targets, .snapshot, .timestamp)
        #expect(await failure(client) == .expired)
        #expect(client.version(.timestamp) == 2)
        #expect(await failure(client) == .expired)
        try repository.rotate(.timestamp)
        repository.timestamp.header.stamp?.issued = RepositorySimulator.start
        try await repository.publish(.root, .timestamp)
        try await client.refresh()
    }

    @Test func `a listed length beyond the ceiling is not fetched`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        repository.timestamp.snapshot.length = 1 << 30
        try await repository.publish(.timestamp)
        #expect(await failure(client) == .tooLarge)
        #expect(client.requests == ["2.root.json", "timestamp.json"])
    }

    @Test func `a root of 10 MB is refused`() async throws {
        let repository = try await RepositorySimulator()
        let client = SimulatedClient(repository)
        repository.files["2.root.json"] = [UInt8](repeating: 0x20, count: 10 << 20)
        #expect(await failure(client) == .unavailable)
        var workflow = UpdateWorkflow(client.policy)
        _ = workflow.next(.begin)
        _ = workflow.next(.notFound)
        _ = workflow.next(.done)
        guard case .failed(let error) = workflow.next(.bytes([UInt8](repeating: 0x20, count: 10 << 20))) else {
            Issue.record("the workflow took it")
            return
        }
        #expect(error.code == .tooLarge)
    }
}
