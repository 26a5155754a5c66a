import Codecs
import Files
import HTTPTypes
import Hummingbird
import Logging
import Migrations
import Observability
import PostgresKit
import PostgresTesting
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

@Suite struct Robustness {
    @Test(.emptyPostgres) func `a database without its schema is refused with what to do`() async throws {
        let program = try TestAPI.program(try #require(TestDatabase.current), state: "/tmp/unused")
        let error = try await #require(throws: MigrationError.self) { _ = try await program.application() }
        #expect(error.code == .pending)
        #expect(error.hint == "roadstead-server migrate")
    }

    @Test(.postgres) func `another master key than the one in use is refused`() async throws {
        let database = try #require(TestDatabase.current)
        try await withScratch { folder in
            _ = try await TestAPI.program(database, state: folder).application()
            let error = try await #require(throws: PublishError.self) {
                _ = try await TestAPI.program(database, state: folder).application()
            }
            #expect(error.code == .masterKey)
        }
    }

    @Test func `a master key that others can read is refused`() throws {
        try withScratch { folder in
            try Files.create(try MasterKey.generate().fileText, at: "\(folder)/key", mode: 0o644)
            let configuration = try ServerConfiguration(
                ConfigurationSources(flags: [.masterKey: "\(folder)/key", .stateDirectory: folder]))
            let error = try #require(throws: PublishError.self) { try MasterKey(configured: configuration) }
            #expect(error.hint == "chmod 600 \(folder)/key")
        }
    }

    @Test(.postgres) func `the master key is rotated, and publishing goes on with the new one`() async throws {
        let database = try #require(TestDatabase.current)
        try await withScratch { folder in
            let path = "\(folder)/master-key"
            let first = try MasterKey.generate()
            try Files.create(first.fileText, at: path, mode: 0o600)
            let pool = try database.pool(.publisher)
            let store = PublisherStore(pool: pool)
            _ = try await store.masterKeyCheckValue(settingIfAbsent: first.checkValue, now: SystemClock.now())
            let keys = try FleetKeys.generate(for: try await Self.fleet(database), under: first)
            try await store.addKeys(
                try keys.map(ServerKeyRecord.init), sealedUnder: first.checkValue, now: SystemClock.now())
            let count = try await MasterKeyRotation(store: store, path: path, newPath: nil).run(now: SystemClock.now())
            let second = try MasterKey(file: path)
            #expect(count == keys.count)
            #expect(second.checkValue != first.checkValue)
            let state = try await store.state(of: try FleetName("demo"))
            for record in state.keys { _ = try ServerKey(record).open(under: second) }
            #expect(state.keys.count == keys.count)
            await pool.close()
        }
    }

    private static func fleet(_ database: TestDatabase) async throws -> FleetID {
        let id = try FleetID.random()
        try await database.withConnection(as: .owner) { connection in
            _ = try await connection.rows(
                """
                INSERT INTO fleet (name, fleet_id, display_name, profile, created_at)
                VALUES ('demo', $1, 'demo', 'standard', now())
                """, [.text(id.rawValue)])
        }
        return id
    }

    @Test(.postgres) func `while PostgreSQL is away requests wait their turn, files are served, and all recovers`()
        async throws
    {
        let database = try #require(TestDatabase.current)
        try await TestAPI.withServer { api in
            let alice = try await Self.publish(api)
            try await Self.setReachable(false, database)
            let away = try await api.eventually {
                try await api.send(.get, "/v1/teams", as: alice)
            } until: {
                $0.status == .serviceUnavailable
            }
            #expect(away.status == .serviceUnavailable)
            #expect(away.headers[.retryAfter] != nil)
            #expect(!String(decoding: away.body, as: UTF8.self).contains("connection to"))
            let ready = try await api.send(.get, "/readyz")
            #expect(ready.status == .serviceUnavailable)
            let alive = try await api.send(.get, "/healthz")
            #expect(alive.status == .ok)
            let timestamp = try await api.send(.get, "/fleets/demo/metadata/timestamp.json")
            #expect(timestamp.status == .ok)
            let targets = try await api.send(.get, "/fleets/demo/metadata/1.targets.json")
            #expect(targets.status == .ok)
            try await Self.setReachable(true, database)
            let back = try await api.eventually {
                try await api.send(.get, "/v1/teams", as: alice)
            } until: {
                $0.status == .ok
            }
            #expect(back.status == .ok)
        }
    }

