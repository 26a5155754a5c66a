import Codecs
import Migrations
import Observability
import PostgresKit
import PostgresTesting
import PythonEnvironment
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

/// Publishers that know nothing of each other, on one database: together they publish one sequence.
@Suite(.postgres, .enabled("python-tuf is needed") { try await PythonEnvironment.isAvailable() })
struct PublisherRace {
    private static let fleets = ["canary", "prod", "edge"]

    /// A publisher whose connections the test can cut.
    private func doomed(_ api: TestAPI) throws -> Publisher {
        var settings = try #require(TestDatabase.current).settings(.publisher)
        settings.applicationName = "doomed"
        let pool = ConnectionPool(settings, limits: try PoolLimits(connections: 3))
        return Publisher(
            store: PublisherStore(pool: pool), keys: ServerKeys(api.program.master), logger: TestAPI.silentLogger,
            metrics: MetricsRegistry())
    }

    /// Ends every connection of the doomed publisher, in whatever it is doing.
    private func kill() async throws {
        let database = try #require(TestDatabase.current)
        _ = try await database.withConnection(as: .publisher) { connection in
            try await connection.rows(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'doomed'
                """)
        }
    }

    /// Publishes all fleets over and over; what another publisher was faster at is no failure.
    private func race(_ publisher: Publisher, _ clock: TestClock, until end: ContinuousClock.Instant) async -> Int {
        var faults = 0
        while ContinuousClock.now < end {
            do {
                try await publisher.publishAll(now: clock.now())
            } catch let error as StoreError where error.code == .fence {
                // Another one wrote first.
            } catch let error as PublishError where error.code == .clock {
                // Time went on, and another one signed in it, since this one looked at the clock.
            } catch {
                faults += 1
            }
            try? await Task.sleep(for: .milliseconds(Int.random(in: 0...20)))
        }
        return faults
    }

    @Test func `two publishers and one that is killed over and over publish one sequence and lose nothing`()
        async throws
    {
        let clock = TestClock()
        try await TestAPI.withServer(clock: { clock.now() }) { api in
            let scene = try await PromotionScene(api, clock)
            for team in ["acme", "beta"] { try await scene.team(team) }
            for fleet in Self.fleets { try await scene.fleet(fleet, teams: ["acme", "beta"]) }
            let end = ContinuousClock.now + .seconds(8)
            let publishers = [try PromotionScene.publisher(api), try PromotionScene.publisher(api)]
            let dying = try doomed(api)
            async let faults = race(publishers, dying, clock, until: end)
            try await work(scene, clock, until: end)
            let count = try await faults
            #expect(count == 0)
            try await scene.settle("the race")
            try await check()
        }
    }

    /// - Returns: how often those that nobody kills failed.
    private func race(
        _ publishers: [Publisher], _ dying: Publisher, _ clock: TestClock, until end: ContinuousClock.Instant
    ) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for publisher in publishers { group.addTask { await race(publisher, clock, until: end) } }
            group.addTask {
                _ = await race(dying, clock, until: end)
                return 0
            }
            group.addTask {
                while ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 5...120)))
                    try await kill()
                }
                return 0
            }
            return try await group.reduce(0, +)
        }
    }

    /// Changes, and time that passes so that timestamps come up for renewal.
    private func work(_ scene: PromotionScene, _ clock: TestClock, until end: ContinuousClock.Instant) async throws {
        var turn = 0
        while ContinuousClock.now < end {
            try await scene.addRoot(to: turn.isMultiple(of: 2) ? "acme" : "beta")
            clock.advance(seconds: 1_900)
            turn += 1
            try await Task.sleep(for: .milliseconds(150))
        }
        #expect(turn > 5)
    }

    private func check() async throws {
        let database = try #require(TestDatabase.current)
        try await database.withConnection(as: .owner) { connection in
            let releases = try await connection.rows(
                "SELECT max(number) - count(*) AS gaps, bool_and(state = 'published') AS done FROM release GROUP BY fleet_id"
            )
            #expect(releases.count == Self.fleets.count)
            for row in releases {
                #expect(try row.value("gaps") as Int64 == 0)
                #expect(try row.value("done") as Bool)
            }
            // Of each role of a fleet every version is there once, from the first to the last.
            let versions = try await connection.rows(
                """
                SELECT role, max(version) - count(*) AS gaps FROM published_file
                WHERE role IN ('root', 'timestamp', 'snapshot', 'targets', 'deny', 'ops', 'revocation')
                GROUP BY fleet_id, role
                """)
            for row in versions {
                let role: String = try row.value("role")
                #expect(try row.value("gaps") as Int64 == 0, "versions of \(role)")
            }
            let roles = try await connection.rows(
                "SELECT max(version) - count(*) AS gaps FROM team_role GROUP BY team_id")
            for row in roles { #expect(try row.value("gaps") as Int64 == 0) }
            let lost = try await connection.rows(
                """
                SELECT c.number FROM change c CROSS JOIN fleet f WHERE c.state <> 'published' OR (c.team_id IS NOT NULL AND NOT EXISTS (
                    SELECT FROM release_change r WHERE r.fleet_id = f.id AND r.change_number = c.number))
                """)
            #expect(lost.isEmpty)
        }
    }
}
