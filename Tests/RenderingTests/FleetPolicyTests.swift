import Codecs
import PKI
import Testing
import TrustModel

/// What a fleet's administrators say beside its teams, as hosts obey it.
@Suite struct FleetPolicyTests {
    private func merged(
        _ teams: [TeamFixture], policy: FleetPolicy? = nil, exceptions: [PolicyException] = [],
        repositories: [String] = [], denials: [DenyDocument.Denial] = []
    ) throws -> TrustMerge.Outcome {
        let settings = FleetSettings(
            fleet: try FleetName("prod"), fleetID: try FleetID(String(repeating: "a", count: 32)),
            teams: try teams.map { try $0.settings }, enforcers: [], policy: policy, exceptions: exceptions)
        // As an agent reads them: from their bytes.
        let read = try FleetSettings(verifiedBytes: try settings.publishedBytes())
        let states = try teams.map { (try TeamName($0.name), TeamState.verified(try $0.targets)) }
        return TrustMerge(
            settings: read, ops: OpsSettings(repositories: try repositories.map { try RegistryScope($0) }),
            deny: DenyDocument(denials: denials), teams: Dictionary(uniqueKeysWithValues: states), release: 7,
            issued: now
        ).merged()
    }

    private func statement(
        _ name: String = "infra", scopes: [String], level: String = "strict", stores: [TrustStoreID]
    ) throws -> FleetPolicy.Statement {
        FleetPolicy.Statement(
            name: name, registryScopes: try scopes.map { try RegistryScope($0) }, level: level, stores: stores,
            trustedIdentities: level == "skip" ? [] : ["*"])
    }

    private func level(_ outcome: TrustMerge.Outcome, _ repository: String, at time: UTCDate = now) throws -> String? {
        try outcome.trust.deciding(scope(repository), at: time)?.statement.level
    }

    @Test func `a team's statement below the floor is held to the floor, check by check, and that is said`()
        async throws
    {
        let root = try await makeRoot("acme")
        for (said, floor, found) in [
            ("audit", VerificationLevel.permissive, "permissive"), ("skip", .audit, "audit"),
            ("strict", .permissive, "strict"), ("permissive", .permissive, "permissive"), ("skip", .skip, "skip"),
        ] {
            var acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
            acme.level = said
            let outcome = try merged([acme], policy: FleetPolicy(floor: floor), repositories: ["r.example/acme/app"])
            #expect(try level(outcome, "r.example/acme/app") == found)
            #expect(outcome.warnings.contains { $0.kind == .floor } == (said != found))
            #expect(outcome.lagging.isEmpty)
        }
    }

    @Test func `a floor is critical, so that no host that does not know it accepts more than was said`() throws {
        let settings = FleetSettings(
            fleet: try FleetName("prod"), fleetID: try FleetID(String(repeating: "a", count: 32)), teams: [],
            enforcers: [], policy: FleetPolicy(floor: .audit))
        #expect(settings.critical == ["policy-floor"])
        let without = FleetSettings(
            fleet: settings.fleet, fleetID: settings.fleetID, teams: [], enforcers: [],
            policy: FleetPolicy(standardLevel: .audit))
        #expect(without.critical.isEmpty)
    }

    @Test func `the standard level holds for teams that wrote no statement, and for no other`() async throws {
        let root = try await makeRoot("acme")
        let standard = TeamContent(
            name: try team("acme"), scopes: [try scope("r.example/acme")],
            stores: [StoreContent(kind: .ca, name: try TrustStoreName("prod"), anchors: [root.der])])
        var own = TeamFixture(name: "own", scopes: ["r.example/own"], stores: ["prod": [root]])
        own.identities = ["x509.subject: C=US, ST=WA, O=Example"]
        var fixture = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        fixture.rawPolicy = try standard.policy.publishedBytes()
        let outcome = try merged([fixture, own], policy: FleetPolicy(standardLevel: .audit))
        #expect(try level(outcome, "r.example/acme/app") == "audit")
        #expect(try level(outcome, "r.example/own/app") == "strict")
    }