    /// Keeps the server's roles out of the database, and ends their connections.
    private static func setReachable(_ isReachable: Bool, _ database: TestDatabase) async throws {
        let connection = try await Connection.open(database.cluster.superuserSettings())
        let name = try SQLName(database.name)
        try await connection.run(script: "ALTER DATABASE \(name) ALLOW_CONNECTIONS \(isReachable)")
        if !isReachable {
            _ = try await connection.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [.text(database.name)])
        }
        await connection.close()
    }

    /// A fleet with its first release.
    private static func publish(_ api: TestAPI) async throws -> String {
        let alice = try await api.bootstrap()
        try await prepare(api, alice)
        let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
        let timestamp = try await api.eventually {
            try await api.send(.get, "/fleets/demo/metadata/timestamp.json")
        } until: {
            $0.status == .ok
        }
        #expect(timestamp.status == .ok)
        _ = try await timestampVersion(api)
        return alice
    }

    private static func prepare(_ api: TestAPI, _ alice: String, root state: String = "published") async throws {
        try await api.makeTeam(as: alice)
        let _: FleetBody = try await api.ask(
            .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
        try await api.govern(
            .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: try TeamName("acme")), as: alice)
        _ = try await api.makeRoot(of: "demo", expecting: state, as: alice)
    }

    @Test(.postgres) func `a release that was signed and not published is finished by whoever comes next`() async throws
    {
        let database = try #require(TestDatabase.current)
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            try await Self.holdUp(true, database)
            try await Self.prepare(api, alice, root: "closed")
            let held = try await api.send(.post, "/v1/fleets/demo/releases", as: alice)
            #expect(held.status.code >= 500)
            let path = "/fleets/demo/metadata/timestamp.json"
            let nothing = try await api.send(.get, path)
            #expect(nothing.status == .notFound)
            try await Self.holdUp(false, database)
            let release: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
            #expect(release.number == 1 && release.state == "published")
            let served = try await api.eventually {
                try await api.send(.get, path)
            } until: {
                $0.status == .ok
            }
            #expect(served.status == .ok)
        }
    }

    /// Makes the step from signed to published fail, as a crash between the two would.
    private static func holdUp(_ isHeld: Bool, _ database: TestDatabase) async throws {
        try await database.withConnection(as: .owner) { connection in
            try await connection.run(
                script: isHeld
                    ? """
                    CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN RAISE EXCEPTION 'held up'; END $$;
                    CREATE TRIGGER hold_up BEFORE UPDATE ON release FOR EACH ROW EXECUTE FUNCTION hold_up();
                    """ : "DROP TRIGGER hold_up ON release")
        }
    }

    @Test(.postgres) func `a timestamp is signed again every hour without a new release`() async throws {
        let clock = TestClock()
        try await TestAPI.withServer(clock: clock.now) { api in
            let alice = try await Self.publish(api)
            let before = try await Self.timestampVersion(api)
            clock.advance(seconds: 3_700)
            let release: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
            #expect(release.number == 1)
            let after = try await api.eventually {
                try await Self.timestampVersion(api)
            } until: {
                $0 > before
            }
            #expect(after == before + 1)
        }
    }

    private static func timestampVersion(_ api: TestAPI) async throws -> Int64 {
        let reply = try await api.eventually {
            try await api.send(.get, "/fleets/demo/hint?after=0")
        } until: {
            $0.status == .ok
        }
        return try JSON(parsing: reply.body).object("hint").integer("timestamp", in: "hint")
    }

    @Test func `a disk that takes no more files does not stop the delivery`() async throws {
        try await withScratch { folder in
            try Files.create([], at: "\(folder)/full")
            let server = try DeliveryServer(directory: "\(folder)/full")
            try await server.refresh()
            #expect(server.files.timestampVersion(server.source.fleet) == 1)
        }
    }
}
