import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

@Suite struct DelegationsUpdateTests {
    /// A fleet with `deny` and three teams, each with one target.
    func fleet() async throws -> RepositorySimulator {
        let repository = try await RepositorySimulator()
        for name in ["deny", "team-a", "team-b", "team-c"] {
            try repository.delegate(to: name, paths: ["\(name)/*"], terminating: true)
            try repository.add("\(name)/file", name, to: .delegated(RoleName(name)))
        }
        try await repository.publishAll()
        return repository
    }

    func load(_ client: SimulatedClient) async throws -> DelegatedRoles {
        var update = DelegationsUpdate(try await client.refresh().trusted, mandatory: [try RoleName("deny")])
        client.requests = []
        return try await update.run(with: client)
    }

    func found(_ name: String, _ roles: DelegatedRoles) throws -> Bool {
        if case .found = roles.search(try TargetName(name)) { return true }
        return false
    }

    @Test func `all roles are loaded in the order of delegation`() async throws {
        let client = SimulatedClient(try await fleet())
        let roles = try await load(client)
        #expect(client.requests == ["1.deny.json", "1.team-a.json", "1.team-b.json", "1.team-c.json"])
        #expect(try found("team-c/file", roles))
        #expect(roles.targets(of: .delegated(try RoleName("team-b"))).map(\.name.text) == ["team-b/file"])
        _ = try await load(client)
        #expect(client.requests.isEmpty)
    }

    @Test(arguments: ["missing", "unavailable", "expired", "unsigned", "malformed", "oversized"])
    func `one team's failure is that team's alone`(kind: String) async throws {
        let repository = try await fleet()
        let client = SimulatedClient(repository)
        let team = Role.delegated(try RoleName("team-a"))
        if kind == "expired" { repository.roles[team]?.header.expires = RepositorySimulator.start }
        if kind == "unsigned" { repository.signers[team] = [try PrivateKey.generate(.ed25519)] }
        try await repository.publishAll()
        switch kind {
        case "missing": repository.files["2.team-a.json"] = nil
        case "unavailable": client.broken = ["2.team-a.json"]
        case "malformed": repository.files["2.team-a.json"] = Array("<html>".utf8)
        case "oversized": repository.files["2.team-a.json"] = [UInt8](repeating: 0x20, count: 6_000_000)
        default: break
        }
        let roles = try await load(client)
        let result = try #require(roles[try RoleName("team-a")])
        #expect(throws: TUFError.self) { try result.get() }
        #expect(try found("deny/file", roles))
        #expect(try found("team-b/file", roles))
        guard case .failed = roles.search(try TargetName("team-a/file")) else {
            Issue.record("somebody else answered for the team")
            return
        }
    }

    @Test func `a mandatory role that fails or is not delegated ends the update`() async throws {
        let repository = try await fleet()
        let client = SimulatedClient(repository)
        repository.files["1.deny.json"] = nil
        await #expect(throws: TUFError(.notFound, "")) { try await load(client) }
        let other = SimulatedClient(try await RepositorySimulator())
        await #expect(throws: TUFError(.notDelegated, "")) { try await load(other) }
    }

    @Test func `only wanted roles are asked for`() async throws {
        let client = SimulatedClient(try await fleet())
        var update = DelegationsUpdate(try await client.refresh().trusted, mandatory: [try RoleName("deny")]) {
            _, delegation in delegation.name.text == "team-b"
        }
        client.requests = []
        let roles = try await update.run(with: client)
        #expect(client.requests == ["1.deny.json", "1.team-b.json"])
        guard case .needs(let edge) = roles.search(try TargetName("team-a/file")) else {
            Issue.record("a role that was not loaded answered")
            return
        }
        #expect(edge.name.text == "team-a")
    }

    @Test func `a group's teams are loaded behind it and cannot crowd others out`() async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "deny", paths: ["deny/*"])
        try repository.delegate(to: "group", paths: ["a/*", "b/*"])
        try repository.delegate(to: "last", paths: ["last/*"])
        for index in 0..<50 {
            try repository.delegate(from: .delegated(RoleName("group")), to: "t\(index)", paths: ["a/*"])
        }
        try await repository.publishAll()
        let client = SimulatedClient(repository)
        var limits = MetadataLimits()
        limits.loadedRoles = 10
        var update = DelegationsUpdate(
            try await client.refresh().trusted, limits: limits, mandatory: [try RoleName("deny")])
        client.requests = []
        let roles = try await update.run(with: client)
        #expect(Array(client.requests.prefix(3)) == ["1.deny.json", "1.group.json", "1.last.json"])
        #expect(roles.tried.count == 10)
    }
}
