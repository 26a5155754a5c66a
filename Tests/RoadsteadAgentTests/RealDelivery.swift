import Codecs
import FleetFixtures
import Files
import Hummingbird
import Logging
import NIOCore
import Observability
import ServiceLifecycle
import TrustModel

@testable import RoadsteadServer

/// The server's own delivery of published files over a fixture's directory.
struct RealDelivery: FleetFileSource {
    private let directory: String
    private let fleet: FleetName
    private let scratch: String
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init(_ fleet: FixtureFleet) {
        directory = "\(fleet.directory)/fleets/\(fleet.name)"
        scratch = "\(fleet.directory).published"
        self.fleet = fleet.name
    }

    func heads() async throws -> [FleetHead] {
        let timestamp = try JSON(parsing: try read("metadata/timestamp.json") ?? [])
        let version = timestamp.objectOrNil?["signed"]?.objectOrNil?["version"]?.integerOrNil ?? 0
        let roots = try Files.list(directory + "/metadata").filter { $0.hasSuffix(".root.json") }.count
        return [FleetHead(fleet: fleet, timestampVersion: version, rootVersion: Int64(roots))]
    }

    func file(_ path: FleetPath) async throws -> [UInt8]? { path.fleet == fleet ? try read(path.file) : nil }
    func files(of fleet: FleetName) async throws -> [FleetPath] { [] }

    private func read(_ file: String) throws -> [UInt8]? {
        let path = "\(directory)/\(file)"
        return Files.exists(path) ? try Files.read(path, limit: 64 << 20) : nil
    }

    /// Serves on a free port while the body runs, which gets the port and a way to tell of what was published since.
    func serving(_ body: (Int, FleetFiles) async throws -> Void) async throws {
        let metrics = MetricsRegistry()
        let files = FleetFiles(source: self, directory: PublishedDirectory(path: scratch), metrics: metrics)
        try await files.refresh(logger: logger)
        let responder = FrontResponder(
            delivery: FleetDelivery(files: files, metrics: metrics),
            proxies: ProxyGuard(trusted: [], refusesOthers: false),
            base: Router(context: RoadsteadContext.self).buildResponder())
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: responder, configuration: .init(address: .hostname("127.0.0.1", port: 0), serverName: nil),
            onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) }, logger: logger)
        let services = ServiceGroup(
            configuration: .init(services: [application], gracefulShutdownSignals: [], logger: logger))
        let running = Task { try await services.run() }
        defer { running.cancel() }
        for await port in ports { return try await body(port, files) }
    }
}
