import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct DenialTests {
    private let hash = String(repeating: "ab", count: 32)

    private func certificate(_ value: String? = nil) throws -> DenialSubject {
        try DenialSubject(.certificate, value: value ?? hash)
    }

    private func lifting(_ denial: DenialRecord) throws -> ChangeContent {
        try ChangeContent(
            team: denial.team, operations: [.liftDenial(id: denial.id)], justification: "it was a mistake")
    }

    @Test func `an officer denies alone, and the fleets with the team publish it from then on`() async throws {
        let world = try await World.make()
        let (acme, other) = (try await world.team(), try await world.team("other"))
        let fleet = try FleetName("demo")
        _ = try await world.api.createFleet(
            fleet, id: try FleetID.random(), displayName: "demo", profile: .standard, by: world.admin.actor, now: start)
        _ = try await world.addTeam(acme, to: fleet, by: world.admin.actor, now: start)
        let officer = try await world.person("olga", (.securityOfficer, .everything))
        let everywhere = try await world.api.deny(
            try certificate(), in: nil, reason: "stolen", by: officer.actor, now: start)
        let inTeam = try await world.api.deny(
            try DenialSubject(.key, value: hash), in: acme, reason: "weak", by: officer.actor, now: start)
        _ = try await world.api.deny(
            try DenialSubject(.key, value: hash), in: other, reason: "weak", by: officer.actor, now: start)
        let content = try await world.publisher.state(of: fleet).content
        #expect(content.denials == [everywhere.published, inTeam.published])
        #expect(content.denials.map(\.id) == ["D-1", "D-2"])
        let listed = try await world.api.denials(DenialFilter(fleet: fleet), try PageRequest()).items
        #expect(listed == [everywhere, inTeam])
    }

    @Test func `who may deny where is as the table of roles says`() async throws {
        let world = try await World.make()
        let acme = try await world.team()
        let admin = try await world.person("bob", (.teamAdmin, .team(acme)))
        let member = try await world.person("carol", (.teamMember, .team(acme)))
        let operator_ = try await world.person("frank", (.fleetOperator, .everything))
        let subject = try certificate()
        for person in [admin, member, operator_] {
            await expect(.forbidden) {
                _ = try await world.api.deny(subject, in: nil, reason: "x", by: person.actor, now: start)
            }
        }
        for person in [member, operator_] {
            await expect(.forbidden) {
                _ = try await world.api.deny(subject, in: acme, reason: "x", by: person.actor, now: start)
            }
        }
        _ = try await world.api.deny(subject, in: acme, reason: "x", by: admin.actor, now: start)
        await expect(.conflict) {
            _ = try await world.api.deny(subject, in: acme, reason: "again", by: admin.actor, now: start)
        }
        await expect(.invalid) {
            _ = try await world.api.deny(subject, in: nil, reason: " ", by: world.admin.actor, now: start)
        }
    }

    @Test func `a denial is lifted by two people, and only what was denied there`() async throws {
        let world = try await World.make()
        let acme = try await world.team()
        let officer = try await world.person("olga", (.securityOfficer, .everything))
        let teamAdmin = try await world.person("bob", (.teamAdmin, .team(acme)))
        let denial = try await world.api.deny(
            try certificate(), in: nil, reason: "stolen", by: officer.actor, now: start)
        let content = try lifting(denial)
        await expect(.forbidden) { _ = try await world.api.propose(content, by: teamAdmin.actor, now: start) }
        await expect(.invalid) {
            let wrong = try ChangeContent(
                team: acme, operations: [.liftDenial(id: denial.id)], justification: "not ours")
            _ = try await world.api.propose(wrong, by: officer.actor, now: start)
        }
        let change = try await world.api.propose(content, by: officer.actor, now: start)
        #expect(change.change.state == .submitted && change.missing == .one && change.change.team == nil)
        #expect(change.canApprove.map(\.subject) == ["alice"])
        await expect(.ownProposal) { try await world.approve(change, by: officer) }
        await expect(.notFound) { try await world.approve(change, by: teamAdmin) }
        try await world.approve(change, by: world.admin)
        #expect(try await world.api.denial(denial.id).lifted == nil)
        let outcomes = try await world.publisher.publishApprovedChanges(now: start)
        #expect(outcomes == [.published(change.change.number)])
        let lifted = try await world.api.denial(denial.id)
        #expect(lifted.lifted == start && lifted.liftedByChange == change.change.number)
        #expect(try await world.api.denials(DenialFilter(), try PageRequest()).items.isEmpty)
        await expect(.conflict) { _ = try await world.api.propose(content, by: officer.actor, now: start) }
        _ = try await world.api.deny(try certificate(), in: nil, reason: "again", by: officer.actor, now: start)
    }

    @Test func `an approver who lost the role no longer lifts a denial`() async throws {
        let world = try await World.make()
        let officer = try await world.person("olga", (.securityOfficer, .everything))
        let second = try await world.person("otto", (.securityOfficer, .everything))
        let denial = try await world.api.deny(
            try certificate(), in: nil, reason: "stolen", by: officer.actor, now: start)
        let change = try await world.api.propose(try lifting(denial), by: officer.actor, now: start)
        try await world.approve(change, by: second)
        let bindings = try await world.api.roleBindings(try PageRequest()).items
        let binding = try #require(bindings.first { $0.person == second.person.id })
        try await world.revokeBinding(binding.id, by: world.admin.actor, now: start)
        let outcomes = try await world.publisher.publishApprovedChanges(now: start)
        #expect(outcomes == [.sentBack(change.change.number)])
        #expect(try await world.api.denial(denial.id).lifted == nil)
    }

    @Test func `the database keeps denials, and lifts none without an approved change`() async throws {
        let world = try await World.make()
        let denial = try await world.api.deny(
            try certificate(), in: nil, reason: "stolen", by: world.admin.actor, now: start)
        let change = try await world.api.propose(
            try lifting(denial), by: try await world.person("olga", (.securityOfficer, .everything)).actor, now: start)
        for sql in [
            "DELETE FROM denial", "UPDATE denial SET reason = 'nothing'", "TRUNCATE denial",
            "UPDATE denial SET lifted_at = now()",
            "UPDATE denial SET lifted_at = now(), lifted_by_change = \(change.change.number)",
        ] {
            await #expect(throws: PostgresError.self, "\(sql)") { try await world.asOwner(sql) }
        }
        #expect(try await world.api.denial(denial.id) == denial)
        await #expect(throws: PostgresError(.permission, "")) {
            try await world.database.withConnection(as: .api) {
                try await $0.run(script: "UPDATE denial SET lifted_at = now(), lifted_by_change = 1")
            }
        }
    }

    @Test func `a denied anchor comes back only after its denial was lifted`() async throws {
        let world = try await World.make()
        let (acme, other) = (try await world.team(), try await world.team("other"))
        try await world.rule()
        let facts = try World.inspector.facts([1, 2, 3], .ca, start)
        let denial = try await world.api.deny(
            try certificate(facts.certificateSHA256), in: acme, reason: "stolen", by: world.admin.actor, now: start)
        await expect(.conflict) { _ = try await world.propose(in: acme, by: world.admin) }
        _ = try await world.propose(in: other, by: world.admin)
        let bob = try await world.person("bob", (.teamAdmin, .team(acme)))
        let lift = try await world.api.propose(try lifting(denial), by: bob.actor, now: start)
        try await world.approve(lift, by: world.admin)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        _ = try await world.propose(in: acme, by: world.admin)
        _ = try await world.api.deny(
            try DenialSubject(.key, value: facts.keySHA256), in: nil, reason: "weak", by: world.admin.actor, now: start)
        await expect(.conflict) {
            _ = try await world.propose(in: other, by: world.admin)
        }
    }

    @Test func `an addition that was agreed to is rejected when its anchor is denied meanwhile`() async throws {
        let world = try await World.make()
        let acme = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(acme)))
        let change = try await world.propose(in: acme, by: bob)
        try await world.approve(change, by: world.admin)
        let facts = try World.inspector.facts([1, 2, 3], .ca, start)
        _ = try await world.api.deny(
            try certificate(facts.certificateSHA256), in: nil, reason: "stolen", by: world.admin.actor, now: start)
        let outcomes = try await world.publisher.publishApprovedChanges(now: start)
        guard case .rejected(change.change.number, let reason)? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(reason.contains("D-1"))
        #expect(try await world.activeAnchors(of: acme).isEmpty)
    }

    @Test func `one team cannot deny so much that hosts would not take the denials of the others`() async throws {
        let world = try await World.make()
        let (acme, other) = (try await world.team(), try await world.team("other"))
        try await world.asOwner(
            """
            INSERT INTO denial (kind, value, team_id, reason, author, issued_at)
            SELECT 'certificate', lpad(to_hex(n), 64, '0'), t.id, 'x', p.id, now()
            FROM generate_series(1, 200) AS n, team t, person p WHERE t.name = 'acme' AND p.subject = 'alice'
            """)
        let (subject, admin) = (try certificate(), world.admin.actor)
        let present = try certificate(String(repeating: "0", count: 63) + "1")
        await expect(.invalid) { _ = try await world.api.deny(subject, in: acme, reason: "x", by: admin, now: start) }
        await expect(.conflict) { _ = try await world.api.deny(present, in: acme, reason: "x", by: admin, now: start) }
        _ = try await world.api.deny(subject, in: other, reason: "x", by: admin, now: start)
        _ = try await world.api.deny(subject, in: nil, reason: "x", by: admin, now: start)
    }

    @Test func `one team cannot fill the denials with long values either`() async throws {
        let world = try await World.make()
        let (acme, admin) = (try await world.team(), world.admin.actor)
        try await world.asOwner(
            """
            INSERT INTO denial (kind, value, team_id, reason, author, issued_at)
            SELECT 'identity', lpad(to_hex(n), 1000, 'x'), t.id, 'x', p.id, now()
            FROM generate_series(1, 65) AS n, team t, person p WHERE t.name = 'acme' AND p.subject = 'alice'
            """)
        let subject = try DenialSubject(
            .identity, value: "x509.subject: C=DE, ST=BE, O=\(String(repeating: "y", count: 900))")
        await expect(.invalid) { _ = try await world.api.deny(subject, in: acme, reason: "x", by: admin, now: start) }
    }

    @Test func `hosts get the beginning of a long reason, and people all of it`() async throws {
        let world = try await World.make()
        let reason = String(repeating: "é", count: 2_000)
        let denial = try await world.api.deny(
            try certificate(), in: nil, reason: reason, by: world.admin.actor, now: start)
        #expect(denial.reason == reason)
        #expect(denial.published.reason == String(repeating: "é", count: 126) + "…")
    }
}
