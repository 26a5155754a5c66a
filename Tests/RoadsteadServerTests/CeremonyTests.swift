import Codecs
import HTTPTypes
import HummingbirdTesting
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadWire
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite(.postgres) struct Ceremonies {
    private let demo: FleetName

    init() throws { demo = try FleetName("demo") }

    private func keys(_ count: Int) throws -> [PrivateKey] { try (0..<count).map { _ in try .generate(.ed25519) } }

    private func body(_ keys: [PrivateKey], threshold: Int = 1) throws -> CeremonyKeysBody {
        CeremonyKeysBody(keys: try keys.map { try Key($0.publicKey).json }, threshold: threshold)
    }

    /// A fleet with a team, and its first root held by the given keys.
    private func fleet(
        _ api: TestAPI, _ alice: String, root: [PrivateKey], threshold: Int = 1, name: String = "demo"
    ) async throws {
        let _: FleetBody = try await api.ask(.post, "/v1/fleets", FleetRequest(name: try FleetName(name)), as: alice)
        let request = CeremonyFleetRequest(
            fleet: try FleetName(name), root: try body(root, threshold: threshold))
        let done = try await api.hold([request], root, as: alice)
        #expect(done.fleets.map(\.state) == ["published"])
        #expect(done.fleets.first?.release == 1)
    }

    private func fleetBody(_ api: TestAPI, _ alice: String) async throws -> FleetBody {
        try await api.ask(.get, "/v1/fleets/demo", as: alice)
    }

    @Test func `every role's keys are rotated, and an old host and stock python-tuf follow each time`() async throws {
        try await TestAPI.withServer(.live) { api in
            let alice = try await api.bootstrap()
            let root = try keys(1)
            try await api.makeTeam(as: alice)
            try await fleet(api, alice, root: root)
            let host = try await CeremonyHost(api)
            try await host.refresh()
            let stock = try await StockHost(api)
            try stock?.follow()
            for (index, role) in ["timestamp", "snapshot", "targets", "deny", "revocation", "ops"].enumerated() {
                let before = try await Self.heldKeys(role)
                let done = try await api.hold(
                    [CeremonyFleetRequest(fleet: demo, rotate: [role])], root, as: alice)
                #expect(done.fleets.first?.state == "published", "\(role): \(done.fleets.first?.reason ?? "")")
                #expect(done.fleets.first?.keys.map(\.role) == [role])
                try await Self.settle(api, timestamp: Int64(index + 2))
                try await host.refresh()
                try stock?.follow()
                let after = try await Self.heldKeys(role)
                #expect(after.count == 1 && after != before)
            }
            let next = try keys(2)
            let all = try await api.hold(
                [
                    CeremonyFleetRequest(
                        fleet: demo, root: try body(next, threshold: 2),
                        rotate: ["timestamp", "snapshot", "targets", "deny", "revocation", "ops"])
                ], root + next, as: alice)
            #expect(all.fleets.first?.state == "published")
            try await Self.settle(api, timestamp: 8)
            let versions = try await host.refresh()
            #expect(versions["root"] == 5)
            try stock?.follow()
            try await Self.checkNoKeyStays()
        }
    }

    @Test func `keys of every kind hold a fleet and its settings, and stock python-tuf follows`() async throws {
        try await TestAPI.withServer(.live) { api in
            let alice = try await api.bootstrap()
            let types: [KeyType] = [.ed25519, .ec(.p256), .ec(.p384), .rsa(bits: 3_072), .rsa(bits: 4_096)]
            let (root, admins) = (try types.map(PrivateKey.generate), try types.map(PrivateKey.generate))
            try await fleet(api, alice, root: root, threshold: 5)
            let (host, stock) = (try await CeremonyHost(api), try await StockHost(api))
            try await host.refresh()
            try stock?.follow()
            let moved = try await api.hold(
                [CeremonyFleetRequest(fleet: demo, targets: try body(admins, threshold: 5))], root + admins, as: alice)
            #expect(moved.fleets.first?.state == "published", "\(moved.fleets.first?.reason ?? "")")
            try await Self.settle(api, timestamp: 2)
            #expect(try await host.refresh()["root"] == 2)
            try stock?.follow()
        }
    }

    /// Waits until the server's own delivery has come to a timestamp.
    private static func settle(_ api: TestAPI, timestamp version: Int64) async throws {
        let seen = try await api.eventually {
            let reply = try await api.send(.get, "/fleets/demo/metadata/timestamp.json")
            guard reply.status == .ok else { return Int64(0) }
            return try JSON(parsing: reply.body).object("file").object("signed", in: "file")
                .integer("version", in: "signed")
        } until: {
            $0 >= version
        }
        #expect(seen == version)
    }

    private static func heldKeys(_ role: String) async throws -> [String] {
        let database = try #require(TestDatabase.current)
        return try await database.withConnection(as: .owner) { connection in
            try await connection.rows(
                "SELECT key_id FROM signing_key WHERE role = $1 AND held ORDER BY key_id", [.text(role)]
            ).map { try $0.value("key_id") }
        }
    }

    /// The private half of a key whose place another took is deleted.
    private static func checkNoKeyStays() async throws {
        let database = try #require(TestDatabase.current)
        let kept: Int = try await database.withConnection(as: .owner) { connection in
            try await connection.rows(
                "SELECT count(*) AS n FROM signing_key WHERE private_key IS NOT NULL AND retired_at IS NOT NULL"
            )[0].value("n")
        }
        #expect(kept == 0)
    }

    @Test func `the old keys and the new ones have to agree to a root, and nothing shows before they do`() async throws
    {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let (old, new) = (try keys(3), try keys(2))
            try await fleet(api, alice, root: old, threshold: 2)
            let open = try await api.open(
                [CeremonyFleetRequest(fleet: demo, root: try body(new, threshold: 2))], as: alice)
            let draft = try #require(open.fleets.first?.drafts.first)
            #expect(draft.missing == ["2 more of the keys of root 1", "2 more of the keys of root 2"])
            let some = try await api.sign(open, [old[0], new[0], new[1]], as: alice)
            #expect(some.fleets.first?.state == "open")
            #expect(some.fleets.first?.drafts.first?.missing == ["1 more of the keys of root 1"])
            let hidden = try await api.send(.get, "/fleets/demo/metadata/2.root.json")
            #expect(hidden.status == .notFound)
            let done = try await api.sign(open, [old[2]], as: alice)
            #expect(done.fleets.first?.state == "published")
            let body = try await fleetBody(api, alice)
            #expect(body.rootVersion == 2 && body.release == 2)
        }
    }

    @Test func `one run signs for many fleets, each with its own key, and a foreign key is refused at opening`()
        async throws
    {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let (one, two) = (try keys(1), try keys(1))
            try await fleet(api, alice, root: one)
            try await fleet(api, alice, root: two, name: "prod")
            let fleets = [CeremonyFleetRequest(fleet: demo), CeremonyFleetRequest(fleet: try FleetName("prod"))]
            let open = try await api.open(fleets, as: alice)
            let half = try await api.sign(open, one, as: alice)
            #expect(half.fleets.map(\.state) == ["published", "open"])
            let done = try await api.sign(open, two, as: alice)
            #expect(done.fleets.map(\.state) == ["published", "published"])
            let request = CeremonyRequest(fleets: [
                CeremonyFleetRequest(fleet: try FleetName("prod"), root: try body(one))
            ])
            let reply = try await api.send(.post, "/v1/ceremonies", json: try JSON(encoding: request), as: alice)
            #expect(reply.status == .conflict)
            #expect(String(decoding: reply.body, as: UTF8.self).contains("the root key of fleet demo"))
        }
    }

    @Test func `targets move off the server, wait for their holders, and come back`() async throws {
        try await TestAPI.withServer(.live) { api in
            let alice = try await api.bootstrap()
            let (root, admins) = (try keys(1), try keys(3))
            try await api.makeTeam(as: alice)
            try await fleet(api, alice, root: root)
            let host = try await CeremonyHost(api)
            try await host.refresh()
            let stock = try await StockHost(api)
            try stock?.follow()

            let open = try await api.open(
                [CeremonyFleetRequest(fleet: demo, targets: try body(admins, threshold: 2))], as: alice)
            #expect(open.fleets.first?.drafts.map(\.role) == ["root", "targets"])
            let rootOnly = try await api.sign(open, root + [admins[0]], as: alice)
            #expect(rootOnly.fleets.first?.state == "open")
            let offline = try await api.sign(open, [admins[1]], as: alice)
            #expect(offline.fleets.first?.state == "published", "\(offline.fleets.first?.reason ?? "")")
            #expect(try await !fleetBody(api, alice).targetsOnline)
            #expect(try await Self.heldKeys("targets").isEmpty)
            try await Self.settle(api, timestamp: 2)
            try await host.refresh()
            try stock?.follow()

            try await api.govern(
                .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: try TeamName("acme")), as: alice)
            let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
            #expect(try await Self.heldKeys("targets").isEmpty)
            let waiting = try await api.open([CeremonyFleetRequest(fleet: demo, roles: ["targets"])], as: alice)
            #expect(waiting.fleets.first?.drafts.map(\.role) == ["targets"])
            let signed = try await api.sign(waiting, [admins[1], admins[2]], as: alice)
            #expect(signed.fleets.first?.state == "published", "\(signed.fleets.first?.reason ?? "")")
            let release = try #require(signed.fleets.first?.release)
            let team = try await api.eventually {
                try await api.send(.get, "/fleets/demo/metadata/1.acme.json")
            } until: {
                $0.status == .ok
            }
            #expect(team.status == .ok)
            try await Self.settle(api, timestamp: release)
            try await host.refresh(teams: ["acme"])
            try stock?.follow()

            // Ceremonies that nobody completes leave the targets to their holders, and their signatures are not shown.
            _ = try await api.open([CeremonyFleetRequest(fleet: demo, targetsOnline: true)], as: alice)
            #expect(try await !fleetBody(api, alice).targetsOnline)
            let renewal = try await api.open([CeremonyFleetRequest(fleet: demo, roles: ["targets"])], as: alice)
            let shown = try await api.sign(renewal, [admins[0]], as: alice)
            #expect(shown.fleets.first?.drafts.first?.signatures.count == 1)

            let back = try await api.hold(
                [CeremonyFleetRequest(fleet: demo, targetsOnline: true)], root, as: alice)
            let dead: CeremonyBody = try await api.ask(.get, "/v1/ceremonies/\(renewal.id)", as: alice)
            #expect(dead.fleets.first?.state == "void" && dead.fleets.first?.drafts.first?.signatures.isEmpty == true)
            #expect(back.fleets.first?.drafts.map(\.role) == ["root"])
            #expect(back.fleets.first?.state == "published", "\(back.fleets.first?.reason ?? "")")
            #expect(try await fleetBody(api, alice).targetsOnline)
            #expect(try await Self.heldKeys("targets").count == 1)
            try await Self.settle(api, timestamp: release + 1)
            try await host.refresh(teams: ["acme"])
            try stock?.follow()
        }
    }

    @Test func `keys of deny rotate with offline targets, by the holders of the targets keys`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let (root, admin) = (try keys(1), try keys(1))
            try await fleet(api, alice, root: root)
            try await api.hold([CeremonyFleetRequest(fleet: demo, targets: try body(admin))], root + admin, as: alice)
            let host = try await CeremonyHost(api)
            try await Self.settle(api, timestamp: 2)
            try await host.refresh()
            let before = try await Self.heldKeys("deny")
            let open = try await api.open([CeremonyFleetRequest(fleet: demo, rotate: ["deny"])], as: alice)
            #expect(open.fleets.first?.drafts.map(\.role) == ["targets"])
            let done = try await api.sign(open, admin, as: alice)
            #expect(done.fleets.first?.state == "published", "\(done.fleets.first?.reason ?? "")")
            #expect(try await Self.heldKeys("deny") != before)
            try await Self.settle(api, timestamp: 3)
            try await host.refresh()
        }
    }

    @Test func `what was published meanwhile makes a draft void, and says so`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let (root, admin) = (try keys(1), try keys(1))
            try await api.makeTeam(as: alice)
            try await fleet(api, alice, root: root)
            let open = try await api.open([CeremonyFleetRequest(fleet: demo, targets: try body(admin))], as: alice)
            try await api.govern(
                .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: try TeamName("acme")), as: alice)
            let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
            let signatures = try await TestAPI.signatures(of: open, by: root + admin)
            let reply = try await api.send(
                .post, "/v1/ceremonies/\(open.id)/signatures",
                json: try JSON(encoding: CeremonySignaturesRequest(signatures: signatures)), as: alice)
            #expect(reply.status == .conflict && reply.problem == "store.not-open")
            let after: CeremonyBody = try await api.ask(.get, "/v1/ceremonies/\(open.id)", as: alice)
            #expect(after.fleets.first?.state == "void")
            #expect(after.fleets.first?.reason?.contains("no longer the newest") == true)
        }
    }

    @Test(arguments: ["INSERT ON release", "UPDATE ON release", "UPDATE ON fleet"])
    func `a ceremony whose release was held up anywhere is published by whoever comes next`(_ step: String)
        async throws
    {
        let database = try #require(TestDatabase.current)
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let (root, next) = (try keys(1), try keys(1))
            try await fleet(api, alice, root: root)
            let host = try await CeremonyHost(api)
            try await host.refresh()
            try await Self.holdUp(step, database)
            let held = try await api.hold(
                [CeremonyFleetRequest(fleet: demo, root: try body(next), rotate: ["timestamp"])], root + next,
                as: alice)
            #expect(held.fleets.first?.state == "closed")
            let hidden = try await api.send(.get, "/fleets/demo/metadata/2.root.json")
            #expect(hidden.status == .notFound)
            try await host.refresh()
            try await Self.letGo(step, database)
            let done: CeremonyBody = try await api.ask(.post, "/v1/ceremonies/\(held.id)/close", as: alice)
            #expect(done.fleets.first?.state == "published" && done.fleets.first?.reason == nil)
            try await Self.settle(api, timestamp: 2)
            let versions = try await host.refresh()
            #expect(versions["root"] == 2)
        }
    }

    private static func holdUp(_ step: String, _ database: TestDatabase) async throws {
        try await database.withConnection(as: .owner) { connection in
            try await connection.run(
                script: """
                    CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN RAISE EXCEPTION 'held up'; END $$;
                    CREATE TRIGGER hold_up BEFORE \(step) FOR EACH ROW EXECUTE FUNCTION hold_up();
                    """)
        }
    }

    private static func letGo(_ step: String, _ database: TestDatabase) async throws {
        let table = step.split(separator: " ").last ?? ""
        try await database.withConnection(as: .owner) { try await $0.run(script: "DROP TRIGGER hold_up ON \(table)") }
    }

    @Test func `two servers that publish one ceremony bring out one release`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let (root, next) = (try keys(1), try keys(1))
            try await fleet(api, alice, root: root)
            let open = try await api.open([CeremonyFleetRequest(fleet: demo, root: try body(next))], as: alice)
            let (first, last) = (root, next)
            _ = try await api.sign(open, first, as: alice)
            let states = await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<3 {
                    group.addTask { try await api.sign(open, last, as: alice).fleets.first?.state }
                }
                var states: [String?] = []
                while let next = await group.nextResult() { states.append(try? next.get()) }
                return states
            }
            #expect(states.contains("published"))
            let after = try await fleetBody(api, alice)
            #expect(after.release == 2 && after.rootVersion == 2)
        }
    }

    @Test func `a fleet starts over: hosts of the lost root refuse, hosts of the new one follow`() async throws {
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let (lost, new) = (try keys(1), try keys(1))
            try await fleet(api, alice, root: lost)
            let old = try await CeremonyHost(api)
            try await old.refresh()
            let unconfirmed = CeremonyRequest(fleets: [
                CeremonyFleetRequest(fleet: demo, root: try body(new), startOver: try FleetName("prod"))
            ])
            let refused = try await api.send(.post, "/v1/ceremonies", json: try JSON(encoding: unconfirmed), as: alice)
            #expect(refused.status == .unprocessableContent)
            let done = try await api.hold(
                [CeremonyFleetRequest(fleet: demo, root: try body(new), startOver: demo)], new, as: alice)
            #expect(done.fleets.first?.state == "published", "\(done.fleets.first?.reason ?? "")")
            #expect(done.fleets.first?.startsOver == true)
            try await Self.settle(api, timestamp: 2)
            await #expect(throws: TUFError.self) { try await old.refresh() }
            let enrolled = try await CeremonyHost(api, root: 2)
            try await enrolled.refresh()
            let renewed = try await api.hold([CeremonyFleetRequest(fleet: demo)], new, as: alice)
            #expect(renewed.fleets.first?.state == "published", "\(renewed.fleets.first?.reason ?? "")")
            try await Self.settle(api, timestamp: 3)
            let versions = try await enrolled.refresh()
            #expect(versions["root"] == 3)
        }
    }

    @Test func `what the fleet says goes on while a ceremony cannot be published, and the reason is shown`()
        async throws
    {
        let database = try #require(TestDatabase.current)
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let (root, next) = (try keys(1), try keys(1))
            try await api.makeTeam(as: alice)
            try await fleet(api, alice, root: root)
            try await database.withConnection(as: .owner) { connection in
                try await connection.run(
                    script: """
                        CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
                        BEGIN NEW.private_key := '\\x00'; RETURN NEW; END $$;
                        CREATE TRIGGER spoil BEFORE INSERT ON signing_key FOR EACH ROW WHEN (NEW.awaits_ceremony)
                        EXECUTE FUNCTION spoil();
                        """)
            }
            let held = try await api.hold(
                [CeremonyFleetRequest(fleet: demo, root: try body(next), rotate: ["timestamp"])], root + next,
                as: alice)
            #expect(held.fleets.first?.state == "closed")
            #expect(held.fleets.first?.reason?.contains("does not open") == true)
            try await api.govern(
                .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: try TeamName("acme")), as: alice)
            let release: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
            #expect(release.number == 2)
            let again = try await api.hold([CeremonyFleetRequest(fleet: demo)], root, as: alice)
            #expect(again.fleets.first?.state == "published", "\(again.fleets.first?.reason ?? "")")
            let first: CeremonyBody = try await api.ask(.get, "/v1/ceremonies/\(held.id)", as: alice)
            #expect(first.fleets.first?.state == "void")
        }
    }
}
