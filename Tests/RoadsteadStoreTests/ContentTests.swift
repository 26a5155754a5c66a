import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

/// Numbered contents of teams, and which of them a fleet takes.
@Suite(.postgres) struct ContentTests {
    private struct Scene {
        let world: World
        let team: TeamName
        let bob: Session
        let canary: FleetName
        let prod: FleetName
    }

    /// Two fleets with team acme, whose administrator approves.
    private func scene() async throws -> Scene {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let (canary, prod) = (try FleetName("canary"), try FleetName("prod"))
        for fleet in [canary, prod] {
            _ = try await world.api.createFleet(
                fleet, id: try FleetID.random(), displayName: "\(fleet)", profile: .standard, by: world.admin.actor,
                now: start)
        }
        _ = try await world.api.addTeam(team, to: canary, by: world.admin.actor, now: start)
        _ = try await world.api.addTeam(team, to: prod, by: world.admin.actor, now: start)
        return Scene(world: world, team: team, bob: bob, canary: canary, prod: prod)
    }

    /// Adds a root, through to its change's effect.
    @discardableResult
    private func add(_ certificate: [UInt8], _ scene: Scene) async throws -> Int64 {
        let record = try await scene.world.propose(certificate, in: scene.team, by: scene.world.admin)
        try await scene.world.approve(record, by: scene.bob)
        _ = try await scene.world.publisher.publishApprovedChanges(now: start)
        return record.change.number
    }

    private func anchors(of fleet: FleetName, _ scene: Scene) async throws -> [[UInt8]] {
        let state = try await scene.world.publisher.state(of: fleet)
        return state.content.teams.first { $0.name == scene.team }?.stores.flatMap(\.anchors) ?? []
    }

