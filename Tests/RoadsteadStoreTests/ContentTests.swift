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
    @Test func `every state of a team's anchors is kept under a number, and never changes`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        try await scene.add([2])
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
        let scene = try await TwoFleets.make()
        for script in [
            "INSERT INTO team_content (team_id, number, document) SELECT id, 99, '{}' FROM team",
            "UPDATE fleet_team_content SET number = 1",
            "UPDATE team SET content_version = 1",
            "UPDATE team SET content_version = content_version + 1",
        ] {
            await #expect(throws: (any Error).self) {
                try await scene.world.database.withConnection(as: .api) { try await $0.run(script: script) }
            }
        }
    }

    @Test func `a team never goes back to an older content, nor on to one that is not kept`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        await #expect(throws: PostgresError(.check, "")) {
            try await scene.world.asOwner("UPDATE team SET content_version = content_version - 1")
        }
        await #expect(throws: PostgresError(.foreignKey, "")) {
            try await scene.world.asOwner("UPDATE team SET content_version = content_version + 1")
        }
        #expect(try await scene.anchors(of: scene.canary) == [[1]])
    }

    @Test func `a fleet without a source takes the newest, one with a source what it had`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        try await scene.follow()
        let later = try await scene.add([2])
        #expect(try await scene.anchors(of: scene.canary) == [[1], [2]])
        #expect(try await scene.anchors(of: scene.prod) == [[1]])
        #expect(try await scene.world.publisher.state(of: scene.canary).changes.contains(later))
        #expect(try await !scene.world.publisher.state(of: scene.prod).changes.contains(later))
        _ = try await scene.world.api.setSource(nil, of: scene.prod, by: scene.world.admin.actor, now: start)
        #expect(try await scene.anchors(of: scene.prod) == [[1], [2]])
        #expect(try await scene.world.publisher.state(of: scene.prod).changes.contains(later))
    }

    @Test func `each fleet finds the newest role with its own content, and all share one counter`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        try await scene.publish(scene.prod)
        try await scene.follow()
        try await scene.add([2])
        try await scene.publish(scene.canary)
        let (canary, prod) = (
            try await scene.world.publisher.state(of: scene.canary),
            try await scene.world.publisher.state(of: scene.prod)
        )
        #expect(canary.teamRoles[scene.team]?.version == 2)
        #expect(prod.teamRoles[scene.team]?.version == 1)
        #expect(canary.counters["acme"] == 2 && prod.counters["acme"] == 2)
        try await scene.add([3])
        #expect(try await scene.world.publisher.state(of: scene.canary).teamRoles[scene.team] == nil)
    }

    @Test func `a team that is new in a fleet brings what the fleet's source publishes`() async throws {
        let scene = try await TwoFleets.make()
        let admin = scene.world.admin.actor
        _ = try await scene.world.removeTeam(scene.team, from: scene.prod, by: admin, now: start)
        try await scene.follow()
        await expect(.conflict) { _ = try await scene.world.addTeam(scene.team, to: scene.prod, by: admin, now: start) }
        try await scene.add([1])
        try await scene.publish(scene.canary)
        try await scene.add([2])
        _ = try await scene.world.addTeam(scene.team, to: scene.prod, by: admin, now: start)
        #expect(try await scene.anchors(of: scene.prod) == [[1]])
    }

    @Test func `a removed anchor does not come into a fleet with what its source still publishes`() async throws {
        let scene = try await TwoFleets.make()
        let admin = scene.world.admin.actor
        _ = try await scene.world.removeTeam(scene.team, from: scene.prod, by: admin, now: start)
        try await scene.follow()
        try await scene.add([1])
        try await scene.publish(scene.canary)
        try await scene.remove([1])
        await expect(.conflict) { _ = try await scene.world.addTeam(scene.team, to: scene.prod, by: admin, now: start) }
        try await scene.publish(scene.canary)
        _ = try await scene.world.addTeam(scene.team, to: scene.prod, by: admin, now: start)
        #expect(try await scene.anchors(of: scene.prod) == [])
    }

    @Test func `an operator binds a fleet to a source, and only an administrator unties it`() async throws {
        let scene = try await TwoFleets.make()
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
        let scene = try await TwoFleets.make()
        let (api, admin) = (scene.world.api, scene.world.admin.actor)
        try await scene.follow()
        await expect(.conflict) { _ = try await api.setSource(scene.prod, of: scene.canary, by: admin, now: start) }
        await expect(.conflict) { _ = try await api.setSource(scene.canary, of: scene.canary, by: admin, now: start) }
        await expect(.notFound) {
            _ = try await api.setSource(try FleetName("nowhere"), of: scene.canary, by: admin, now: start)
        }
    }
}
