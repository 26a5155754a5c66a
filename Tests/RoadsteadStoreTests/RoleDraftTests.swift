import Codecs
import PostgresKit
import PostgresTesting
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

/// Drafts as the store keeps them. What is signed is any bytes here; that signatures verify is asked above.
@Suite(.postgres) struct RoleDraftTests {
    private func draft(
        _ scene: Custodians, version: Int64 = 1, epoch: Int64 = 1, formerEpoch: Int64? = nil
    ) -> NewRoleDraft {
        NewRoleDraft(
            team: scene.team, epoch: epoch, formerEpoch: formerEpoch, contentNumber: 1, version: version,
            signedPart: Array("draft \(version)".utf8), files: ["targets/acme/policy.json": [1]], signatures: [])
    }

    private func sign(_ id: Int64, _ scene: Custodians, member: Int, at now: UTCDate = start) async throws {
        _ = try await scene.world.api.addRoleSignature(
            [UInt8(member)], by: scene.keys[member].keyID, to: id, by: scene.members[member].actor, now: now)
    }

    private func close(_ id: Int64, _ scene: Custodians, version: Int64 = 1) async throws {
        let role = TeamRoleRecord(
            team: scene.team, version: version, bytes: Array("role \(version)".utf8), contentNumber: 1)
        try await scene.world.publisher.closeRoleDraft(id, role: role, now: start)
    }

    @Test func `a draft becomes the team's role with its quorum, and not before`() async throws {
        let scene = try await Custodians.make()
        try await scene.takeCustody(threshold: 2)
        let id = try await scene.world.publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        await #expect(throws: PostgresError(.check, "")) { try await close(id, scene) }
        try await sign(id, scene, member: 0)
        await #expect(throws: PostgresError(.check, "")) { try await close(id, scene) }
        try await sign(id, scene, member: 0)
        await #expect(throws: PostgresError(.check, "")) { try await close(id, scene) }
        try await sign(id, scene, member: 2)
        try await close(id, scene)
        let record = try await scene.world.api.roleDraft(id)
        #expect(record.state == .closed && record.signatures.count == 2)
        #expect(try await scene.world.api.newestRole(of: scene.team)?.role.bytes == Array("role 1".utf8))
        await expect(.notOpen) { try await sign(id, scene, member: 1) }
    }

