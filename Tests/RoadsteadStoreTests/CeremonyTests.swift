import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

@Suite(.postgres) struct CeremonyTests {
    private struct Scene {
        let world: World
        let fleet: FleetName
        let id: FleetID

        var api: ApiStore { world.api }
        var publisher: PublisherStore { world.publisher }
        var actor: Actor { world.admin.actor }
    }

    private func scene(_ name: String = "demo", in world: World? = nil) async throws -> Scene {
        let made: World
        if let world { made = world } else { made = try await World.make() }
        let fleet = try FleetName(name)
        let record = try await made.api.createFleet(
            fleet, id: try FleetID.random(), displayName: name, profile: .standard, by: made.admin.actor, now: start)
        return Scene(world: made, fleet: fleet, id: record.id)
    }

    private func key(_ name: String) -> PublicKeyRecord {
        PublicKeyRecord(
            keyID: Hex.encode(World.digest("id \(name)")), publicKey: Array("spki \(name)".utf8),
            keyObject: Array("{}".utf8))
    }

    private func sha(_ text: String) -> String { Hex.encode(World.digest(text)) }

    private func part(
        _ scene: Scene, root version: Int64 = 1, keys: [String] = ["root"], targetsOnline: Bool = true,
        targets: NewMetadataDraft? = nil, fresh: [String] = [], startsOver: Bool = false
    ) -> NewCeremonyFleet {
        let root = NewMetadataDraft(
            role: "root", version: version, baseSHA256: version == 1 ? nil : sha("root \(version - 1)"),
            signedPart: Array("signed \(version)".utf8))
        return NewCeremonyFleet(
            fleet: scene.fleet, startsOver: startsOver, targetsOnline: targetsOnline,
            drafts: [root] + [targets].compactMap { $0 },
            heldKeys: keys.map { NewCeremonyFleet.HeldKey(role: "root", key: key($0)) }, freshKeyIDs: fresh)
    }

    private func open(_ scene: Scene, _ parts: NewCeremonyFleet...) async throws -> CeremonyRecord {
        try await scene.api.openCeremony(
            NewCeremony(expires: start.adding(days: 7), fleets: parts), by: scene.actor, now: start)
    }

    private func sign(_ record: CeremonyRecord, _ scene: Scene, by name: String = "root", at now: UTCDate = start)
        async throws
    {
        let drafts = record.fleet(scene.fleet)?.drafts ?? []
        _ = try await scene.api.addSignatures(
            drafts.map { NewDraftSignature(draft: $0.id, keyID: key(name).keyID, signature: [7]) }, to: record.id,
            by: scene.actor, now: now)
    }

    private func close(_ record: CeremonyRecord, _ scene: Scene) async throws {
        let drafts = record.fleet(scene.fleet)?.drafts ?? []
        let files = drafts.map { ($0.id, Array("\($0.role) \($0.version)".utf8)) }
        _ = try await scene.api.closeCeremony(
            record.id, in: scene.fleet, files: Dictionary(uniqueKeysWithValues: files), by: scene.actor, now: start)
    }

    private func release(_ number: Int64, _ scene: Scene, _ files: [NewFile], ceremony: Int64?) async throws {
        let release = NewRelease(
            number: number, kind: .release, previousDigest: number == 1 ? nil : sha("snapshot \(number - 1)"),
            difference: [], changes: [])
        let snapshot = NewFile(
            path: "metadata/\(number).snapshot.json", bytes: Array("snapshot \(number)".utf8), role: "snapshot",
            version: number)
        let timestamp = NewFile(
            path: "metadata/timestamp.json", bytes: Array("timestamp \(number)".utf8), role: "timestamp",
            version: number)
        try await scene.publisher.recordSigned(
            release, of: scene.fleet, digest: sha("snapshot \(number)"), files: files + [snapshot, timestamp],
            teamRoles: [], ceremony: ceremony, now: start)
    }

    private func rootFile(_ version: Int64) -> NewFile {
        NewFile(
            path: "metadata/\(version).root.json", bytes: Array("root \(version)".utf8), role: "root", version: version)
    }

    /// Holds the ceremony of a root from its opening to the release.
    private func hold(root version: Int64, _ scene: Scene, startsOver: Bool = false) async throws -> Int64 {
        let record = try await open(scene, part(scene, root: version, startsOver: startsOver))
        try await close(record, scene)
        try await release(version, scene, [rootFile(version)], ceremony: record.id)
        try await scene.publisher.recordPublished(version, of: scene.fleet, now: start)
        return record.id
    }

