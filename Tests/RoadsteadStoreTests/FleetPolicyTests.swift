import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

/// What administrators say of a fleet's images, and what they let pass until a moment.
@Suite(.postgres) struct FleetPolicyTests {
    private func propose(
        _ operation: some GovernedOperation, _ scene: TwoFleets, by session: Session, at now: UTCDate = start
    ) async throws -> ChangeRecord {
        let content = try ChangeContent(team: nil, operations: [.governed(operation)], justification: "we must")
        return try await scene.world.api.propose(content, by: session.actor, now: now)
    }

    private func agree(
        _ change: ChangeRecord, _ scene: TwoFleets, by session: Session, at now: UTCDate = start
    ) async throws {
        try await scene.world.approve(change, by: session, at: now)
        let outcomes = try await scene.world.publisher.publishApprovedChanges(now: now)
        #expect(outcomes == [.published(change.change.number)])
    }

    private func exceptions(_ scene: TwoFleets) async throws -> [PolicyException] {
        try await scene.world.publisher.state(of: scene.prod).content.exceptions
    }

    private let digest = PolicyException.Subject.digest("sha256:" + String(repeating: "ab", count: 32))

    private func scope(_ text: String) throws -> PolicyException.Subject { .scope(try RegistryScope(text)) }

    @Test func `a fleet's policy waits for somebody else, also while the first administrator is alone`() async throws {
        let scene = try await TwoFleets.make()
        let operation = try SetFleetPolicy(fleet: scene.prod, policy: FleetPolicy(floor: .permissive))
        let change = try await propose(operation, scene, by: scene.world.admin)
        #expect(change.change.state == .submitted && change.canApprove.isEmpty)
        #expect(try await scene.world.api.policy(of: scene.prod) == .none)
        let carol = try await scene.world.person("carol", (.securityOfficer, .everything))
        try await agree(change, scene, by: carol)
        #expect(try await scene.world.api.policy(of: scene.prod).floor == .permissive)
        #expect(try await scene.world.publisher.state(of: scene.prod).content.policy.floor == .permissive)
        #expect(try await scene.world.publisher.state(of: scene.canary).content.policy == .none)
    }