    @Test func `the fleet's own statements are for what no team owns, by the stores of its teams`() async throws {
        let root = try await makeRoot("acme")
        let acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        let policy = FleetPolicy(statements: [
            try statement(scopes: ["infra.example/base", "r.example"], stores: [store("acme", "prod")]),
            try statement("open", scopes: ["open.example/tools"], level: "skip", stores: []),
        ])
        let outcome = try merged(
            [acme], policy: policy, repositories: ["infra.example/base/os", "r.example/acme/app", "r.example/other"])
        #expect(try outcome.trust.deciding(scope("infra.example/base/os"), at: now)?.statement.team == nil)
        #expect(try outcome.trust.deciding(scope("r.example/acme/app"), at: now)?.statement.team == team("acme"))
        #expect(try outcome.trust.deciding(scope("r.example/other"), at: now)?.statement.name == "infra")
        let tree = NotationTree(outcome.trust, now: now)
        let notation = try RenderingTests.policy(tree)
        #expect(notation.statement(for: "infra.example/base/os")?.name == "fleet.infra")
        #expect(notation.statement(for: "open.example/tools")?.level == .skip)
    }

    @Test func `what a team owns is the team's, whatever the fleet's statement says`() async throws {
        let root = try await makeRoot("acme")
        let acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        let policy = FleetPolicy(statements: [
            try statement(scopes: ["r.example/acme/app"], level: "skip", stores: [])
        ])
        let outcome = try merged([acme], policy: policy, repositories: ["r.example/acme/app"])
        #expect(try level(outcome, "r.example/acme/app") == "strict")
        #expect(outcome.warnings.contains { $0.text.contains("belongs to a team") })
    }

    // MARK: Exceptions

    private func exception(_ scope: String, until: UTCDate = now.adding(days: 3)) throws -> PolicyException {
        PolicyException(id: "E-1", subject: .scope(try RegistryScope(scope)), until: until)
    }

    @Test func `a scope's exception holds what it covers to audit, and nothing beside it, until it ends`() async throws
    {
        let root = try await makeRoot("acme")
        let acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        let end = now.adding(days: 3)
        let outcome = try merged(
            [acme], exceptions: [try exception("r.example/acme/app", until: end)],
            repositories: ["r.example/acme/app", "r.example/acme/app/x", "r.example/acme/app-x", "r.example/acme"])
        for (repository, found) in [
            ("r.example/acme/app", "audit"), ("r.example/acme/app/x", "audit"), ("r.example/acme/app-x", "strict"),
            ("r.example/acme", "strict"),
        ] {
            #expect(try level(outcome, repository) == found)
            #expect(try level(outcome, repository, at: end) == "strict")
            let tree = NotationTree(outcome.trust, now: now)
            #expect(try RenderingTests.policy(tree).statement(for: repository)?.level.rawValue == found)
            let later = NotationTree(outcome.trust, now: end)
            #expect(try RenderingTests.policy(later).statement(for: repository)?.level == .strict)
        }
        #expect(outcome.trust.nextEnd(after: now) == end && outcome.trust.nextEnd(after: end) == nil)
        #expect(outcome.warnings.contains { $0.kind == .exception })
    }

    @Test func `an exception around statements lowers each of its team by its own stores, and no other team's`()
        async throws
    {
        let root = try await makeRoot("acme")
        var acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        acme.statementScopes = ["r.example/acme/app"]
        let tools = TeamFixture(name: "tools", scopes: ["r.example/tools"], stores: ["prod": [root]])
        let outcome = try merged([acme, tools], exceptions: [try exception("r.example/acme")])
        #expect(try level(outcome, "r.example/acme/app") == "audit")
        #expect(try level(outcome, "r.example/tools/x") == "strict")
        let found = try outcome.trust.deciding(scope("r.example/acme/app"), at: now)
        #expect(found?.statement.team?.rawValue == "acme")
        #expect(found?.statement.stores == [try store("acme", "prod")])
        // What the team's statement does not reach rejects as before.
        #expect(try level(outcome, "r.example/acme/other") == "strict")
        let names = outcome.trust.statements(at: now).map { "\($0.team?.rawValue ?? "") \($0.name)" }
        #expect(Set(names).count == names.count)
    }

    @Test func `an exception for a scope leaves another team's scopes inside it as they are`() async throws {
        let root = try await makeRoot("acme")
        let outer = TeamFixture(name: "outer", scopes: ["r.example/a"], stores: ["prod": [root]])
        let inner = TeamFixture(name: "inner", scopes: ["r.example/a/b"], stores: ["prod": [root]])
        let own = try merged([outer, inner], exceptions: [try exception("r.example/a")])
        #expect(try level(own, "r.example/a/x") == "audit" && level(own, "r.example/a/b/x") == "strict")
        // The team that asked is signed with it: who owns the scope later is not let off.
        let asked = PolicyException(
            id: "E-3", subject: .scope(try scope("r.example/a/b")), until: now.adding(days: 1), team: try team("outer"))
        #expect(try level(merged([outer, inner], exceptions: [asked]), "r.example/a/b/x") == "strict")
    }