    /// Publishes what the fleet takes, as far as the store is concerned.
    private func publish(_ fleet: FleetName, _ scene: Scene) async throws {
        let publisher = scene.world.publisher
        let state = try await publisher.state(of: fleet)
        let number = (state.last?.number ?? 0) + 1
        let bytes = Array("\(fleet) \(number)".utf8)
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: bytes))
        let version = (state.counters[scene.team.rawValue] ?? 0) + 1
        let role = TeamRoleRecord(
            team: scene.team, version: version, bytes: Array("role \(version)".utf8),
            contentNumber: state.contentNumbers[scene.team])
        try await publisher.recordSigned(
            NewRelease(
                number: number, kind: .release, previousDigest: state.last?.digest, difference: [],
                changes: state.changes), of: fleet, digest: digest,
            files: [
                NewFile(
                    path: "metadata/\(version).\(scene.team).json", bytes: role.bytes, role: scene.team.rawValue,
                    version: version)
            ], teamRoles: [role], now: start)
        try await publisher.recordPublished(number, of: fleet, now: start)
    }

    private func follow(_ scene: Scene) async throws {
        _ = try await scene.world.api.setSource(scene.canary, of: scene.prod, by: scene.world.admin.actor, now: start)
    }

    @Test func `every state of a team's anchors is kept under a number, and never changes`() async throws {
        let scene = try await scene()
        try await add([1], scene)
        try await add([2], scene)
        let one = Hex.encode(HashAlgorithm.sha256.digest(of: [1])),
            two = Hex.encode(HashAlgorithm.sha256.digest(of: [2]))
        let sorted = [one, two].sorted()
        let rows = try await scene.world.database.withConnection(as: .owner) {
            try await $0.rows("SELECT number, document FROM team_content ORDER BY number")
                .map { (try $0.value("number") as Int64, try $0.value("document") as String) }
        }
        #expect(rows.map(\.0) == [1, 2, 3, 4])
        #expect(rows[0].1 == #"{"schema":1,"stores":[]}"#)
        #expect(rows[1].1 == #"{"schema":1,"stores":[{"anchors":[],"kind":"ca","name":"prod"}]}"#)
        #expect(
            rows[3].1
                == #"{"schema":1,"stores":[{"anchors":["\#(sorted[0])","\#(sorted[1])"],"kind":"ca","name":"prod"}]}"#)
        for row in rows { #expect(try TeamContentDocument(parsing: row.1).canonicalText == row.1) }
        for script in ["UPDATE team_content SET document = ''", "DELETE FROM team_content", "TRUNCATE team_content"] {
            await #expect(throws: (any Error).self) { try await scene.world.asOwner(script) }
        }
        #expect(try await scene.world.publisher.state(of: scene.canary).contentNumbers[scene.team] == 4)
    }

    @Test func `nobody who serves the API writes a content of their own`() async throws {
        let scene = try await scene()
        for script in [
            "INSERT INTO team_content (team_id, number, document) SELECT id, 99, '{}' FROM team",
            "UPDATE fleet_team_content SET number = 1",
        ] {
            await #expect(throws: (any Error).self) {
                try await scene.world.database.withConnection(as: .api) { try await $0.run(script: script) }
            }
        }
    }

    @Test func `a fleet without a source takes the newest, one with a source what it had`() async throws {
        let scene = try await scene()
        try await add([1], scene)
        try await follow(scene)
        let later = try await add([2], scene)
        #expect(try await anchors(of: scene.canary, scene) == [[1], [2]])
        #expect(try await anchors(of: scene.prod, scene) == [[1]])
        #expect(try await scene.world.publisher.state(of: scene.canary).changes.contains(later))
        #expect(try await !scene.world.publisher.state(of: scene.prod).changes.contains(later))
        _ = try await scene.world.api.setSource(nil, of: scene.prod, by: scene.world.admin.actor, now: start)
        #expect(try await anchors(of: scene.prod, scene) == [[1], [2]])
        #expect(try await scene.world.publisher.state(of: scene.prod).changes.contains(later))
    }

    @Test func `each fleet finds the newest role with its own content, and all share one counter`() async throws {
        let scene = try await scene()
        try await add([1], scene)
        try await publish(scene.prod, scene)
        try await follow(scene)
        try await add([2], scene)
        try await publish(scene.canary, scene)
        let (canary, prod) = (
            try await scene.world.publisher.state(of: scene.canary),
            try await scene.world.publisher.state(of: scene.prod)
        )
        #expect(canary.teamRoles[scene.team]?.version == 2)
        #expect(prod.teamRoles[scene.team]?.version == 1)
        #expect(canary.counters["acme"] == 2 && prod.counters["acme"] == 2)
        try await add([3], scene)
        #expect(try await scene.world.publisher.state(of: scene.canary).teamRoles[scene.team] == nil)
    }

    @Test func `a team that is new in a fleet brings what the fleet's source publishes`() async throws {
        let scene = try await scene()
        let (api, admin) = (scene.world.api, scene.world.admin.actor)
        _ = try await api.removeTeam(scene.team, from: scene.prod, by: admin, now: start)
        try await follow(scene)
        await expect(.conflict) { _ = try await api.addTeam(scene.team, to: scene.prod, by: admin, now: start) }
        try await add([1], scene)
        try await publish(scene.canary, scene)
        try await add([2], scene)
        _ = try await api.addTeam(scene.team, to: scene.prod, by: admin, now: start)
        #expect(try await anchors(of: scene.prod, scene) == [[1]])
    }

    @Test func `a removed anchor does not come into a fleet with what its source still publishes`() async throws {
        let scene = try await scene()
        let (api, admin) = (scene.world.api, scene.world.admin.actor)
        _ = try await api.removeTeam(scene.team, from: scene.prod, by: admin, now: start)
        try await follow(scene)
        try await add([1], scene)
        try await publish(scene.canary, scene)
        let anchor = try #require(try await scene.world.activeAnchors(of: scene.team).first)
        let content = try ChangeContent(
            team: scene.team, operations: [.removeAnchor(id: anchor.id)], justification: "stolen")
        _ = try await api.propose(content, by: scene.bob.actor, now: start)
        _ = try await scene.world.publisher.publishApprovedChanges(now: start)
        await expect(.conflict) { _ = try await api.addTeam(scene.team, to: scene.prod, by: admin, now: start) }
        try await publish(scene.canary, scene)
        _ = try await api.addTeam(scene.team, to: scene.prod, by: admin, now: start)
        #expect(try await anchors(of: scene.prod, scene) == [])
    }

    @Test func `an operator binds a fleet to a source, and only an administrator unties it`() async throws {
        let scene = try await scene()
        let operate = try await scene.world.person("olga", (.fleetOperator, .fleet(scene.prod)))
        let api = scene.world.api
        #expect(
            try await api.setSource(scene.canary, of: scene.prod, by: operate.actor, now: start).promotesFrom
                == scene.canary)
        await expect(.forbidden) { _ = try await api.setSource(nil, of: scene.prod, by: operate.actor, now: start) }
        await expect(.forbidden) {
            _ = try await api.setSource(scene.prod, of: scene.canary, by: operate.actor, now: start)
        }
        #expect(try await api.fleet(scene.prod).promotesFrom == scene.canary)
    }

    @Test func `promotion never goes in a circle`() async throws {
        let scene = try await scene()
        let (api, admin) = (scene.world.api, scene.world.admin.actor)
        try await follow(scene)
        await expect(.conflict) { _ = try await api.setSource(scene.prod, of: scene.canary, by: admin, now: start) }
        await expect(.conflict) { _ = try await api.setSource(scene.canary, of: scene.canary, by: admin, now: start) }
        await expect(.notFound) {
            _ = try await api.setSource(try FleetName("nowhere"), of: scene.canary, by: admin, now: start)
        }
    }
}
