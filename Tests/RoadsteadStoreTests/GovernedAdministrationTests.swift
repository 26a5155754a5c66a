import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

/// Teams, scopes, rules, roles and fleets change by what two people agreed to, once there are two.
@Suite(.postgres) struct GovernedAdministrationTests {
    private func change(_ operations: [any GovernedOperation]) throws -> ChangeContent {
        try ChangeContent(
            team: nil, operations: operations.map { .governed(GovernedStep($0)) }, justification: "needed")
    }

    private func allow(_ name: String, officers: Int = 0) throws -> RootRule {
        try RootRule(
            name: name, team: nil, conditions: .init(),
            effect: .allow(try ApprovalsNeeded(count: 1, securityOfficers: officers)))
    }

    private func deny(_ name: String) throws -> RootRule {
        try RootRule(name: name, team: nil, conditions: .init(), effect: .deny(reason: "not ours"))
    }

    private func fleet(_ world: World, _ name: String = "prod") async throws -> FleetName {
        let fleet = try FleetName(name)
        _ = try await world.api.createFleet(
            fleet, id: try FleetID.random(), displayName: name, profile: .standard, by: world.admin.actor, now: start)
        return fleet
    }

    @Test func `the first administrator founds alone, and the change and the log say so`() async throws {
        let world = try await World.make()
        let team = try TeamName("acme")
        let record = try await world.api.propose(
            try change([
                AddTeam(team: team, displayName: "Acme"),
                AddScope(team: team, scope: try RegistryScope("registry.example.com/acme")),
                SetRule(rule: try RootRule(name: "acme", team: team, conditions: .init(), effect: .allow(.one))),
            ]), by: world.admin.actor, now: start)
        #expect(record.change.state == .published && record.change.founding)
        #expect(try await world.api.team(team).scopes.map(\.rawValue) == ["registry.example.com/acme"])
        #expect(try await world.api.rootRules().map(\.rule.team) == [team])
        let event = try await world.api.auditEvents(try PageRequest()).items.last
        #expect(event?.action == "change.published" && event?.detail.contains(#""founding":true"#) == true)
        #expect(try await world.api.foundingEnd() == nil)
    }

