import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

/// What teams say of their images, from the proposal into the fleets.
@Suite(.postgres) struct PolicyTests {
    @Test func `a policy needs somebody else, and is then in what fleets take`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        let change = try await scene.propose(policy: [try statement()])
        #expect(change.change.state == .submitted && change.missing?.count == 1)
        #expect(try await scene.statements(of: scene.canary) == nil)
        try await scene.agree(change)
        #expect(try await scene.statements(of: scene.canary)?.map(\.name) == ["images"])
        let record = try await scene.world.api.policy(of: scene.team)
        #expect(!record.isStandard && record.change == change.change.number && record.statements.count == 1)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM audit_event WHERE action = 'policy.set'") == 1)
    }

    @Test func `the kept content says the statements byte for byte, and reads as it was written`() async throws {
        let scene = try await TwoFleets.make()
        let odd = try statement(identities: [#"x509.subject: C=US, ST=WA, O=A\"cme é"#])
        try await scene.agree(try await scene.propose(policy: [odd]))
        let texts: [String] = try await scene.world.database.withConnection(as: .owner) {
            try await $0.rows("SELECT document FROM team_content ORDER BY number").map { try $0.value("document") }
        }
        let last = try #require(texts.last)
        let document = try TeamContentDocument(parsing: last)
        #expect(document.statements == [odd])
        #expect(try document.canonicalText == last)
    }

    @Test func `the standard policy comes back by a change of its own, and the same policy twice is refused`()
        async throws
    {
        let scene = try await TwoFleets.make()
        await expect(.conflict) { _ = try await scene.propose(policy: nil) }
        try await scene.agree(try await scene.propose(policy: [try statement()]))
        await expect(.conflict) { _ = try await scene.propose(policy: [try statement()]) }
        try await scene.agree(try await scene.propose(policy: nil))
        #expect(try await scene.statements(of: scene.canary) == nil)
        #expect(try await scene.world.api.policy(of: scene.team).isStandard)
    }

    @Test func `a team cannot speak for what is not its own, nor by a store that it does not have`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.world.team("other")
        for (scope, store) in [
            ("registry.example.com/other", "prod"), ("registry.example.com/acme-x", "prod"),
            ("registry.example.com", "prod"), ("registry.example.com/acme", "missing"),
        ] {
            let statement = try statement(scope: scope, store: store)
            await expect(.invalid) { _ = try await scene.propose(policy: [statement]) }
        }
        _ = try await scene.propose(policy: [try statement(scope: "registry.example.com/acme/app")])
    }

    @Test func `a longer scope that went to another team meanwhile stops an approved policy`() async throws {
        let scene = try await TwoFleets.make()
        let change = try await scene.propose(policy: [try statement(scope: "registry.example.com/acme/app")])
        let other = try await scene.world.team("other")
        try await scene.world.approve(change, by: scene.bob)
        _ = try await scene.world.addScope(
            try RegistryScope("registry.example.com/acme/app"), to: other, by: scene.world.admin.actor, now: start)
        let outcomes = try await scene.world.publisher.publishApprovedChanges(now: start)
        guard case .rejected(change.change.number, _) = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(try await scene.world.api.policy(of: scene.team).isStandard)
    }

    @Test func `a policy is promoted with the content, and a hot fix brings it alone`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        try await scene.publish(scene.prod)
        try await scene.follow()
        try await scene.add([2])
        let change = try await scene.propose(policy: [try statement()])
        try await scene.agree(change)
        #expect(try await scene.statements(of: scene.canary)?.count == 1)
        #expect(try await scene.statements(of: scene.prod) == nil)
        let fix = try await scene.world.publisher.hotFix(
            change.change.number, in: scene.prod, by: scene.world.admin.actor, now: start)
        #expect(fix.difference.count == 1 && fix.difference[0].hasPrefix("adds the statement"))
        #expect(try await scene.statements(of: scene.prod)?.count == 1)
        #expect(try await scene.anchors(of: scene.prod) == [[1]])
    }

    @Test func `a hot fix never brings an older policy back`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        try await scene.publish(scene.prod)
        try await scene.follow()
        let older = try await scene.propose(policy: [try statement()])
        try await scene.agree(older)
        let newer = try await scene.propose(policy: [try statement(identities: ["x509.subject: C=US, ST=WA, O=Acme"])])
        try await scene.agree(newer)
        await expect(.conflict) { _ = try await scene.hotFix(older.change.number) }
        _ = try await scene.hotFix(newer.change.number)
        #expect(
            try await scene.statements(of: scene.prod)?.map(\.trustedIdentities)
                == [["x509.subject: C=US, ST=WA, O=Acme"]])
    }

    @Test func `a policy that was made from another one than there is now is refused, and an edit takes it up anew`()
        async throws
    {
        let scene = try await TwoFleets.make()
        let identity = "x509.subject: C=US, ST=WA, O=Acme"
        let first = try await scene.propose(policy: [try statement()])
        let late = try await scene.propose(policy: [try statement(identities: [identity])])
        let edited = try await scene.propose(policy: [try statement(scope: "registry.example.com/acme/app")])
        try await scene.agree(first)
        try await scene.world.approve(late, by: scene.bob)
        let outcomes = try await scene.world.publisher.publishApprovedChanges(now: start)
        guard case .rejected(late.change.number, let reason)? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(reason.contains("stale"))
        let again = try await scene.world.api.edit(
            edited.change.number, to: edited.change.content, ifVersion: 1, by: scene.world.admin.actor, now: start)
        try await scene.agree(again)
    }

    @Test func `the database lets a rehearsal lift a denial and register a vendor, and keeps neither`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.world.asOwner(
            #"""
            BEGIN;
            INSERT INTO denial (kind, value, reason, author, issued_at)
                SELECT 'certificate', repeat('a', 64), 'stolen', min(id), now() FROM person;
            UPDATE denial SET lifted_at = now(), lifted_by_change = begin_rehearsal(NULL, author,
                (SELECT min(id) FROM credential), '\x7b7d', NULL, now());
            INSERT INTO vendor (name, review_by, created_at) VALUES ('globex', now(), now());
            INSERT INTO vendor_version (vendor_id, version, details, asked_by, registered_by, change_number, created_at)
                SELECT v.id, 1, '{}', (SELECT min(id) FROM team), c.person_id,
                    begin_rehearsal(NULL, c.person_id, c.id, '\x7b7d', NULL, now()), now()
                FROM vendor v, credential c WHERE c.id = (SELECT min(id) FROM credential);
            ROLLBACK
            """#)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM vendor") == 0)
    }

    @Test func `no program that serves the API writes a policy, and nobody changes one`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.agree(try await scene.propose(policy: [try statement()]))
        for script in ["UPDATE team_policy SET statements = NULL", "DELETE FROM team_policy", "TRUNCATE team_policy"] {
            await #expect(throws: (any Error).self) { try await scene.world.asOwner(script) }
        }
        await #expect(throws: (any Error).self) {
            try await scene.world.database.withConnection(as: .api) {
                try await $0.run(
                    script: "INSERT INTO team_policy (team_id, change_number, set_at) SELECT id, 1, now() FROM team")
            }
        }
    }

    private func statement(
        scope: String = "registry.example.com/acme", store: String = "prod", identities: [String] = ["*"]
    ) throws -> TeamPolicy.Statement {
        TeamPolicy.Statement(
            name: "images", registryScopes: [try RegistryScope(scope)], level: "strict",
            stores: [TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName(store))],
            trustedIdentities: identities)
    }
}

extension TwoFleets {
    func propose(policy statements: [TeamPolicy.Statement]?) async throws -> ChangeRecord {
        let operation = SetPolicy(statements: try statements.map { try TeamStatements($0) })
        let content = try ChangeContent(team: team, operations: [.governed(operation)], justification: "we say so")
        return try await world.api.propose(content, by: world.admin.actor, now: start)
    }

    /// Somebody else approves, and the publisher brings it in.
    func agree(_ change: ChangeRecord) async throws {
        try await world.approve(change, by: bob)
        let outcomes = try await world.publisher.publishApprovedChanges(now: start)
        #expect(outcomes == [.published(change.change.number)])
    }

    func statements(of fleet: FleetName) async throws -> [TeamPolicy.Statement]? {
        try await world.publisher.state(of: fleet).content.teams.first { $0.name == team }?.statements
    }
}
