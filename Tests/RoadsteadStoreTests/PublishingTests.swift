import Codecs
import PostgresKit
import Migrations
import PostgresTesting
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

@Suite(.postgres) struct PublishingTests {
    private struct Scene {
        let world: World
        let fleet: FleetName
        let team: TeamName
    }

    /// A fleet with its first root and one team.
    private func scene() async throws -> Scene {
        let world = try await World.make()
        let (team, fleet) = (try await world.team(), try FleetName("demo"))
        try await world.rule()
        _ = try await world.api.createFleet(
            fleet, id: try FleetID.random(), displayName: "demo", profile: .standard, by: world.admin.actor, now: start)
        _ = try await world.addTeam(team, to: fleet, by: world.admin.actor, now: start)
        return Scene(world: world, fleet: fleet, team: team)
    }

    private func key(_ name: String) -> PublicKeyRecord {
        PublicKeyRecord(
            keyID: Hex.encode(World.digest("id \(name)")), publicKey: Array("spki \(name)".utf8),
            keyObject: Array("{}".utf8))
    }

    private func files(_ number: Int64, timestamp: Int64? = nil) -> [NewFile] {
        let time = timestamp ?? number
        return [
            NewFile(path: "targets/acme/\(String(repeating: "a", count: 64)).ca.prod.pem", bytes: Array("pem".utf8)),
            NewFile(
                path: "metadata/\(number).snapshot.json", bytes: Array("snapshot \(number)".utf8), role: "snapshot",
                version: number),
            NewFile(
                path: "metadata/timestamp.json", bytes: Array("timestamp \(time)".utf8), role: "timestamp",
                version: time),
        ]
    }

    private func digest(_ number: Int64) -> String { Hex.encode(World.digest("snapshot \(number)")) }

    private func sign(
        _ number: Int64, _ scene: Scene, files: [NewFile]? = nil, previous: String? = nil, changes: [Int64] = []
    ) async throws {
        let release = NewRelease(
            number: number, kind: .release, previousDigest: number == 1 ? nil : previous ?? digest(number - 1),
            difference: ["something"], changes: changes)
        try await scene.world.publisher.recordSigned(
            release, of: scene.fleet, digest: digest(number), files: files ?? self.files(number), teamRoles: [],
            now: start)
    }

    @Test func `files are served from the publication of their release on, not before`() async throws {
        let scene = try await scene()
        let read = { try await scene.world.hosts.files.file("metadata/timestamp.json", of: scene.fleet)?.bytes }
        try await sign(1, scene)
        #expect(try await read() == nil)
        #expect(try await scene.world.hosts.files.timestampVersion(of: scene.fleet) == 0)
        try await scene.world.publisher.recordPublished(1, of: scene.fleet, now: start)
        #expect(try await read() == Array("timestamp 1".utf8))
        try await sign(2, scene)
        #expect(try await read() == Array("timestamp 1".utf8))
        try await scene.world.publisher.recordPublished(2, of: scene.fleet, now: start)
        #expect(try await read() == Array("timestamp 2".utf8))
        #expect(try await scene.world.hosts.files.file("metadata/1.snapshot.json", of: scene.fleet) != nil)
        #expect(try await scene.world.hosts.files.file("metadata/9.snapshot.json", of: scene.fleet) == nil)
        #expect(try await scene.world.hosts.files.timestampVersion(of: scene.fleet) == 2)
    }

    @Test func `a timestamp is signed again without a new release`() async throws {
        let scene = try await scene()
        let again = NewFile(
            path: "metadata/timestamp.json", bytes: Array("timestamp 2".utf8), role: "timestamp", version: 2)
        await expect(.fence) {
            try await scene.world.publisher.recordTimestamp(again, of: scene.fleet, now: start)
        }
        try await sign(1, scene)
        try await scene.world.publisher.recordPublished(1, of: scene.fleet, now: start)
        try await scene.world.publisher.recordTimestamp(again, of: scene.fleet, now: start)
        let served = try await scene.world.api.files.file("metadata/timestamp.json", of: scene.fleet)
        #expect(served?.version == 2)
    }

