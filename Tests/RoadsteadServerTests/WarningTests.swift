import Codecs
import HTTPTypes
import Logging
import Migrations
import Observability
import PostgresTesting
import RoadsteadPublish
import RoadsteadStore
import RoadsteadWire
import Synchronization
import Testing
import TrustModel

@testable import RoadsteadServer

/// What a fleet needs people for, wherever it was found.
@Suite(.postgres) struct FleetWarnings {
    /// A fleet with its root, made by a server that has ended since.
    private func fleet() async throws -> (master: MasterKey, made: UTCDate) {
        let made = Made()
        try await TestAPI.withServer { api in
            let alice = try await api.bootstrap()
            let _: FleetBody = try await api.ask(
                .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
            _ = try await api.makeRoot(of: "demo", as: alice)
            let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: alice)
            let warnings: FleetWarningsBody = try await api.ask(.get, "/v1/fleets/demo/warnings", as: alice)
            #expect(warnings.expiring.isEmpty && warnings.held.isEmpty && warnings.failure == nil)
            made.place.withLock { $0 = (api.program.master, SystemClock.now()) }
        }
        return try #require(made.place.withLock { $0 })
    }

    private final class Made: Sendable {
        let place = Mutex<(master: MasterKey, made: UTCDate)?>(nil)
    }

    private func publisher(
        _ master: MasterKey, _ lines: LogLines, _ metrics: MetricsRegistry = MetricsRegistry()
    ) throws -> Publisher {
        Publisher(
            store: PublisherStore(pool: try #require(TestDatabase.current).pool(.publisher)), keys: ServerKeys(master),
            logger: Logger(label: "test", factory: { _ in lines.handler }), metrics: metrics)
    }

    private func warnings(now: UTCDate) async throws -> FleetWarningsBody {
        let store = ApiStore(pool: try #require(TestDatabase.current).pool(.api))
        return FleetWarningsBody(try await store.fleet(try FleetName("demo")), now: now)
    }

    @Test func `each stage of warning is told once, by whichever replica meets it`() async throws {
        let (master, made) = try await fleet()
        let (lines, metrics) = (LogLines(), MetricsRegistry())
        for days in [279, 281, 282, 312, 313, 399] as [Int64] {
            let replica = try publisher(master, lines, metrics)
            try await replica.publishNow(try FleetName("demo"), now: made.adding(days: days))
        }
        #expect(lines.stages == ["120", "90", "1"])
        let shown = try await warnings(now: made.adding(days: 390))
        #expect(shown.expiring.map(\.role) == ["root"] && shown.expiring.first?.stage == 14)
        #expect(shown.lines.first?.contains("the fleet keys: ") == true)
        #expect(metrics.text().contains(#"roadstead_offline_expiry_timestamp_seconds{fleet="demo",role="root"}"#))
    }

    @Test func `why nothing can be published is shown until it can`() async throws {
        let (master, made) = try await fleet()
        let lines = LogLines()
        let late = made.adding(days: 401)
        await #expect(throws: (any Error).self) {
            try await publisher(master, lines).publishNow(try FleetName("demo"), now: late)
        }
        let shown = try await warnings(now: late)
        #expect(shown.failure?.contains("expired") == true)
        #expect(shown.expiring.first?.stage == 0 && shown.lines.first?.contains("the fleet keys expired") == true)
        try await publisher(master, lines).publishNow(try FleetName("demo"), now: made.adding(days: 2))
        #expect(try await warnings(now: made.adding(days: 2)).failure == nil)
    }
}

/// What was logged, as far as tests look at it.
private final class LogLines: Sendable {
    private let entries = Mutex<[Logger.Metadata]>([])

    var stages: [String] { entries.withLock { $0.compactMap { $0["stage"].map { "\($0)" } } } }
    var handler: Handler { Handler(lines: self) }

    struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        init(lines: LogLines) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.entries.withLock { $0.append(event.metadata ?? [:]) }
        }
    }
}