    @Test func `a root is visible from the moment at which its release is, not before`() async throws {
        let scene = try await scene()
        let served = { try await scene.world.hosts.files.file("metadata/1.root.json", of: scene.fleet)?.bytes }
        let record = try await open(scene, part(scene))
        try await sign(record, scene)
        try await close(record, scene)
        let pending = try await scene.publisher.state(of: scene.fleet)
        #expect(pending.pendingRoot == Array("root 1".utf8) && pending.roots.isEmpty)
        #expect(try await served() == nil)
        try await release(1, scene, [rootFile(1)], ceremony: record.id)
        #expect(try await served() == nil)
        #expect(try await scene.api.fleet(scene.fleet).rootVersion == 0)
        try await scene.publisher.recordPublished(1, of: scene.fleet, now: start)
        #expect(try await served() == Array("root 1".utf8))
        let fleet = try await scene.api.fleet(scene.fleet)
        #expect(fleet.rootVersion == 1 && fleet.release == 1 && fleet.rootSHA256 == sha("root 1"))
        let after = try await scene.publisher.state(of: scene.fleet)
        #expect(after.pending == nil && after.roots.map(\.bytes) == [Array("root 1".utf8)])
        let part = try await scene.api.ceremony(record.id).fleet(scene.fleet)
        #expect(part?.state == .published && part?.release == 1)
    }

    @Test func `a release that was signed with a ceremony's root is finished by the next publisher`() async throws {
        let scene = try await scene()
        let record = try await open(scene, part(scene))
        try await close(record, scene)
        try await release(1, scene, [rootFile(1)], ceremony: record.id)
        #expect(try await scene.publisher.state(of: scene.fleet).unfinished?.state == .signed)
        await expect(.conflict) { _ = try await open(scene, part(scene)) }
        try await scene.publisher.recordPublished(1, of: scene.fleet, now: start)
        #expect(try await scene.api.fleet(scene.fleet).rootVersion == 1)
    }

    @Test func `a ceremony is taken in by one release of two publishers`() async throws {
        let scene = try await scene()
        let record = try await open(scene, part(scene))
        try await close(record, scene)
        let results = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<2 {
                group.addTask { (try? await release(1, scene, [rootFile(1)], ceremony: record.id)) != nil }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count { $0 } == 1)
        try await scene.publisher.recordPublished(1, of: scene.fleet, now: start)
        await expect(.fence) { try await release(2, scene, [], ceremony: record.id) }
    }

    @Test func `drafts are void once their base has moved, which is kept and audited`() async throws {
        let scene = try await scene()
        _ = try await hold(root: 1, scene)
        let targets = NewMetadataDraft(role: "targets", version: 7, baseSHA256: nil, signedPart: [1])
        let record = try await open(scene, part(scene, root: 2, targetsOnline: false, targets: targets))
        let other = NewFile(path: "metadata/6.targets.json", bytes: [6], role: "targets", version: 6)
        try await release(2, scene, [other], ceremony: nil)
        await expect(.notOpen) { try await sign(record, scene) }
        let part = try await scene.api.ceremony(record.id).fleet(scene.fleet)
        #expect(part?.state == .void && part?.reason?.contains("no longer the newest") == true)
        #expect(part?.drafts.allSatisfy(\.signatures.isEmpty) == true)
        await expect(.notOpen) { try await close(record, scene) }
        let count = try await scene.world.count(
            "SELECT count(*) AS n FROM audit_event WHERE action = 'ceremony.voided'")
        #expect(count == 1)
    }

    @Test func `drafts that were made before another root came out are refused when they are opened`() async throws {
        let scene = try await scene()
        _ = try await hold(root: 1, scene)
        await expect(.conflict) { _ = try await open(scene, part(scene, root: 1, keys: ["root"])) }
        _ = try await open(scene, part(scene, root: 2))
    }

