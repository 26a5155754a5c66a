import Codecs
import Files
import Hummingbird
import HummingbirdTesting
import Logging
import Observability
import RoadsteadStore
import Synchronization
import TrustModel

@testable import RoadsteadServer

/// Published files of one fleet without a database, which can be taken away.
final class MemoryFleetFiles: FleetFileSource {
    struct Away: Error {}

    private struct State {
        var files: [String: [UInt8]] = [:]
        var head: FleetHead
        var isAway = false
        var reads = 0
    }

    private let state: Mutex<State>
    let fleet: FleetName

    init() throws {
        fleet = try FleetName("demo")
        state = Mutex(State(head: FleetHead(fleet: fleet, timestampVersion: 1, rootVersion: 1)))
        publish(timestamp: 1)
        put("metadata/1.root.json", "root 1")
        put("metadata/1.snapshot.json", "snapshot 1")
        put("targets/acme/abc.ca.prod.pem", "anchors")
    }

    var reads: Int { state.withLock { $0.reads } }
    func put(_ path: String, _ text: String) { state.withLock { $0.files[path] = Array(text.utf8) } }
    func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

    func publish(timestamp: Int64, root: Int64 = 1) {
        put("metadata/timestamp.json", "timestamp \(timestamp)")
        state.withLock { $0.head = FleetHead(fleet: fleet, timestampVersion: timestamp, rootVersion: root) }
    }

    func heads() async throws -> [FleetHead] {
        try state.withLock { state in
            if state.isAway { throw ServerError(.unavailable, "away") }
            return [state.head]
        }
    }

    func file(_ path: FleetPath) async throws -> [UInt8]? {
        try state.withLock { state in
            if state.isAway { throw ServerError(.unavailable, "away") }
            state.reads += 1
            return path.fleet == fleet ? state.files[path.file] : nil
        }
    }

    func files(of fleet: FleetName) async throws -> [FleetPath] {
        state.withLock { $0.files.keys.compactMap { FleetPath(fleet: fleet, file: $0) } }
    }
}

/// A server without API and database, for what is served before the router.
struct DeliveryServer {
    let source: MemoryFleetFiles
    let files: FleetFiles
    let metrics = MetricsRegistry()
    let logger = Logger(label: "test")

    init(directory: String) throws {
        source = try MemoryFleetFiles()
        files = FleetFiles(source: source, directory: PublishedDirectory(path: directory), metrics: metrics)
    }

    func refresh() async throws { try await files.refresh(logger: logger) }

    func application(trusted: Set<String> = [], refusesOthers: Bool = false) throws -> some ApplicationProtocol {
        let gate = Gate(proxies: ProxyGuard(trusted: trusted, refusesOthers: refusesOthers), metrics: metrics) {
            _, _, _ in
            nil
        }
        let web = WebApplication(
            endpoints: [], gate: gate, repeats: NoRepeats(),
            delivery: FleetDelivery(files: files, metrics: metrics),
            operatorRoutes: OperatorRoutes(
                checks: [], metrics: metrics, document: OpenAPIDocument(endpoints: [], version: "test"), gate: gate,
                clock: SystemClock.now, sample: {}, halts: { [] }),
            metrics: metrics, clock: SystemClock.now)
        let configuration = try ServerConfiguration(ConfigurationSources(flags: [.listenPort: "0"]))
        return try web.application(configuration, services: [], logger: logger) { _ in }
    }
}

struct NoRepeats: RepeatedAnswers {
    func claim(_ key: String, digest: [UInt8], _ session: Session, now: UTCDate) async throws -> KeptAnswer? { nil }
    func keep(_ answer: KeptAnswer, for key: String, _ session: Session) async throws {}
    func release(_ key: String, _ session: Session) async throws {}
}
