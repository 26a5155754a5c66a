import Codecs
import PKI
import Testing
import TrustModel

/// Random teams, scopes and policies: what the server shows is what hosts come to.
@Suite struct EffectPropertyTests {
    /// A generator that repeats itself: a failure names its seed.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
        mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }
        mutating func some<Value>(_ values: [Value], atLeast: Int = 0) -> [Value] {
            Array(values.shuffled(using: &self).prefix(max(atLeast, below(values.count + 1))))
        }
    }

    private static let paths = ["", "/a", "/a/b", "/a/b/c", "/a-b", "/b", "/b/a", "/c/d"]
    private static let places = ["r.example", "q.example:5000"].flatMap { host in paths.map { host + $0 } }

    private func content(_ dice: inout Dice, roots: [[UInt8]]) throws -> FleetContent {
        let names = ["acme", "beta", "core", "data"]
        var free = Self.places.shuffled(using: &dice)
        let teams = try dice.some(names, atLeast: 1).map { name -> TeamContent in
            let scopes = try (0..<(1 + dice.below(3))).compactMap { _ in try free.popLast().map { try scope($0) } }
            let stores = try ["one", "two"].prefix(1 + dice.below(2)).map { store in
                StoreContent(kind: .ca, name: try TrustStoreName(store), anchors: dice.some(roots))
            }
            return TeamContent(
                name: try team(name), scopes: scopes, stores: stores,
                statements: dice.below(3) == 0 ? nil : try statements(&dice, scopes, stores))
        }
        let levels: [VerificationLevel?] = [nil, .audit, .permissive]
        let policy = FleetPolicy(
            statements: [
                FleetPolicy.Statement(
                    name: "infra", registryScopes: try dice.some(Self.places, atLeast: 1).map { try scope($0) },
                    level: "strict",
                    stores: teams[0].stores.map { .init(team: teams[0].name, kind: .ca, name: $0.name) },
                    trustedIdentities: ["*"])
            ], standardLevel: levels[dice.below(3)], floor: levels[dice.below(3)])
        let exceptions = try dice.some(Self.places).prefix(2).enumerated().map { index, place in
            PolicyException(
                id: "E-\(index)", subject: .scope(try scope(place)), until: now.adding(days: Int64(dice.below(4)) - 1))
        }
        return FleetContent(
            fleet: try FleetName("prod"), id: try FleetID(String(repeating: "a", count: 32)), profile: .standard,
            teams: teams, repositories: try Self.places.filter { $0.contains("/") }.map { try scope($0) },
            policy: policy, exceptions: exceptions)
    }

    /// Within a team's scopes as a rule, and now and then outside them.
    private func statements(
        _ dice: inout Dice, _ scopes: [RegistryScope], _ stores: [StoreContent]
    ) throws -> [TeamPolicy.Statement] {
        var candidates = try Self.places.map { try scope($0) }.filter { place in
            dice.below(40) == 0 || scopes.contains { $0.covers(place) }
        }
        return (0..<(1 + dice.below(3))).compactMap { index in
            guard let one = candidates.popLast() else { return nil }
            return TeamPolicy.Statement(
                name: "s\(index)", registryScopes: [one] + candidates.suffix(dice.below(2)),
                level: ["strict", "permissive", "audit"][dice.below(3)],
                stores: stores.map { TeamPolicy.StoreReference(kind: $0.kind, name: $0.name) },
                trustedIdentities: ["*"])
        }
    }

    /// What an agent makes of the published bytes.
    private func host(_ content: FleetContent) throws -> TrustMerge.Outcome {
        let settings = try FleetSettings(verifiedBytes: try content.settings.publishedBytes())
        let ops = try OpsSettings(verifiedBytes: try OpsSettings(repositories: content.repositories).publishedBytes())
        let deny = try DenyDocument(verifiedBytes: try DenyDocument(denials: content.denials).publishedBytes())
        let teams = try content.teams.map { ($0.name, TeamState.verified(try $0.targets)) }
        return TrustMerge(
            settings: settings, ops: ops, deny: deny, teams: Dictionary(uniqueKeysWithValues: teams), release: 0,
            issued: now
        ).merged()
    }

    private func roots() async throws -> [[UInt8]] {
        var roots: [[UInt8]] = []
        for name in ["one", "two", "three"] { roots.append(try await makeRoot(name).der) }
        return roots
    }

    @Test func `what is shown of a change is byte for byte what hosts come to`() async throws {
        let roots = try await roots()
        for seed in 0..<150 {
            var dice = Dice(state: UInt64(seed))
            let (before, after) = (try content(&dice, roots: roots), try content(&dice, roots: roots))
            let rendering = try FleetRendering(after, now: now)
            let host = try host(after)
            #expect(try rendering.outcome.trust.publishedBytes() == host.trust.publishedBytes(), "seed \(seed)")
            let tree = NotationTree(host.trust, inexpressible: after.settings.inexpressible, now: now)
            #expect(rendering.notation == tree, "seed \(seed)")
            let effect = try FleetEffect(from: before, to: after, now: now)
            let again = try FleetEffect(from: before, to: after, now: now)
            #expect(effect.lines == again.lines && effect.files == again.files && effect.findings == again.findings)
            let nothing = try FleetEffect(from: after, to: after, now: now)
            #expect(nothing.isEmpty, "seed \(seed): \(nothing.lines)")
        }
    }

    @Test func `who may not see a fleet is shown the effect on their own team, and nothing of others`() async throws {
        let roots = try await roots()
        func content(_ anchors: [[UInt8]]) throws -> FleetContent {
            let teams = try ["acme", "beta"].map { name in
                TeamContent(
                    name: try team(name), scopes: [try scope("r.example/\(name)")],
                    stores: [StoreContent(kind: .ca, name: try TrustStoreName("prod"), anchors: anchors)])
            }
            return FleetContent(
                fleet: try FleetName("prod"), id: try FleetID(String(repeating: "a", count: 32)), profile: .standard,
                teams: teams, repositories: [])
        }
        let whole = try FleetEffect(from: try content([roots[0]]), to: try content(roots), now: now)
        #expect(whole.lines.contains { $0.contains("acme") } && whole.lines.contains { $0.contains("beta") })
        let part = try #require(whole.part { $0.rawValue == "acme" })
        #expect(part.fleet == whole.fleet && part.lines.count == 2)
        #expect(part.lines.allSatisfy { $0.hasPrefix("store ca:acme.prod: anchor added") })
        #expect(!part.files.isEmpty && part.files.allSatisfy { $0.path.contains("/acme.prod/") })
        #expect(whole.files.count > part.files.count)
        #expect(whole.part { $0.rawValue == "core" } == nil)
    }

    @Test func `one statement decides about every image, in Notation and for us alike, and never outside its scopes`()
        async throws
    {
        let roots = try await roots()
        for seed in 1_000..<1_150 {
            var dice = Dice(state: UInt64(seed))
            let content = try content(&dice, roots: roots)
            let trust = try content.merged(now: now).trust
            let notation = try policy(NotationTree(trust, now: now))
            let owners = Dictionary(grouping: content.teams.flatMap { team in team.scopes.map { ($0, team.name) } }) {
                $0.0
            }
            for repository in content.repositories {
                let found = try trust.deciding(repository, at: now)
                let owner = owners.keys.filter { $0.covers(repository) }.max { $0.rawValue.count < $1.rawValue.count }
                #expect(found?.statement.team == owner.flatMap { owners[$0]?.first?.1 }, "seed \(seed): \(repository)")
                guard let found else { continue }
                #expect(found.scope.covers(repository))
                let present = Set(trust.stores.map(\.id))
                let rejects = found.statement.stores.isEmpty || !present.isSuperset(of: found.statement.stores)
                let name = "\(found.statement.team?.rawValue ?? "fleet").\(found.statement.name)"
                let rendered = notation.statement(for: repository.rawValue)?.name
                #expect(rendered == (rejects ? "roadstead-rejected" : name), "seed \(seed): \(repository)")
            }
        }
    }
}
