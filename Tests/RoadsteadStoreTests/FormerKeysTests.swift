import Codecs
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

/// Who signs beside a team's present keys.
@Suite(.postgres) struct FormerKeysTests {
    /// Opens a draft, has it signed and closes it.
    private func sign(_ scene: Custodians, version: Int64, epoch: Int64, former: Int64? = nil, by members: [Int])
        async throws
    {
        let publisher = scene.world.publisher
        let draft = NewRoleDraft(
            team: scene.team, epoch: epoch, formerEpoch: former, contentNumber: 1, version: version,
            signedPart: Array("draft \(version)".utf8), files: [:], signatures: [])
        let id = try await publisher.openRoleDraft(draft, for: scene.fleet, now: start)
        for member in members {
            _ = try await scene.world.api.addRoleSignature(
                [1], by: scene.keys[member].keyID, to: id, by: scene.members[member].actor, now: start)
        }
        let role = TeamRoleRecord(
            team: scene.team, version: version, bytes: Array("role \(version)".utf8), contentNumber: 1)
        try await publisher.closeRoleDraft(id, role: role, now: start)
    }

    private func former(_ scene: Custodians) async throws -> Int64? {
        try #require(try await scene.world.publisher.drafting(of: scene.team, for: scene.fleet)).former?.epoch
    }

    @Test func `keys that never signed are not asked, but those that hosts believe`() async throws {
        let scene = try await Custodians.make()
        let keys = scene.keys.map(\.keyID)
        try await scene.takeCustody(keys: [keys[0], keys[1]], threshold: 2)
        try await sign(scene, version: 1, epoch: 1, by: [0, 1])
        try await scene.takeCustody(keys: [keys[0]], threshold: 1)
        #expect(try await former(scene) == 1)
        try await scene.takeCustody(keys: [keys[1], keys[2]], threshold: 2)
        #expect(try await former(scene) == 1)
        try await sign(scene, version: 2, epoch: 3, former: 1, by: [0, 1, 2])
        #expect(try await former(scene) == nil)
    }

    @Test func `keys can be said to be lost later, with the present ones as they are, and nobody asks for them again`()
        async throws
    {
        let scene = try await Custodians.make()
        let keys = scene.keys.map(\.keyID)
        try await scene.takeCustody(keys: [keys[0], keys[1]], threshold: 2)
        try await sign(scene, version: 1, epoch: 1, by: [0, 1])
        try await scene.takeCustody(keys: [keys[1], keys[2]], threshold: 2)
        #expect(try await former(scene) == 1)
        await expect(.conflict) { try await scene.takeCustody(keys: [keys[1], keys[2]], threshold: 2) }
        try await scene.takeCustody(keys: [keys[1], keys[2]], threshold: 2, formerLost: true)
        #expect(try await former(scene) == nil)
        try await scene.takeCustody(keys: [keys[2]], threshold: 1)
        #expect(try await former(scene) == nil)
    }

    @Test func `former keys sign on while the settings of a fleet name them`() async throws {
        let scene = try await Custodians.make()
        let (publisher, keys) = (scene.world.publisher, scene.keys.map(\.keyID))
        let other = try FleetName("offline")
        _ = try await scene.world.api.createFleet(
            other, id: try FleetID.random(), displayName: "offline", profile: .standard, by: scene.world.admin.actor,
            now: start)
        _ = try await scene.world.addTeam(scene.team, to: other, by: scene.world.admin.actor, now: start)
        try await scene.takeCustody(keys: [keys[0]], threshold: 1)
        try await sign(scene, version: 1, epoch: 1, by: [0])
        try await scene.takeCustody(keys: [keys[1]], threshold: 1)
        try await sign(scene, version: 2, epoch: 2, former: 1, by: [0, 1])
        _ = try await publisher.keep(FleetNote(expiries: [], otherKeys: [scene.team]), of: other)
        #expect(try await former(scene) == 1)
        _ = try await publisher.keep(FleetNote(expiries: [], otherKeys: []), of: other)
        #expect(try await former(scene) == nil)
    }
}
