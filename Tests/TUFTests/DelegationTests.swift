import Codecs
import SigningKeys
import TUF
import RepositorySimulation
import Testing

@Suite struct DelegationTests {
    /// A delegation as `delegator>role`, with `!` for terminating and its pattern after a colon.
    struct Graph: Sendable, CustomTestStringConvertible {
        let edges: [String]
        let visited: [String]
        var testDescription: String { edges.joined(separator: " ") }
    }

    static let graphs = [
        Graph(edges: [">A"], visited: ["A"]),
        Graph(edges: [">A", ">B"], visited: ["A", "B"]),
        Graph(edges: [">A", ">B", "B>C"], visited: ["A", "B", "C"]),
        Graph(edges: [">A", ">B", "A>C", "A>D"], visited: ["A", "C", "D", "B"]),
        Graph(edges: [">A", ">B", "A>C", "C>D"], visited: ["A", "C", "D", "B"]),
        Graph(edges: [">A", ">B", "A>C!", "A>D"], visited: ["A", "C"]),
        Graph(edges: [">A", ">B", "A>C!", "C>D"], visited: ["A", "C", "D"]),
        Graph(edges: [">A:*.py", ">B", "A>C"], visited: ["B"]),
        Graph(edges: [">A", ">B", "A>C:*.py", "C>D"], visited: ["A", "B"]),
        Graph(edges: [">A", ">B", "B>C", "C>D", "D>B"], visited: ["A", "B", "C", "D"]),
        Graph(edges: [">A", ">B", "B>C", "A>C"], visited: ["A", "C", "B"]),
        Graph(edges: [">A", ">B", "B>C", "A>C:*.py"], visited: ["A", "B", "C"]),
    ]

    @Test(arguments: graphs)
    func `roles are visited depth first, each once, and only where the name is delegated`(graph: Graph) async throws {
        let repository = try await RepositorySimulator()
        var keys: [String: PrivateKey] = [:]
        for edge in graph.edges {
            let isTerminating = edge.hasSuffix("!")
            let parts = edge.split(separator: ":")
            let names = parts[0].replacing("!", with: "").split(separator: ">", omittingEmptySubsequences: false)
            let delegator = names[0].isEmpty ? Role.targets : .delegated(try RoleName(String(names[0])))
            let name = String(names[1])
            let key = try keys[name] ?? PrivateKey.generate(.ed25519)
            keys[name] = key
            try repository.delegate(
                from: delegator, to: name, paths: [parts.count > 1 ? String(parts[1]) : "*"],
                terminating: isTerminating, keys: [key])
            repository.signers[.delegated(try RoleName(name))] = [key]
        }
        try await repository.publishAll()
        let client = SimulatedClient(repository)
        #expect(try await client.find("missingpath") == nil)
        #expect(client.requests == graph.visited.map { "1.\($0).json" })
    }