    @Test func `an exception for what no team owns lowers the fleet's own statement and no team's`() async throws {
        let root = try await makeRoot("acme")
        let acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        let policy = FleetPolicy(statements: [try statement(scopes: ["r.example"], stores: [store("acme", "prod")])])
        let outcome = try merged([acme], policy: policy, exceptions: [try exception("r.example")])
        #expect(try level(outcome, "r.example/other") == "audit" && level(outcome, "r.example/acme/x") == "strict")
    }

    @Test func `an exception never beats a denial: where Notation would only log it, the scope rejects`() async throws {
        let (kept, denied) = (try await makeRoot("kept"), try await makeRoot("denied"))
        let acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [kept, denied]])
        let end = now.adding(days: 3)
        let outcome = try merged(
            [acme], exceptions: [try exception("r.example/acme/app", until: end)],
            repositories: ["r.example/acme/app", "r.example/acme/web"],
            denials: [try denial(.certificate(sha256: denied.sha256))])
        let tree = NotationTree(outcome.trust, now: now)
        #expect(try isRejecting(tree, "r.example/acme/app"))
        #expect(try !isRejecting(tree, "r.example/acme/web"))
        #expect(tree.warnings.map(\.kind) == [.notEnforced])
        let lenient = NotationTree(outcome.trust, inexpressible: .reportUnenforced, now: now)
        #expect(try !isRejecting(lenient, "r.example/acme/app"))
        #expect(lenient.warnings.map(\.kind) == [.notEnforced])
        let later = NotationTree(outcome.trust, now: end)
        #expect(try !isRejecting(later, "r.example/acme/app"))
    }

    @Test func `what has ended is taken out, so that a clock that goes back does not bring it back`() async throws {
        let (lasting, glass) = (try await makeRoot("lasting"), try await makeRoot("glass"))
        var acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [lasting, glass]])
        let end = now.adding(days: 1)
        acme.constraints = [.init(anchor: glass.sha256, until: end)]
        let trust = try merged([acme], exceptions: [try exception("r.example/acme", until: end)]).trust
        #expect(trust.withoutEnded(at: end.adding(seconds: -1)) == trust)
        let reduced = trust.withoutEnded(at: end)
        #expect(reduced.stores.flatMap(\.anchors) == [Base64.encode(lasting.der)])
        #expect(reduced.exceptions == nil && reduced.statements(at: now).map(\.level) == ["strict"])
    }

    @Test func `the end of an exception says that hosts may follow at the next ceremony only`() throws {
        func content(_ exceptions: [PolicyException]) throws -> FleetContent {
            FleetContent(
                fleet: try FleetName("prod"), id: try FleetID(String(repeating: "a", count: 32)), profile: .standard,
                teams: [], repositories: [], exceptions: exceptions)
        }
        let (with, without) = (try content([try exception("r.example/acme")]), try content([]))
        let told = try FleetEffect(from: with, to: without, now: now)
        #expect(told.lines.contains { $0.contains("next ceremony") })
        let other = try FleetEffect(from: without, to: with, now: now)
        #expect(!other.lines.contains { $0.contains("next ceremony") })
        #expect(EndException(fleet: try FleetName("prod"), exception: 1).summary.contains("next ceremony"))
    }

    @Test func `above the limit of repositories only what makes them more is refused`() throws {
        func content(_ count: Int) throws -> FleetContent {
            let acme = TeamContent(
                name: try team("acme"), scopes: [try scope("r.example/acme")],
                stores: [
                    StoreContent(kind: .ca, name: try TrustStoreName("prod"), anchors: [])
                ])
            return FleetContent(
                fleet: try FleetName("prod"), id: try FleetID(String(repeating: "a", count: 32)), profile: .standard,
                teams: [acme], repositories: try (0..<count).map { try scope("r.example/acme/\($0)") })
        }
        let full = try content(10_002)
        func refuses(_ after: FleetContent) throws -> Bool {
            try FleetEffect(from: full, to: after, now: now).findings.contains { $0.kind == .repositories }
        }
        #expect(try !refuses(content(10_001)) && refuses(content(10_003)))
    }

    @Test func `a name that a team chose to stand in an exception's way stops nothing`() async throws {
        let root = try await makeRoot("acme")
        let statements = [("images", "r.example/acme/app"), ("images-E-1", "r.example/acme/web")].map { name, scope in
            TeamPolicy.Statement(
                name: name, registryScopes: [RegistryScope(rawValue: scope)].compactMap(\.self), level: "strict",
                stores: [TrustStoreName(rawValue: "prod")].compactMap(\.self).map { .init(kind: .ca, name: $0) },
                trustedIdentities: ["*"])
        }
        var acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        acme.rawPolicy = try TeamPolicy(team: try team("acme"), statements: statements).publishedBytes()
        let outcome = try merged(
            [acme], exceptions: [try exception("r.example/acme")], repositories: ["r.example/acme/app/x"])
        let tree = NotationTree(outcome.trust, now: now)
        #expect(try RenderingTests.policy(tree).statement(for: "r.example/acme/app/x")?.level == .audit)
    }

    @Test func `a digest's exception widens nothing in Notation, and that is said`() async throws {
        let root = try await makeRoot("acme")
        let acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        let subject = PolicyException.Subject.digest("sha256:" + String(repeating: "ab", count: 32))
        let with = try merged(
            [acme], exceptions: [PolicyException(id: "E-2", subject: subject, until: now.adding(days: 1))],
            repositories: ["r.example/acme/app"])
        let without = try merged([acme], repositories: ["r.example/acme/app"])
        let (tree, plain) = (NotationTree(with.trust, now: now), NotationTree(without.trust, now: now))
        #expect(tree.files == plain.files)
        #expect(tree.warnings.contains { $0.kind == .notEnforced && $0.text.contains("E-2") })
        #expect(NotationTree(with.trust, now: now.adding(days: 1)).warnings.isEmpty)
    }

    @Test func `a host that rejects for want of news hears no exception`() async throws {
        let root = try await makeRoot("acme")
        let acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        let outcome = try merged([acme], exceptions: [try exception("r.example/acme")])
        #expect(outcome.trust.rejecting.statements(at: now).allSatisfy { $0.level == "strict" && $0.stores.isEmpty })
        #expect(outcome.trust.rejecting.exceptions == nil)
    }

    @Test func `an exception of a kind of the future excepts nothing and hides no other`() async throws {
        let bytes = """
            {"critical":[],"enforcers":[],"exceptions":[{"id":"E-9","signer":"x","until":"2030-01-01T00:00:00Z"},\
            {"id":"E-10","scope":"r.example/acme","until":"2030-01-01T00:00:00Z"}],"fleet":"prod","fleetID":"\
            \(String(repeating: "a", count: 32))","freshness":{"alarmAfterSeconds":1,"warnAfterSeconds":1},\
            "inexpressible":"reject-scope","localScopes":[],"schema":1,"teams":[]}
            """
        let settings = try FleetSettings(verifiedBytes: Array(bytes.utf8))
        #expect(settings.exceptions?.map(\.subject) == [nil, .scope(try scope("r.example/acme"))])
    }

    // MARK: Explanations

    @Test func `an explanation names the owner, the statement that decides, and why`() async throws {
        let root = try await makeRoot("acme")
        var acme = TeamFixture(name: "acme", scopes: ["r.example/acme"], stores: ["prod": [root]])
        acme.level = "audit"
        let settings = FleetSettings(
            fleet: try FleetName("prod"), fleetID: try FleetID(String(repeating: "a", count: 32)),
            teams: [try acme.settings], enforcers: [], policy: FleetPolicy(floor: .permissive))
        let outcome = try merged([acme], policy: settings.policy)
        let found = PolicyExplanation(of: try scope("r.example/acme/app"), in: outcome, settings: settings, at: now)
        #expect(found.owner?.rawValue == "acme" && found.statement?.name == "images")
        #expect(found.statement?.level == "permissive" && found.decidingScope?.rawValue == "r.example/acme")
        #expect(found.stores.map(\.anchors) == [1])
        #expect(found.reasons.contains { $0.contains("floor permissive") })
        let nothing = PolicyExplanation(of: try scope("r.example/other"), in: outcome, settings: settings, at: now)
        #expect(nothing.owner == nil && nothing.statement == nil)
        #expect(nothing.reasons.contains { $0.contains("nothing is accepted") })
    }
}