    @Test func `the fleet's statements are for what no team of it owns, by stores that are there`() async throws {
        let scene = try await TwoFleets.make()
        for (place, store) in [("registry.example.com/acme/app", "prod"), ("infra.example.com", "missing")] {
            let statement = FleetPolicy.Statement(
                name: "infra", registryScopes: [try RegistryScope(place)], level: "strict",
                stores: [TrustStoreID(team: scene.team, kind: .ca, name: try TrustStoreName(store))],
                trustedIdentities: ["*"])
            let operation = try SetFleetPolicy(fleet: scene.prod, policy: FleetPolicy(statements: [statement]))
            await expect(.invalid) { _ = try await propose(operation, scene, by: scene.world.admin) }
        }
        #expect(throws: TrustModelError(.policy, "")) {
            try SetFleetPolicy(fleet: scene.prod, policy: FleetPolicy(standardLevel: .skip))
        }
        #expect(throws: TrustModelError(.policy, "")) {
            try SetFleetPolicy(fleet: scene.prod, policy: FleetPolicy(standardLevel: .audit, floor: .strict))
        }
    }

    @Test func `a statement below the floor of a fleet is refused there`() async throws {
        let scene = try await TwoFleets.withCertificates()
        let carol = try await scene.world.person("carol", (.securityOfficer, .everything))
        try await scene.add(try await root())
        let floor = try SetFleetPolicy(fleet: scene.prod, policy: FleetPolicy(floor: .permissive))
        try await agree(try await propose(floor, scene, by: scene.world.admin), scene, by: carol)
        let statement = TeamPolicy.Statement(
            name: "images", registryScopes: [try RegistryScope("registry.example.com/acme")], level: "audit",
            stores: [TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName("prod"))],
            trustedIdentities: ["*"])
        await expect(.refusedByGuard) { _ = try await scene.propose(policy: [statement]) }
    }

    @Test func `an explanation comes from what hosts would be given`() async throws {
        let scene = try await TwoFleets.withCertificates()
        try await scene.add(try await root())
        let found = try await scene.world.publisher.explanation(
            of: try RegistryScope("registry.example.com/acme/app"), in: scene.prod, now: start)
        #expect(found.owner == scene.team && found.statement?.name == "acme" && found.stores.map(\.anchors) == [1])
        let foreign = try await scene.world.publisher.explanation(
            of: try RegistryScope("registry.example.com/acme-x"), in: scene.prod, now: start)
        #expect(foreign.owner == nil && foreign.statement == nil)
    }

    // MARK: Exceptions

    @Test func `an exception needs a second person, holds for 72 hours, and ends by itself`() async throws {
        let scene = try await TwoFleets.make()
        let carol = try await scene.world.person("carol", (.securityOfficer, .everything))
        let operation = try AddException(fleet: scene.prod, subject: digest, owner: "on-call")
        let change = try await propose(operation, scene, by: scene.world.admin)
        await expect(.ownProposal) { try await scene.world.approve(change, by: scene.world.admin) }
        #expect(try await exceptions(scene).isEmpty)
        let later = start.adding(seconds: 3_600)
        try await agree(change, scene, by: carol, at: later)
        let found = try #require(try await exceptions(scene).first)
        #expect(found.subject == digest && found.until == later.adding(seconds: 72 * 3_600))
        #expect(try await scene.world.publisher.endExceptions(now: found.until.adding(seconds: -1)).isEmpty)
        #expect(try await scene.world.publisher.endExceptions(now: found.until).count == 1)
        #expect(try await exceptions(scene).isEmpty)
        let all = try await scene.world.api.exceptions(of: scene.prod, all: true)
        #expect(all.map(\.ended) == [found.until] && all.map(\.owner) == ["on-call"])
        #expect(try await scene.world.api.exceptions(of: scene.prod).isEmpty)
    }

    @Test func `an exception lasts 30 days at most, in the program and in the database`() async throws {
        let scene = try await TwoFleets.make()
        for days: Int64 in [-1, 0, 31] {
            let operation = try AddException(
                fleet: scene.prod, subject: digest, until: start.adding(days: days), owner: "on-call")
            await expect(.invalid) { _ = try await propose(operation, scene, by: scene.world.admin) }
        }
        let longest = try AddException(
            fleet: scene.prod, subject: digest, until: start.adding(days: 30), owner: "on-call")
        let change = try await propose(longest, scene, by: scene.world.admin)
        await #expect(throws: PostgresError(.check, "")) {
            try await scene.world.asOwner(
                """
                INSERT INTO policy_exception (fleet_id, digest, until_at, owner, reason, added_by_change, added_at)
                SELECT id, 'sha256:' || repeat('a', 64), now() + interval '31 days', 'x', 'x', \(change.change.number), now()
                FROM fleet
                """)
        }
    }

    @Test func `an exception whose end has passed before it was agreed to does not come into force`() async throws {
        let scene = try await TwoFleets.make()
        let carol = try await scene.world.person("carol", (.securityOfficer, .everything))
        let operation = try AddException(
            fleet: scene.prod, subject: digest, until: start.adding(days: 1), owner: "on-call")
        let change = try await propose(operation, scene, by: scene.world.admin)
        try await scene.world.approve(change, by: carol, at: start)
        let outcomes = try await scene.world.publisher.publishApprovedChanges(now: start.adding(days: 2))
        guard case .rejected? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
    }

    @Test func `a member asks for the team's own scopes, and for no other`() async throws {
        let scene = try await TwoFleets.make()
        let mia = try await scene.world.person("mia", (.teamMember, .team(scene.team)))
        let own = try AddException(
            fleet: scene.prod, subject: try scope("registry.example.com/acme/app"), owner: "mia", team: scene.team)
        let change = try await propose(own, scene, by: mia)
        #expect(change.change.state == .submitted)
        // The team's administrator does not agree to it.
        await expect(.forbidden) { try await scene.world.approve(change, by: scene.bob) }
        let foreign = try AddException(
            fleet: scene.prod, subject: try scope("registry.example.com/other"), owner: "mia", team: scene.team)
        await expect(.invalid) { _ = try await propose(foreign, scene, by: mia) }
        let without = try AddException(fleet: scene.prod, subject: digest, owner: "mia")
        await expect(.forbidden) { _ = try await propose(without, scene, by: mia) }
    }

    @Test func `one person ends an exception at once, and nobody begins it again`() async throws {
        let scene = try await TwoFleets.make()
        let carol = try await scene.world.person("carol", (.securityOfficer, .everything))
        let operation = try AddException(fleet: scene.prod, subject: digest, owner: "on-call")
        try await agree(try await propose(operation, scene, by: scene.world.admin), scene, by: carol)
        await expect(.conflict) { _ = try await propose(operation, scene, by: scene.world.admin) }
        let number = try #require(try await scene.world.api.exceptions().first?.number)
        let end = EndException(fleet: scene.prod, exception: number)
        await expect(.forbidden) { _ = try await propose(end, scene, by: scene.bob) }
        let ended = try await propose(end, scene, by: carol)
        #expect(ended.change.state == .published)
        #expect(try await exceptions(scene).isEmpty)
        await expect(.notFound) { _ = try await propose(end, scene, by: carol) }
        await #expect(throws: (any Error).self) {
            try await scene.world.asOwner("UPDATE policy_exception SET ended_at = NULL, ended_by_change = NULL")
        }
    }
}