    @Test func `a new ceremony ends the one before in its fleets alone, and says so in the audit log`() async throws {
        let demo = try await scene()
        let prod = try await scene("prod", in: demo.world)
        let both = try await open(demo, part(demo), part(prod, keys: ["prod"]))
        #expect(both.fleets.map(\.fleet) == [demo.fleet, prod.fleet])
        let next = try await open(demo, part(demo))
        let first = try await demo.api.ceremony(both.id)
        #expect(first.fleet(demo.fleet)?.state == .void && first.fleet(prod.fleet)?.state == .open)
        #expect(first.fleet(demo.fleet)?.reason == "ceremony \(next.id) was opened")
        await expect(.notOpen) { try await sign(both, demo) }
        try await sign(both, prod, by: "prod")
        let count = try await demo.world.count("SELECT count(*) AS n FROM audit_event WHERE action = 'ceremony.voided'")
        #expect(count == 1)
        #expect(try await demo.api.ceremonies(of: prod.fleet, try PageRequest()).items.map(\.id) == [both.id])
        #expect(try await demo.api.ceremonies(of: nil, try PageRequest()).items.map(\.id) == [next.id, both.id])
    }

    @Test func `a signature counts once, and a late one is refused`() async throws {
        let scene = try await scene()
        let record = try await open(scene, part(scene))
        await expect(.expired) { try await sign(record, scene, at: start.adding(days: 7)) }
        try await sign(record, scene)
        try await sign(record, scene)
        #expect(try await scene.api.ceremony(record.id).fleets.first?.drafts.first?.signatures.count == 1)
        await expect(.invalid) {
            _ = try await scene.api.addSignatures(
                [NewDraftSignature(draft: 999, keyID: key("root").keyID, signature: [7])], to: record.id,
                by: scene.actor, now: start)
        }
    }

    @Test func `a key of another fleet, role or server is refused when the ceremony is opened`() async throws {
        let demo = try await scene()
        let prod = try await scene("prod", in: demo.world)
        _ = try await open(demo, part(demo, keys: ["root"]))
        let error = await #expect(throws: StoreError.self) { _ = try await open(prod, part(prod, keys: ["root"])) }
        #expect(error?.code == .conflict && error?.reason.contains("the root key of fleet demo") == true)
        let master = try await demo.publisher.masterKeyCheckValue(
            settingIfAbsent: String(repeating: "0", count: 32), now: start)
        try await demo.publisher.addKeys(
            [ServerKeyRecord(key: key("online"), place: .role("targets", of: demo.id), sealed: [1])],
            sealedUnder: master, now: start)
        await expect(.conflict) { _ = try await open(demo, part(demo, keys: ["online"])) }
        let offline = NewCeremonyFleet(
            fleet: demo.fleet, targetsOnline: false, drafts: [],
            heldKeys: [.init(role: "targets", key: key("online"))])
        await expect(.conflict) { _ = try await open(demo, offline) }
        #expect(try await demo.api.ceremonies(of: prod.fleet, try PageRequest()).items.isEmpty)
    }