    @Test func `whoever writes it, a role without its quorum is no role of a team in its own custody`() async throws {
        let scene = try await Custodians.make()
        try await scene.takeCustody(threshold: 2)
        let id = try await scene.world.publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        try await sign(id, scene, member: 0)
        let content = """
            INSERT INTO published_content VALUES (encode(sha256('role'), 'hex'), 'role');
            INSERT INTO team_role (team_id, version, sha256, created_at)
                SELECT id, VERSION, encode(sha256('role'), 'hex'), now() FROM team WHERE name = 'acme'
            """
        for version in ["1", "2"] {
            let sql = content.replacing("VERSION", with: version)
            await #expect(throws: PostgresError(.check, "")) { try await scene.world.asOwner(sql) }
        }
        await #expect(throws: PostgresError(.check, "")) {
            try await scene.world.asOwner(
                "UPDATE role_draft SET state = 'closed', sha256 = repeat('0', 64), closed_at = now()")
        }
    }

    @Test func `each holder signs with their own key, which is in use and counts`() async throws {
        let scene = try await Custodians.make()
        let world = scene.world
        try await scene.takeCustody(keys: scene.keys[..<2].map(\.keyID), threshold: 2)
        let id = try await world.publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        let attempt = { (session: Session, key: Int) in
            _ = try await world.api.addRoleSignature(
                [1], by: scene.keys[key].keyID, to: id, by: session.actor, now: start)
        }
        await expect(.forbidden) { try await attempt(scene.members[1], 0) }
        await expect(.forbidden) { try await attempt(world.admin, 0) }
        await #expect(throws: PostgresError(.check, "")) { try await attempt(scene.members[2], 2) }
        let robot = try await world.secondToken(of: scene.members[0], TokenLimits(access: .write, holder: .machine))
        await expect(.forbidden) { try await attempt(robot, 0) }
        _ = try await world.api.retireTeamKey(
            scene.keys[0].keyID, of: scene.team, by: world.admin.actor, now: start)
        await expect(.forbidden) { try await attempt(scene.members[0], 0) }
        #expect(try await world.api.roleDraft(id).signatures.isEmpty)
    }

    @Test func `the signature of a key that is retired afterwards no longer counts`() async throws {
        let scene = try await Custodians.make()
        try await scene.takeCustody(threshold: 2)
        let id = try await scene.world.publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        try await sign(id, scene, member: 0)
        try await sign(id, scene, member: 1)
        _ = try await scene.world.api.retireTeamKey(
            scene.keys[1].keyID, of: scene.team, by: scene.members[1].actor, now: start)
        #expect(try await scene.world.api.roleDraft(id).signatures.map(\.keyID) == [scene.keys[0].keyID])
        await #expect(throws: PostgresError(.check, "")) { try await close(id, scene) }
        try await sign(id, scene, member: 2)
        try await close(id, scene)
    }

    @Test func `what was signed counts only while its holder may hold a key of the team`() async throws {
        let scene = try await Custodians.make()
        let world = scene.world
        try await scene.takeCustody(threshold: 2)
        let id = try await world.publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        for member in 0...1 { try await sign(id, scene, member: member) }
        try await scene.dismiss(member: 0)
        #expect(try await world.api.roleDraft(id).signatures.map(\.keyID) == [scene.keys[1].keyID])
        await #expect(throws: PostgresError(.check, "")) { try await close(id, scene) }
        try await sign(id, scene, member: 2)
        try await world.api.disablePerson(scene.members[1].person.id, by: world.admin.actor, now: start)
        let draft = try await world.api.roleDraft(id)
        #expect(draft.signatures.map(\.keyID) == [scene.keys[2].keyID])
        #expect(draft.quorum.retired == Set(scene.keys[..<2].map(\.keyID)))
        await #expect(throws: PostgresError(.check, "")) { try await close(id, scene) }
    }

    @Test func `a void draft has used its version up, and other keys void what was drafted`() async throws {
        let scene = try await Custodians.make()
        let publisher = scene.world.publisher
        try await scene.takeCustody(threshold: 2)
        let first = try await publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        let second = try await publisher.openRoleDraft(draft(scene, version: 2), for: scene.fleet, now: start)
        #expect(try await scene.world.api.roleDraft(first).state == .void)
        await expect(.fence) {
            try await publisher.openRoleDraft(draft(scene, version: 2), for: scene.fleet, now: start)
        }
        try await scene.takeCustody(keys: scene.keys[..<2].map(\.keyID), threshold: 2)
        #expect(try await scene.world.api.roleDraft(second).state == .void)
        await expect(.fence) {
            try await publisher.openRoleDraft(draft(scene, version: 3), for: scene.fleet, now: start)
        }
        let state = try await publisher.state(of: scene.fleet)
        #expect(state.counters["acme"] == 2)
        let drafting = try #require(try await publisher.drafting(of: scene.team, for: scene.fleet))
        #expect(drafting.nextVersion == 3 && drafting.quorum.epoch == 2 && drafting.open.isEmpty)
    }

    @Test func `a draft that another fleet waits for stays, and one that nobody waits for ends`() async throws {
        let scene = try await Custodians.make()
        let (world, publisher) = (scene.world, scene.world.publisher)
        let other = try FleetName("canary")
        _ = try await world.api.createFleet(
            other, id: try FleetID.random(), displayName: "canary", profile: .standard, by: world.admin.actor,
            now: start)
        _ = try await world.addTeam(scene.team, to: other, by: world.admin.actor, now: start)
        try await scene.takeCustody(threshold: 2)
        let first = try await publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        try await publisher.needRoleDraft(first, of: scene.team, for: other, now: start)
        let second = try await publisher.openRoleDraft(draft(scene, version: 2), for: scene.fleet, now: start)
        #expect(try await world.api.openRoleDrafts(of: scene.team).map(\.id) == [first, second])
        try await publisher.needNoRoleDraft(of: scene.team, for: other, now: start)
        #expect(try await world.api.openRoleDrafts(of: scene.team).map(\.id) == [second])
    }

    @Test func `a draft waits for seven days`() async throws {
        let scene = try await Custodians.make()
        try await scene.takeCustody(threshold: 2)
        let id = try await scene.world.publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        let end = start.adding(days: 7)
        await expect(.expired) { try await sign(id, scene, member: 0, at: end) }
        try await scene.world.publisher.expireRoleDrafts(now: end.adding(seconds: -1))
        #expect(try await scene.world.api.roleDraft(id).state == .open)
        try await scene.world.publisher.expireRoleDrafts(now: end)
        #expect(try await scene.world.api.roleDraft(id).state == .void)
    }

    @Test func `the first role of new keys is signed by the former ones too, unless they are lost`() async throws {
        let scene = try await Custodians.make()
        let publisher = scene.world.publisher
        try await scene.takeCustody(keys: scene.keys[..<2].map(\.keyID), threshold: 2)
        #expect(try await publisher.drafting(of: scene.team, for: scene.fleet)?.former == nil)
        let first = try await publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        try await sign(first, scene, member: 0)
        try await sign(first, scene, member: 1)
        try await close(first, scene)
        try await scene.takeCustody(keys: [scene.keys[2].keyID], threshold: 1)
        let drafting = try #require(try await publisher.drafting(of: scene.team, for: scene.fleet))
        #expect(drafting.former?.epoch == 1 && drafting.former?.threshold == 2)
        let second = try await publisher.openRoleDraft(
            draft(scene, version: 2, epoch: 2, formerEpoch: 1), for: scene.fleet, now: start)
        try await sign(second, scene, member: 2)
        await #expect(throws: PostgresError(.check, "")) { try await close(second, scene, version: 2) }
        try await sign(second, scene, member: 0)
        try await sign(second, scene, member: 1)
        try await close(second, scene, version: 2)
        #expect(try await publisher.drafting(of: scene.team, for: scene.fleet)?.former == nil)
        try await scene.takeCustody(keys: [scene.keys[0].keyID], threshold: 1, formerLost: true)
        #expect(try await publisher.drafting(of: scene.team, for: scene.fleet)?.former == nil)
    }

    @Test func `the draft of a change is the one that was opened after it`() async throws {
        let scene = try await Custodians.make()
        try await scene.takeCustody(threshold: 2)
        let number = try #require(try await scene.world.api.custody(of: scene.team).record.change)
        #expect(try await scene.world.api.roleDraft(ofChange: number) == nil)
        let id = try await scene.world.publisher.openRoleDraft(draft(scene), for: scene.fleet, now: start)
        #expect(try await scene.world.api.roleDraft(ofChange: number)?.id == id)
    }
}