    @Test func `a found target is named with its hash and ends the search`() async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "team", paths: ["team/*"], terminating: true)
        try repository.delegate(to: "other", paths: ["*/*"])
        try repository.add("team/roots.pem", "content", to: .delegated(RoleName("team")))
        try await repository.publishAll()
        let client = SimulatedClient(repository)
        let found = try #require(try await client.find("team/roots.pem"))
        #expect(client.requests == ["1.team.json"])
        #expect(found.role == .delegated(try RoleName("team")))
        let bytes = try #require(repository.files["targets/" + (found.path ?? "")])
        try found.file.check(bytes)
        #expect(code { () throws(TUFError) in try found.file.check(bytes + [0]) } == .contentMismatch)
        #expect(code { () throws(TUFError) in try found.file.check(bytes.reversed()) } == .contentMismatch)
    }

    @Test func `a target outside its role's paths is not found`() async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "team", paths: ["team/*"])
        try repository.add("other/roots.pem", "stolen", to: .delegated(RoleName("team")))
        try await repository.publishAll()
        #expect(try await SimulatedClient(repository).find("other/roots.pem") == nil)
    }

    @Test func `a name must be delegated at every level`() async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "group", paths: ["team-a/*"])
        try repository.delegate(from: .delegated(RoleName("group")), to: "team", paths: ["*/*"])
        try repository.add("team-b/x", "stolen", to: .delegated(RoleName("team")))
        try await repository.publishAll()
        #expect(try await SimulatedClient(repository).find("team-b/x") == nil)
    }

    @Test func `a role is verified for each delegator, also when it is loaded already`() async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "parent-a", paths: ["team-a/*"])
        try repository.delegate(to: "parent-b", paths: ["team-b/*"])
        try repository.delegate(from: .delegated(RoleName("parent-a")), to: "release", paths: ["team-a/*"])
        let release = Role.delegated(try RoleName("release"))
        let signers = repository.signers[release]
        try repository.delegate(from: .delegated(RoleName("parent-b")), to: "release", paths: ["team-b/*"])
        repository.signers[release] = signers
        try repository.add("team-a/x", "trusted", to: release)
        try repository.add("team-b/x", "malicious", to: release)
        try await repository.publishAll()
        let client = SimulatedClient(repository)
        var first = TargetLookup(try TargetName("team-a/x"), in: DelegatedRoles(try await client.refresh().trusted))
        let outcome = try await first.run(with: client)
        #expect(outcome.target != nil)
        var second = TargetLookup(try TargetName("team-b/x"), in: outcome.roles)
        await #expect(throws: TUFError(.unsigned, "")) { try await second.run(with: client) }
        await #expect(throws: TUFError(.unsigned, "")) { try await client.find("team-b/x") }
    }

    @Test func `a role that the snapshot does not list is not even asked for`() async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "team", paths: ["*"])
        try await repository.publishAll()
        repository.snapshot.delegated = [:]
        try await repository.publish(.snapshot, .timestamp)
        let client = SimulatedClient(repository)
        await #expect(throws: TUFError(.notDelegated, "")) { try await client.find("x") }
        #expect(client.requests.isEmpty)
    }

    @Test func `a search ends after as many roles as are allowed`() async throws {
        let repository = try await RepositorySimulator()
        for index in 0..<40 { try repository.delegate(to: "role-\(index)", paths: ["*"]) }
        try repository.add("x", "y", to: .delegated(RoleName("role-39")))
        try await repository.publishAll()
        let client = SimulatedClient(repository)
        #expect(try await client.find("x") == nil)
        #expect(client.requests.count == 32)
    }

    @Test(arguments: ["?", "#", "/delegatedrole", "../delegatedrole"])
    func `an unusual role name is encoded in the request and stays in the cache`(name: String) async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: name, paths: ["*"])
        try await repository.publishAll()
        let client = SimulatedClient(repository)
        #expect(try await client.find("x") == nil)
        let stem = try RoleName(name).fileStem
        #expect(client.requests == ["1.\(stem).json"])
        #expect(client.cache.keys.contains("\(stem).json"))
        #expect(client.cache.count == 5)
    }

    @Test func `hash prefixes delegate what they cover`() async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "bin", paths: [])
        let hash = Hex.encode(HashAlgorithm.sha256.digest(of: Array("a/x".utf8)))
        repository.roles[.targets]?.delegations?.roles[0].scope = .pathHashPrefixes([String(hash.prefix(3))])
        try repository.add("a/x", "1", to: .delegated(RoleName("bin")))
        try await repository.publishAll()
        #expect(try await SimulatedClient(repository).find("a/x") != nil)
        #expect(try await SimulatedClient(repository).find("a/z") == nil)
    }

    @Test func `a cached role is used, a damaged one fetched again`() async throws {
        let repository = try await RepositorySimulator()
        try repository.delegate(to: "team", paths: ["*"])
        try await repository.publishAll()
        let client = SimulatedClient(repository)
        #expect(try await client.find("x") == nil)
        #expect(try await client.find("x") == nil)
        #expect(client.requests.isEmpty)
        client.cache["team.json"] = []
        #expect(try await client.find("x") == nil)
        #expect(client.requests == ["1.team.json"])
    }

    @Test func `two delegations of one name are refused`() throws {
        let key = try Key(PrivateKey.generate(.ed25519).publicKey)
        let delegation = Delegation(
            name: try RoleName("team"), keys: try RoleKeys([key.id], threshold: 1), paths: [PathPattern("*")])
        #expect(throws: TUFError(.malformed, "")) {
            try Delegations(keys: KeyRing([key]), roles: [delegation, delegation])
        }
    }
}