    @Test func `founding lets nobody add what is trusted`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        #expect(try await world.propose(in: team, by: world.admin).change.state == .submitted)
    }

    @Test(arguments: [PersonRole.trustAdmin, .securityOfficer])
    func `founding is over once a second person who could agree has joined, and stays over`(
        _ role: PersonRole
    ) async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (role, .everything))
        #expect(try await world.api.foundingEnd() == start)
        let team = try TeamName("acme")
        let record = try await world.api.propose(
            try change([AddTeam(team: team, displayName: "Acme")]), by: world.admin.actor, now: start)
        #expect(record.change.state == .submitted && record.canApprove.map(\.subject) == ["bob"])
        await expect(.notFound) { _ = try await world.api.team(team) }

        try await world.approve(record, by: bob)
        #expect(try await world.publisher.publishApprovedChanges(now: start) == [.published(record.change.number)])
        #expect(try await world.api.team(team).displayName == "Acme")

        try await world.asOwner("UPDATE person SET disabled_at = created_at WHERE id = \(bob.person.id)")
        let after = try await world.api.propose(
            try change([AddTeam(team: try TeamName("other"), displayName: "Other")]), by: world.admin.actor, now: start)
        #expect(after.change.state == .submitted && after.canApprove.isEmpty)
    }

    @Test func `somebody who could agree for one team only does not end founding`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        _ = try await world.person("bob", (.securityOfficer, .team(team)), (.teamAdmin, .team(team)))
        #expect(try await world.api.foundingEnd() == nil)
    }

    @Test func `nobody agrees to administration that is their own proposal, by whichever token`() async throws {
        let world = try await World.make()
        _ = try await world.person("bob", (.securityOfficer, .everything))
        let second = try await world.secondToken(of: world.admin)
        let record = try await world.api.propose(
            try change([AddTeam(team: try TeamName("acme"), displayName: "Acme")]), by: world.admin.actor, now: start)
        await expect(.ownProposal) { try await world.approve(record, by: world.admin) }
        await expect(.ownProposal) { try await world.approve(record, by: second) }
    }

    @Test func `a fleet's operator proposes to enforce and does not agree to it`() async throws {
        let world = try await World.make()
        let prod = try await fleet(world)
        let other = try await fleet(world, "lab")
        let olga = try await world.person("olga", (.fleetOperator, .fleet(prod)))
        let otto = try await world.person("otto", (.fleetOperator, .fleet(prod)))
        let officer = try await world.person("sam", (.securityOfficer, .everything))
        let enforce = try change([SetMode(fleet: prod, mode: .enforce)])
        let record = try await world.api.propose(enforce, by: olga.actor, now: start)
        #expect(record.change.state == .submitted && record.canApprove.map(\.subject) == ["alice", "sam"])
        await expect(.forbidden) { try await world.approve(record, by: otto) }
        await expect(.forbidden) {
            _ = try await world.api.propose(
                try change([SetMode(fleet: other, mode: .enforce)]), by: olga.actor, now: start)
        }
        #expect(try await world.api.fleet(prod).mode == .observe)
        try await world.approve(record, by: officer)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        #expect(try await world.api.fleet(prod).mode == .enforce)

        let weaker = try await world.api.propose(
            try change([SetMode(fleet: prod, mode: .observe)]), by: world.admin.actor, now: start)
        #expect(weaker.change.state == .submitted)
        #expect(try await world.api.fleet(prod).mode == .enforce)
    }

    @Test func `a fleet's settings reach what it publishes, and those left out are as in a new fleet`() async throws {
        let world = try await World.make()
        let prod = try await fleet(world)
        #expect(try await world.publisher.state(of: prod).content.options == .standard)
        let options = try FleetOptions(
            rejectAfterSeconds: 7_200, inexpressible: .reportUnenforced,
            localScopes: [try RegistryScope("localhost:5000")])
        try await world.govern([SetFleetSettings(fleet: prod, options: options)], by: world.admin.actor)
        #expect(try await world.publisher.state(of: prod).content.options == options)
        #expect(try await world.api.fleet(prod).options == options)
        try await world.govern([SetFleetSettings(fleet: prod, options: .standard)], by: world.admin.actor)
        #expect(try await world.publisher.state(of: prod).content.options == .standard)
    }

    @Test func `a new rule that refuses is in force at once; one that replaces another takes two`() async throws {
        let world = try await World.make()
        try await world.rule(name: "any")
        let bob = try await world.person("bob", (.securityOfficer, .everything))
        let propose = { (rule: SetRule, session: Session) in
            try await world.api.propose(try change([rule]), by: session.actor, now: start)
        }
        let new = try await propose(SetRule(rule: try deny("never"), replaces: false), world.admin)
        #expect(new.change.state == .published && !new.change.founding)
        await expect(.conflict) { _ = try await propose(SetRule(rule: try deny("any"), replaces: false), world.admin) }
        #expect(try await propose(SetRule(rule: try deny("any")), world.admin).change.state == .submitted)
        await expect(.forbidden) { _ = try await propose(SetRule(rule: try deny("more"), replaces: false), bob) }

        let weaker = try await propose(SetRule(rule: try allow("never")), world.admin)
        try await world.agree(on: weaker)
        let effects = try await world.api.rootRules().filter { $0.rule.name == "never" }.map(\.rule.effect)
        #expect(effects == [.allow(.one)])
    }

    @Test func `a role takes two people, and goes by one`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let bob = try await world.person("bob", (.securityOfficer, .everything))
        let carol = try await world.person("carol", (.teamMember, .team(team)))
        let grant = try GrantRole(person: "carol", try RoleBinding(.teamAdmin, .team(team)))
        let record = try await world.api.propose(try change([grant]), by: world.admin.actor, now: start)
        #expect(record.change.state == .submitted)
        let holds = {
            try await world.api.roleBindings(try PageRequest()).items.first {
                $0.person == carol.person.id && $0.binding.role == .teamAdmin
            }
        }
        #expect(try await holds() == nil)
        try await world.approve(record, by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        let binding = try #require(try await holds())
        await expect(.forbidden) {
            _ = try await world.api.propose(try change([RevokeRole(binding: binding.id)]), by: bob.actor, now: start)
        }
        let revoked = try await world.api.propose(
            try change([RevokeRole(binding: binding.id)]), by: world.admin.actor, now: start)
        #expect(revoked.change.state == .published)
        #expect(try await holds() == nil)
    }

    @Test func `nobody agrees to a role of their own, whoever proposed it`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.trustAdmin, .everything))
        let carol = try await world.person("carol", (.securityOfficer, .everything))
        let grant = try GrantRole(person: "carol", try RoleBinding(.trustAdmin, .everything))
        let record = try await world.api.propose(try change([grant]), by: bob.actor, now: start)
        #expect(record.canApprove.map(\.subject) == ["alice"])
        await expect(.ownProposal) { try await world.approve(record, by: carol) }
        try await world.approve(record, by: world.admin)
    }

    @Test func `the last trust administrator is neither revoked nor disabled`() async throws {
        let world = try await World.make()
        _ = try await world.person("bob", (.securityOfficer, .everything))
        let binding = try #require(
            try await world.api.roleBindings(try PageRequest()).items.first { $0.binding.role == .trustAdmin })
        await expect(.conflict) {
            _ = try await world.api.propose(
                try change([RevokeRole(binding: binding.id)]), by: world.admin.actor, now: start)
        }
        await expect(.conflict) {
            try await world.api.disablePerson(world.admin.person.id, by: world.admin.actor, now: start)
        }
    }

    @Test func `nobody alone leaves fewer than two people who could agree to administration`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.securityOfficer, .everything))
        let binding = try #require(
            try await world.api.roleBindings(try PageRequest()).items.first { $0.person == bob.person.id })
        let revoke = try change([RevokeRole(binding: binding.id)])
        await expect(.conflict) { _ = try await world.api.propose(revoke, by: world.admin.actor, now: start) }
        await expect(.conflict) {
            try await world.api.disablePerson(bob.person.id, by: world.admin.actor, now: start)
        }
        #expect(try await !world.api.person(bob.person.id).disabled)
        let carol = try await world.person("carol", (.securityOfficer, .everything), (.auditor, .everything))
        #expect(try await world.api.propose(revoke, by: world.admin.actor, now: start).change.state == .published)
        await expect(.conflict) {
            try await world.api.disablePerson(carol.person.id, by: world.admin.actor, now: start)
        }
        try await world.api.disablePerson(bob.person.id, by: world.admin.actor, now: start)
    }

    @Test func `two administrators at once do not leave fewer than two who could agree`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.trustAdmin, .everything))
        let officers = [
            try await world.person("carol", (.securityOfficer, .everything)).person.id, bob.person.id,
        ]
        let results = await withTaskGroup(of: Bool.self) { group in
            for id in officers {
                group.addTask {
                    (try? await world.api.disablePerson(id, by: world.admin.actor, now: start)) != nil
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count { $0 } == 1)
    }

    @Test func `what was taken away is not given back by those who serve`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.trustAdmin, .everything))
        _ = try await world.person("carol", (.securityOfficer, .everything))
        try await world.api.disablePerson(bob.person.id, by: world.admin.actor, now: start)
        try await world.asOwner(
            "UPDATE role_binding SET revoked_at = granted_at, revoked_by = person_id WHERE person_id = \(bob.person.id)"
        )
        for role in [DatabaseRole.api, .publisher] {
            for script in [
                "UPDATE role_binding SET revoked_at = NULL, revoked_by = NULL WHERE person_id = \(bob.person.id)",
                "UPDATE person SET disabled_at = NULL WHERE id = \(bob.person.id)",
            ] {
                await #expect(throws: PostgresError(.permission, ""), "\(role) \(script)") {
                    try await world.database.withConnection(as: role) { try await $0.run(script: script) }
                }
            }
        }
    }

    // MARK: - Invitations

    @Test func `after founding an invitation brings no roles until somebody else agreed to them`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.securityOfficer, .everything))
        let (invitation, change) = try await world.api.invite(
            subject: "alice2", displayName: "Alice again", bindings: [try RoleBinding(.trustAdmin, .everything)],
            tokenSHA256: World.digest("alice2"), expires: start.adding(days: 1), by: world.admin.actor, now: start)
        let record = try #require(change)
        #expect(invitation.bindings.isEmpty && record.change.state == .submitted)
        let second = try await world.api.acceptInvitation(
            tokenSHA256: World.digest("alice2"), credential: World.credential("alice2-1"), requestID: "r", now: start)
        #expect(second.bindings.isEmpty)
        await expect(.notFound) { try await world.approve(record, by: second) }
        await expect(.ownProposal) { try await world.approve(record, by: world.admin) }
        try await world.approve(record, by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        let after = try await world.api.authenticate(
            tokenSHA256: World.digest("alice2-1"), requestID: "r", now: start)
        #expect(after.bindings == [try RoleBinding(.trustAdmin, .everything)])
    }

    @Test func `roles that were agreed to before come with the invitation`() async throws {
        let world = try await World.make()
        _ = try await world.person("bob", (.securityOfficer, .everything))
        let carol = try await world.person("carol", (.auditor, .everything))
        #expect(carol.bindings == [try RoleBinding(.auditor, .everything)])
    }

    @Test func `an invitation that is taken back brings nobody and no role, whatever was agreed to for it`()
        async throws
    {
        let world = try await World.make()
        let bob = try await world.person("bob", (.securityOfficer, .everything))
        let (invitation, change) = try await world.api.invite(
            subject: "mallory", displayName: "M", bindings: [try RoleBinding(.securityOfficer, .everything)],
            tokenSHA256: World.digest("m"), expires: start.adding(days: 14), by: world.admin.actor, now: start)
        try await world.approve(try #require(change), by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        let open = try await world.api.openInvitations(try PageRequest(), now: start).items
        #expect(open.map(\.subject) == ["mallory"] && open[0].inviter == "alice")
        #expect(open[0].bindings == [try RoleBinding(.securityOfficer, .everything)])
        await expect(.forbidden) { try await world.api.revokeInvitation(invitation.id, by: bob.actor, now: start) }
        try await world.api.revokeInvitation(invitation.id, by: world.admin.actor, now: start)
        await expect(.unauthenticated) {
            _ = try await world.api.acceptInvitation(
                tokenSHA256: World.digest("m"), credential: World.credential("m-1"), requestID: "r", now: start)
        }
        await expect(.notFound) {
            try await world.api.revokeInvitation(invitation.id, by: world.admin.actor, now: start)
        }
        #expect(try await world.api.openInvitations(try PageRequest(), now: start).items.isEmpty)
        let events = try await world.api.auditEvents(
            try PageRequest(), AuditFilter(object: "invitation:\(invitation.id)")
        ).items
        #expect(events.map(\.action) == ["person.invited", "role.granted", "person.uninvited"])
    }

    @Test func `a role that waits for an invitation that was taken back goes to no other of that name`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.trustAdmin, .everything))
        func invite(_ token: String, _ roles: [RoleBinding], by actor: Actor) async throws -> (Int64, ChangeRecord?) {
            let (invitation, change) = try await world.api.invite(
                subject: "carol", displayName: "C", bindings: roles, tokenSHA256: World.digest(token),
                expires: start.adding(days: 1), by: actor, now: start)
            return (invitation.id, change)
        }
        let (first, change) = try await invite("c-1", [try RoleBinding(.auditor, .everything)], by: world.admin.actor)
        try await world.api.revokeInvitation(first, by: bob.actor, now: start)
        try await world.approve(try #require(change), by: bob)
        let outcomes = try await world.publisher.publishApprovedChanges(now: start)
        #expect(outcomes.count == 1)
        let number = try #require(change).change.number
        #expect(try await world.api.change(number).change.state == .rejected)
        // The name is free at once, also for another's invitation.
        _ = try await invite("c-2", [], by: bob.actor)
    }

    @Test func `nobody brings back an invitation that was taken back, with the database's own words`() async throws {
        let world = try await World.make()
        _ = try await world.person("bob", (.trustAdmin, .everything))
        let (invitation, _) = try await world.api.invite(
            subject: "carol", displayName: "C", bindings: [], tokenSHA256: World.digest("c"),
            expires: start.adding(days: 1), by: world.admin.actor, now: start)
        try await world.api.revokeInvitation(invitation.id, by: world.admin.actor, now: start)
        await #expect(throws: PostgresError.self) {
            _ = try await world.database.withConnection(as: .api) {
                try await $0.rows("UPDATE invitation SET revoked_at = NULL, revoked_by = NULL")
            }
        }
    }

    @Test func `an invitation into a team that is gone brings the rest of its roles`() async throws {
        let world = try await World.make()
        let team = try await world.createTeam(
            try TeamName("acme"), displayName: "Acme", by: world.admin.actor, now: start)
        _ = try await world.api.invite(
            subject: "carol", displayName: "C",
            bindings: [try RoleBinding(.teamAdmin, .team(team.name)), try RoleBinding(.auditor, .everything)],
            tokenSHA256: World.digest("c"), expires: start.adding(days: 1), by: world.admin.actor, now: start)
        try await world.removeTeam(team.name, by: world.admin.actor, now: start)
        let carol = try await world.api.acceptInvitation(
            tokenSHA256: World.digest("c"), credential: World.credential("c-1"), requestID: "r", now: start)
        #expect(carol.bindings == [try RoleBinding(.auditor, .everything)])
    }

    @Test func `nobody invites under the name of somebody else's open invitation`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.trustAdmin, .everything))
        let invite = { (session: Session, token: String, now: UTCDate) in
            _ = try await world.api.invite(
                subject: "carol", displayName: "C", bindings: [], tokenSHA256: World.digest(token),
                expires: now.adding(days: 1), by: session.actor, now: now)
        }
        try await invite(world.admin, "c-1", start)
        await expect(.conflict) { try await invite(bob, "c-2", start) }
        try await invite(bob, "c-3", start.adding(days: 2))
    }

    @Test func `a role that was asked for does not go to whoever takes the name meanwhile`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.trustAdmin, .everything))
        let (_, change) = try await world.api.invite(
            subject: "carol", displayName: "C", bindings: [try RoleBinding(.trustAdmin, .everything)],
            tokenSHA256: World.digest("c-1"), expires: start.adding(days: 1), by: world.admin.actor, now: start)
        let record = try #require(change)
        let later = start.adding(days: 2)
        _ = try await world.api.invite(
            subject: "carol", displayName: "M", bindings: [], tokenSHA256: World.digest("c-2"),
            expires: later.adding(days: 1), by: bob.actor, now: later)
        _ = try await world.api.acceptInvitation(
            tokenSHA256: World.digest("c-2"), credential: World.credential("m-1"), requestID: "r", now: later)
        try await world.approve(record, by: bob, at: later)
        guard case .rejected = try await world.publisher.publishApprovedChanges(now: later).first else {
            Issue.record("the role was given")
            return
        }
        let session = try await world.api.authenticate(tokenSHA256: World.digest("m-1"), requestID: "r", now: later)
        #expect(session.bindings.isEmpty)
    }

    // MARK: - The fence in the database

    static let ungoverned = [
        "INSERT INTO team (name, display_name, custody, created_at) VALUES ('x', 'X', 'server', now())",
        "UPDATE team SET removed_at = now()",
        "INSERT INTO team_scope (scope, team_id, created_at) SELECT 'registry.example.com/x', id, now() FROM team",
        "DELETE FROM team_scope",
        """
        INSERT INTO root_rule (name, definition, created_by, created_at)
        SELECT 'x', '{"allow":{"count":1,"securityOfficers":0},"conditions":{},"name":"x"}', id, now() FROM person LIMIT 1
        """,
        "UPDATE root_rule SET removed_at = now()",
        "INSERT INTO role_binding (person_id, role, granted_at) SELECT max(id), 'auditor', now() FROM person",
        "UPDATE fleet SET mode = 'enforce'",
        "UPDATE fleet SET local_scopes = '{localhost}'",
        "INSERT INTO fleet_enforcer (fleet_id, enforcer, mode) SELECT id, 'notation', 'enforce' FROM fleet",
        "INSERT INTO fleet_team (fleet_id, team_id, added_at) SELECT f.id, t.id, now() FROM fleet f, team t",
        """
        INSERT INTO invitation (token_sha256, subject, display_name, bindings, invited_by, created_at, expires_at)
        SELECT sha256('x'), 'x', 'X', '[{"reach":"everything","role":"trust-admin"}]', id, now(), now() + interval '1 day'
        FROM person LIMIT 1
        """,
    ]

    @Test(arguments: ungoverned)
    func `after founding the API's role writes no administration itself`(_ script: String) async throws {
        let world = try await World.make()
        try await world.team()
        try await world.rule()
        _ = try await fleet(world)
        let attempt = {
            try await world.database.withConnection(as: .api) { connection in
                try await connection.run(
                    script: "BEGIN; SET LOCAL roadstead.person = '\(world.admin.person.id)'; \(script); ROLLBACK")
            }
        }
        try await attempt()
        _ = try await world.person("bob", (.securityOfficer, .everything))
        await #expect(throws: PostgresError(.permission, "")) { try await attempt() }
    }

    @Test func `no change is in force by founding once that is over, and founding never comes back`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.securityOfficer, .everything))
        let record = try await world.api.propose(
            try change([AddTeam(team: try TeamName("acme"), displayName: "Acme")]), by: world.admin.actor, now: start)
        let script = """
            SET roadstead.person = '\(world.admin.person.id)';
            UPDATE change SET state = 'published', founding = true, closed_at = now()
            WHERE number = \(record.change.number)
            """
        await #expect(throws: PostgresError.self) {
            try await world.database.withConnection(as: .api) { try await $0.run(script: script) }
        }
        try await world.asOwner("UPDATE person SET disabled_at = created_at WHERE id = \(bob.person.id)")
        for script in ["UPDATE founding SET over_at = NULL", "DELETE FROM founding", "TRUNCATE founding"] {
            await #expect(throws: PostgresError.self, "\(script)") { try await world.asOwner(script) }
        }
    }
}