    @Test func `keys made for a ceremony serve from its closing, and those before are deleted with its release`()
        async throws
    {
        let scene = try await scene()
        let (publisher, place) = (scene.publisher, KeyPlace.role("timestamp", of: scene.id))
        let master = try await publisher.masterKeyCheckValue(
            settingIfAbsent: String(repeating: "0", count: 32), now: start)
        let (old, new) = (
            ServerKeyRecord(key: key("old"), place: place, sealed: [1]),
            ServerKeyRecord(key: key("new"), place: place, sealed: [2])
        )
        try await publisher.addKeys([old], sealedUnder: master, now: start)
        await expect(.conflict) {
            try await publisher.addKeys(
                [ServerKeyRecord(key: key("second"), place: place, sealed: [3])], sealedUnder: master, now: start)
        }
        try await publisher.addKeys([new], sealedUnder: master, awaitingCeremony: true, now: start)
        let record = try await open(scene, part(scene, fresh: [new.key.keyID]))
        #expect(try await publisher.state(of: scene.fleet).keys == [old])
        try await close(record, scene)
        let closed = try await publisher.state(of: scene.fleet)
        #expect(closed.keys == [new] && closed.formerKeys == [old])
        #expect(closed.pending?.keyIDs == [new.key.keyID])
        try await release(1, scene, [rootFile(1)], ceremony: record.id)
        try await publisher.recordPublished(1, of: scene.fleet, now: start)
        let after = try await publisher.state(of: scene.fleet)
        #expect(after.keys == [new] && after.formerKeys.isEmpty)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM signing_key WHERE retired_at IS NOT NULL") == 1)
        #expect(
            try await scene.world.count(
                "SELECT count(*) AS n FROM signing_key WHERE retired_at IS NOT NULL AND private_key IS NOT NULL") == 0)
    }

    @Test func `keys of a void ceremony never serve, and their private halves are deleted`() async throws {
        let scene = try await scene()
        let master = try await scene.publisher.masterKeyCheckValue(
            settingIfAbsent: String(repeating: "0", count: 32), now: start)
        let make = { (name: String) in
            let record = ServerKeyRecord(key: key(name), place: .role("timestamp", of: scene.id), sealed: [1])
            try await scene.publisher.addKeys([record], sealedUnder: master, awaitingCeremony: true, now: start)
        }
        try await make("first")
        _ = try await open(scene, part(scene, fresh: [key("first").keyID]))
        _ = try await open(scene, part(scene))
        await expect(.invalid) { _ = try await open(scene, part(scene, fresh: [key("first").keyID])) }
        try await make("second")
        #expect(try await scene.publisher.state(of: scene.fleet).keys.isEmpty)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM signing_key WHERE held") == 1)
    }

    @Test func `going offline deletes the targets key with the release, and the fleet says so`() async throws {
        let scene = try await scene()
        let master = try await scene.publisher.masterKeyCheckValue(
            settingIfAbsent: String(repeating: "0", count: 32), now: start)
        let online = ServerKeyRecord(key: key("online"), place: .role("targets", of: scene.id), sealed: [1])
        try await scene.publisher.addKeys([online], sealedUnder: master, now: start)
        #expect(try await scene.api.fleet(scene.fleet).targetsOnline)
        let settings = NewFile(path: "targets/fleet/\(sha("s")).settings.json", bytes: Array("s".utf8))
        let targets = NewMetadataDraft(
            role: "targets", version: 1, baseSHA256: nil, signedPart: [1], files: [settings])
        let record = try await open(scene, part(scene, targetsOnline: false, targets: targets))
        #expect(try await scene.publisher.state(of: scene.fleet).signedTargets == nil)
        try await close(record, scene)
        let state = try await scene.publisher.state(of: scene.fleet)
        #expect(state.signedTargets?.bytes == Array("targets 1".utf8))
        #expect(state.signedTargets?.files.map(\.bytes) == [Array("s".utf8)])
        #expect(state.pending?.versions == ["root": 1, "targets": 1])
        try await release(1, scene, [rootFile(1)], ceremony: record.id)
        #expect(try await scene.api.fleet(scene.fleet).targetsOnline)
        try await scene.publisher.recordPublished(1, of: scene.fleet, now: start)
        #expect(try await !scene.api.fleet(scene.fleet).targetsOnline)
        #expect(try await scene.publisher.state(of: scene.fleet).keys.isEmpty)
    }

    @Test func `the chain of roots begins with the last one that started over`() async throws {
        let scene = try await scene()
        _ = try await hold(root: 1, scene)
        _ = try await hold(root: 2, scene, startsOver: true)
        #expect(try await scene.publisher.state(of: scene.fleet).roots.map(\.version) == [2])
        _ = try await hold(root: 3, scene)
        #expect(try await scene.publisher.state(of: scene.fleet).roots.map(\.version) == [2, 3])
        #expect(try await scene.world.hosts.files.file("metadata/1.root.json", of: scene.fleet) != nil)
    }

    @Test func `why a closed ceremony could not be published is kept until it is`() async throws {
        let scene = try await scene()
        let record = try await open(scene, part(scene))
        try await close(record, scene)
        try await scene.publisher.noteTrouble("no space", ceremony: record.id, in: scene.fleet, now: start)
        #expect(try await scene.api.ceremony(record.id).fleets.first?.reason == "no space")
        try await release(1, scene, [rootFile(1)], ceremony: record.id)
        try await scene.publisher.recordPublished(1, of: scene.fleet, now: start)
        #expect(try await scene.api.ceremony(record.id).fleets.first?.reason == nil)
    }

    @Test func `the API can neither publish a root nor move a fleet to it`() async throws {
        let scene = try await scene()
        try await scene.world.database.withConnection(as: .api) { connection in
            for script in [
                "UPDATE fleet SET root_version = 9",
                "INSERT INTO published_file (fleet_id, path, role, version, sha256, release, created_at) "
                    + "SELECT 1, 'metadata/9.root.json', 'root', 9, sha256, 0, now() FROM published_content",
                "UPDATE signing_key SET awaits_ceremony = false",
            ] {
                await #expect(throws: (any Error).self) { try await connection.run(script: script) }
            }
        }
    }

    @Test func `a ceremony only goes on, and its files are set once, whoever writes`() async throws {
        let scene = try await scene()
        let record = try await open(scene, part(scene))
        try await close(record, scene)
        try await scene.world.database.withConnection(as: .api) { connection in
            for script in [
                "UPDATE ceremony_fleet SET state = 'open'", "UPDATE ceremony_fleet SET state = 'published'",
                "UPDATE metadata_draft SET file_sha256 = NULL",
                "INSERT INTO metadata_draft (ceremony_id, fleet_id, role, version, signed_part) "
                    + "SELECT ceremony_id, fleet_id, 'targets', 9, 'x' FROM metadata_draft; "
                    + "UPDATE metadata_draft SET file_sha256 = (SELECT min(sha256) FROM published_content) "
                    + "WHERE role = 'targets'",
            ] {
                let error = await #expect(throws: PostgresError.self) { try await connection.run(script: script) }
                #expect(
                    error?.constraint == "ceremony_goes_on" || error?.constraint == "draft_closes_once", "\(script)")
            }
        }
        #expect(try await scene.api.ceremony(record.id).fleets.first?.state == .closed)
    }

    @Test func `the API opens ceremonies, and inserts none that is further`() async throws {
        let demo = try await scene()
        _ = try await scene("prod", in: demo.world)
        let record = try await open(demo, part(demo))
        try await demo.world.database.withConnection(as: .api) { connection in
            for script in [
                "INSERT INTO ceremony_fleet (ceremony_id, fleet_id, targets_online, state) "
                    + "SELECT \(record.id), id, true, 'closed' FROM fleet WHERE name = 'prod'",
                "INSERT INTO metadata_draft (ceremony_id, fleet_id, role, version, signed_part, file_sha256) "
                    + "SELECT \(record.id), id, 'targets', 1, 'x', NULL FROM fleet WHERE name = 'demo'",
            ] {
                await #expect(throws: PostgresError.self, "\(script)") { try await connection.run(script: script) }
            }
        }
    }

    @Test func `a ceremony that nobody completes ends with its week, and the keys made for it are deleted`()
        async throws
    {
        let scene = try await scene()
        let master = try await scene.publisher.masterKeyCheckValue(
            settingIfAbsent: String(repeating: "0", count: 32), now: start)
        let fresh = ServerKeyRecord(key: key("fresh"), place: .role("timestamp", of: scene.id), sealed: [1])
        try await scene.publisher.addKeys([fresh], sealedUnder: master, awaitingCeremony: true, now: start)
        let record = try await open(scene, part(scene, fresh: [fresh.key.keyID]))
        try await scene.publisher.expireCeremonies(now: start.adding(days: 6))
        #expect(try await scene.api.ceremony(record.id).fleets.first?.state == .open)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM signing_key WHERE held") == 1)
        try await scene.publisher.expireCeremonies(now: start.adding(days: 7))
        let ended = try await scene.api.ceremony(record.id).fleets.first
        #expect(ended?.state == .void && ended?.reason == "expired")
        #expect(try await scene.world.count("SELECT count(*) AS n FROM signing_key WHERE held") == 0)
        let voided = try await scene.world.count(
            "SELECT count(*) AS n FROM audit_event WHERE action = 'ceremony.voided'")
        #expect(voided == 1)
    }

    @Test func `a closed ceremony ends once what it was to follow is no longer the newest`() async throws {
        let scene = try await scene()
        _ = try await hold(root: 1, scene)
        let targets = NewMetadataDraft(role: "targets", version: 7, baseSHA256: nil, signedPart: [1])
        let record = try await open(scene, part(scene, root: 2, targetsOnline: false, targets: targets))
        try await close(record, scene)
        #expect(try await scene.publisher.voidIfMoved(record.id, in: scene.fleet, now: start) == nil)
        let other = NewFile(path: "metadata/7.targets.json", bytes: [7], role: "targets", version: 7)
        try await release(2, scene, [other], ceremony: nil)
        let reason = try await scene.publisher.voidIfMoved(record.id, in: scene.fleet, now: start)
        #expect(reason?.contains("no longer the newest") == true)
        let part = try await scene.api.ceremony(record.id).fleet(scene.fleet)
        #expect(part?.state == .void && part?.reason == reason)
        #expect(try await scene.publisher.state(of: scene.fleet).pending == nil)
        let voided = try await scene.world.count(
            "SELECT count(*) AS n FROM audit_event WHERE action = 'ceremony.voided'")
        #expect(voided == 1)
    }
}