    @Test func `of two publishers of one release one is fenced off, whole`() async throws {
        let scene = try await scene()
        let other = files(1, timestamp: 1).map {
            NewFile(path: $0.path, bytes: $0.bytes + [0], role: $0.role, version: $0.version)
        }
        let results = await withTaskGroup(of: Bool.self) { group in
            for files in [files(1), other] {
                group.addTask { (try? await sign(1, scene, files: files)) != nil }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count { $0 } == 1)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM published_file") == 3)
    }

    @Test func `a release follows the one before, in number, digest and state`() async throws {
        let scene = try await scene()
        await expect(.fence) { try await sign(2, scene) }
        try await sign(1, scene)
        await expect(.fence) { try await sign(2, scene) }
        await expect(.fence) { try await scene.world.publisher.recordPublished(2, of: scene.fleet, now: start) }
        try await scene.world.publisher.recordPublished(1, of: scene.fleet, now: start)
        await expect(.fence) { try await sign(2, scene, previous: digest(7)) }
        await expect(.fence) { try await scene.world.publisher.recordPublished(1, of: scene.fleet, now: start) }
        try await sign(2, scene)
    }

    @Test func `a version of a role is given out once, and what is published stays as it is`() async throws {
        let scene = try await scene()
        try await sign(1, scene)
        try await scene.world.publisher.recordPublished(1, of: scene.fleet, now: start)
        let forged = NewFile(
            path: "metadata/1.snapshot.json", bytes: Array("forged".utf8), role: "snapshot", version: 1)
        await expect(.fence) { try await sign(2, scene, files: [forged]) }
        for script in ["UPDATE published_file SET release = 0", "DELETE FROM published_content", "DELETE FROM release"]
        {
            await #expect(throws: (any Error).self) { try await scene.world.asOwner(script) }
        }
        #expect(try await scene.world.publisher.state(of: scene.fleet).unfinished == nil)
    }

    @Test func `a publisher that died between signing and publishing is finished by the next`() async throws {
        let scene = try await scene()
        let release = NewRelease(number: 1, kind: .release, previousDigest: nil, difference: [], changes: [])
        try await scene.world.publisher.recordBuilt(release, of: scene.fleet, payload: [5], now: start)
        #expect(try await scene.world.publisher.state(of: scene.fleet).unfinished?.payload == [5])
        try await sign(1, scene)
        let state = try await scene.world.publisher.state(of: scene.fleet)
        #expect(state.unfinished?.state == .signed)
        #expect(state.current.isEmpty)
        #expect(state.counters["snapshot"] == 1)
        try await scene.world.publisher.recordPublished(1, of: scene.fleet, now: start)
        let after = try await scene.world.publisher.state(of: scene.fleet)
        #expect(after.unfinished == nil)
        #expect(after.last?.digest == digest(1))
        #expect(after.current["snapshot"]?.bytes == Array("snapshot 1".utf8))
    }

    @Test func `one publisher at a time holds a fleet's lock`() async throws {
        let scene = try await scene()
        let other = PublisherStore(pool: try scene.world.database.pool(.publisher), inspector: World.inspector)
        let inner = try await scene.world.publisher.withPublishingLock(scene.fleet) {
            try await other.withPublishingLock(scene.fleet) { true }
        }
        #expect(inner == .some(.none))
        #expect(try await other.withPublishingLock(scene.fleet) { true } == true)
    }

    @Test func `however many hold locks at once, there are connections left for their work`() async throws {
        let scene = try await scene()
        let names = try (1...8).map { try FleetName("fleet-\($0)") }
        for name in names {
            _ = try await scene.world.api.createFleet(
                name, id: try FleetID.random(), displayName: "\(name)", profile: .standard,
                by: scene.world.admin.actor, now: start)
        }
        let publisher = PublisherStore(
            pool: try scene.world.database.pool(.publisher, connections: 2), inspector: World.inspector)
        let done = try await withThrowingTaskGroup(of: Bool?.self) { group in
            for name in names {
                group.addTask {
                    try await publisher.withPublishingLock(name) { try await publisher.state(of: name).last == nil }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 == true ? 1 : 0 }
        }
        #expect(done == names.count)
    }

    @Test func `the state holds what a release is made from`() async throws {
        let scene = try await scene()
        let world = scene.world
        let bob = try await world.person("bob", (.teamAdmin, .team(scene.team)))
        let record = try await world.propose([4, 2], in: scene.team, by: world.admin)
        try await world.approve(record, by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        _ = try await world.api.addRepository(
            try RegistryScope("registry.example.com/acme/app"), by: world.admin.actor, now: start)
        _ = try await world.setMode(
            .enforce, of: scene.fleet, enforcer: .notation, by: world.admin.actor, now: start)
        let state = try await world.publisher.state(of: scene.fleet)
        #expect(state.content.teams.map(\.name) == [scene.team])
        #expect(state.content.teams.first?.stores.first?.anchors == [[4, 2]])
        #expect(state.content.teams.first?.scopes.map(\.rawValue) == ["registry.example.com/acme"])
        #expect(state.content.repositories.map(\.rawValue) == ["registry.example.com/acme/app"])
        #expect(state.content.enforcers.first { $0.enforcer == .notation }?.mode == .enforce)
        #expect(state.content.enforcers.first { $0.enforcer == .containerd }?.mode == .observe)
        #expect(state.changes == [record.change.number])
        try await sign(1, scene, changes: state.changes)
        try await world.publisher.recordPublished(1, of: scene.fleet, now: start)
        #expect(try await world.publisher.state(of: scene.fleet).changes.isEmpty)
        let releases = try await world.api.change(record.change.number).releases
        #expect(releases.map(\.number) == [1])
    }

    @Test func `a team's role has one counter for ever, in every fleet`() async throws {
        let scene = try await scene()
        let release = NewRelease(number: 1, kind: .release, previousDigest: nil, difference: [], changes: [])
        let role = { TeamRoleRecord(team: scene.team, version: 3, bytes: $0, contentNumber: 2) }
        try await scene.world.publisher.recordSigned(
            release, of: scene.fleet, digest: digest(1), files: files(1), teamRoles: [role([1])], now: start)
        let prod = try FleetName("prod")
        _ = try await scene.world.api.createFleet(
            prod, id: try FleetID.random(), displayName: "prod", profile: .high, by: scene.world.admin.actor, now: start
        )
        _ = try await scene.world.addTeam(scene.team, to: prod, by: scene.world.admin.actor, now: start)
        let state = try await scene.world.publisher.state(of: prod)
        #expect(state.counters["acme"] == 3)
        #expect(state.teamRoles[scene.team]?.bytes == [1])
        await expect(.fence) {
            try await scene.world.publisher.recordSigned(
                release, of: prod, digest: digest(1), files: files(1), teamRoles: [role([2])], now: start)
        }
    }

    @Test func `a key serves one role of one fleet, or one team, and nothing else`() async throws {
        let scene = try await scene()
        let id = try await scene.world.api.fleet(scene.fleet).id
        let master = try await scene.world.publisher.masterKeyCheckValue(
            settingIfAbsent: String(repeating: "0", count: 32), now: start)
        let snapshot = ServerKeyRecord(key: key("one"), place: .role("snapshot", of: id), sealed: [1])
        try await scene.world.publisher.addKeys([snapshot], sealedUnder: master, now: start)
        await expect(.conflict) {
            try await scene.world.publisher.addKeys(
                [ServerKeyRecord(key: key("one"), place: .role("timestamp", of: id), sealed: [1])],
                sealedUnder: master, now: start)
        }
        await expect(.conflict) {
            try await scene.world.publisher.addKeys(
                [
                    ServerKeyRecord(key: key("two"), place: .team(scene.team), sealed: [1]),
                    ServerKeyRecord(key: key("one"), place: .team(scene.team), sealed: [1]),
                ], sealedUnder: master, now: start)
        }
        #expect(try await scene.world.publisher.state(of: scene.fleet).keys == [snapshot])
    }

    @Test func `all keys are sealed anew under another master key, or none`() async throws {
        let scene = try await scene()
        let publisher = scene.world.publisher
        let (old, new) = (String(repeating: "0", count: 32), String(repeating: "1", count: 32))
        #expect(try await publisher.masterKeyCheckValue(settingIfAbsent: old, now: start) == old)
        #expect(try await publisher.masterKeyCheckValue(settingIfAbsent: new, now: start) == old)
        let id = try await scene.world.api.fleet(scene.fleet).id
        try await publisher.addKeys(
            [KeyPlace.team(scene.team), .role("timestamp", of: id)].enumerated().map {
                ServerKeyRecord(key: key("\($0)"), place: $1, sealed: [1])
            }, sealedUnder: old, now: start)
        await expect(.invalid) {
            _ = try await publisher.rotateMasterKey(from: old, to: new, now: start) { Array($0.dropLast()) }
        }
        await expect(.conflict) { _ = try await publisher.rotateMasterKey(from: new, to: old, now: start) { $0 } }
        let count = try await publisher.rotateMasterKey(from: old, to: new, now: start) { keys in
            keys.map { ServerKeyRecord(key: $0.key, place: $0.place, sealed: [2]) }
        }
        #expect(count == 2)
        #expect(try await publisher.masterKeyCheckValue() == new)
        await expect(.conflict) {
            try await publisher.addKeys(
                [ServerKeyRecord(key: key("late"), place: .team(scene.team), sealed: [1])], sealedUnder: old,
                now: start)
        }
        #expect(try await publisher.state(of: scene.fleet).keys.map(\.sealed) == [[2], [2]])
    }

    @Test func `a key that lives elsewhere is kept by name, once, and is nobody's to move`() async throws {
        let scene = try await scene()
        let (publisher, id) = (scene.world.publisher, try await scene.world.api.fleet(scene.fleet).id)
        let (old, new) = (String(repeating: "0", count: 32), String(repeating: "1", count: 32))
        _ = try await publisher.masterKeyCheckValue(settingIfAbsent: old, now: start)
        let named = ServerKeyRecord(
            key: key("one"), place: .role("timestamp", of: id),
            home: .named("hashivault://transit/1", fleet: scene.fleet))
        let sealed = ServerKeyRecord(key: key("two"), place: .role("snapshot", of: id), sealed: [1])
        try await publisher.addKeys([named, sealed], sealedUnder: old, now: start)
        #expect(Set(try await publisher.state(of: scene.fleet).keys.map(\.home)) == Set([named, sealed].map(\.home)))
        #expect(try await publisher.namedKeys() == [named])
        let names = ["hashivault://transit/1", "hashivault://transit/2"]
        #expect(try await publisher.takenNames(names) == ["hashivault://transit/1"])
        // The same name, or a second key for the same role.
        for (word, home) in [("three", named.home), ("four", .named(names[1], fleet: nil))] {
            let place = KeyPlace.role(word == "three" ? "ops" : "timestamp", of: id)
            await expect(.conflict) {
                try await publisher.addKeys(
                    [ServerKeyRecord(key: key(word), place: place, home: home)], sealedUnder: old, now: start)
            }
        }
        let count = try await publisher.rotateMasterKey(from: old, to: new, now: start) { keys in
            keys.map { ServerKeyRecord(key: $0.key, place: $0.place, sealed: [2]) }
        }
        #expect(count == 1)
        for (role, script) in [
            (DatabaseRole.api, "SELECT key_name FROM signing_key"),
            (.api, "UPDATE signing_key SET key_name = 'pkcs11:object=x'"),
            (
                .api,
                "INSERT INTO signing_key (key_id, public_key, key_object, fleet_id, role, created_at, key_name) "
                    + "SELECT repeat('a', 64), 'x', '{}', id, 'ops', now(), 'pkcs11:object=x' FROM fleet"
            ),
            (.hosts, "SELECT key_id FROM signing_key"),
            (.publisher, "UPDATE signing_key SET key_name = 'pkcs11:object=x'"),
            (.publisher, "UPDATE signing_key SET private_key = 'x' WHERE key_name IS NOT NULL"),
            (.owner, "UPDATE signing_key SET key_name = 'pkcs11:object=x' WHERE key_name IS NOT NULL"),
        ] {
            try await scene.world.database.withConnection(as: role) { connection in
                let error = await #expect(throws: PostgresError.self) { try await connection.run(script: script) }
                #expect(error != nil, "\(script)")
            }
        }
        try await scene.world.database.withConnection(as: .publisher) {
            try await $0.run(script: "UPDATE signing_key SET retired_at = now() WHERE key_name IS NOT NULL")
        }
        #expect(try await publisher.namedKeys().isEmpty)
        #expect(try await publisher.state(of: scene.fleet).keys.map(\.key) == [sealed.key])
        #expect(try await publisher.takenNames(names) == ["hashivault://transit/1"])
    }

    @Test func `publishers are woken when something was agreed`() async throws {
        let scene = try await scene()
        let bob = try await scene.world.person("bob", (.teamAdmin, .team(scene.team)))
        let record = try await scene.world.propose(in: scene.team, by: scene.world.admin)
        let stream = NotificationStream(
            scene.world.database.settings(.publisher), channels: [try SQLName(PublishSignal.channel)])
        var events = stream.makeAsyncIterator()
        #expect(await events.next() == .listening)
        try await scene.world.approve(record, by: bob)
        guard case .notification(let notification) = await events.next() else {
            Issue.record("nobody was woken")
            return
        }
        #expect(notification.channel == PublishSignal.channel)
    }
}
