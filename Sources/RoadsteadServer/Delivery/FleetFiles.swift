import CoreMetrics
import Logging
import Observability
import RoadsteadPublish
import Synchronization
import TrustModel

/// The published files of all fleets: from memory, else from the database, else, while that is away, from disk.
final class FleetFiles: Sendable {
    /// What is known without asking anybody.
    enum Known: Sendable {
        case file(ServedFile)
        /// There is no such root yet, or nothing of that name can exist.
        case absent
        case unknown
    }

    private struct Publication {
        let head: FleetHead
        let timestamp: ServedFile
    }

    private struct State {
        var publications: [FleetName: Publication] = [:]
        /// Timestamps by request path, so that the busiest request is one look-up.
        var timestamps: [String: ServedFile] = [:]
        var cache: FileCache
        /// Fleets that are served as they lie on disk, because the database knows less.
        var kept: Set<FleetName> = []
        /// Fleets whose publication is not wholly on disk yet.
        var uncopied: Set<FleetName> = []
        /// How far each fleet had come: what the disk remembers too, unless it was lost.
        var marks: [FleetName: HighWaterMark] = [:]
        /// Whether the source failed when it was asked last: then the disk is asked first, without waiting for it.
        var isAway = false
    }

    let hints = HintBoard()
    private let source: any FleetFileSource
    private let directory: PublishedDirectory
    private let state: Mutex<State>
    private let misses: Counter
    private let fromDisk: Counter

    /// - Parameter cacheBytes: bound of what is kept in memory beside the timestamps.
    init(
        source: any FleetFileSource, directory: PublishedDirectory, metrics: any MetricsFactory,
        cacheBytes: Int = 64 << 20
    ) {
        self.source = source
        self.directory = directory
        state = Mutex(State(cache: FileCache(limit: cacheBytes)))
        misses = Counter(label: MetricName.fleetCacheMisses.rawValue, dimensions: [], factory: metrics)
        fromDisk = Counter(label: MetricName.fleetServedFromDisk.rawValue, dimensions: [], factory: metrics)
    }

    /// The timestamp at a request's path, when that is what the path names.
    func timestamp(at path: String) -> ServedFile? { state.withLock { $0.timestamps[path] } }

    func known(_ path: FleetPath) -> Known {
        state.withLock { state in
            guard let publication = state.publications[path.fleet] else { return .unknown }
            if path.isTimestamp { return .file(publication.timestamp) }
            if let root = path.rootVersion, root > publication.head.rootVersion { return .absent }
            return state.cache.file(path.text).map { .file($0) } ?? .unknown
        }
    }

    /// Version of a fleet's timestamp; nil when it has published nothing.
    func timestampVersion(_ fleet: FleetName) -> Int64? {
        state.withLock { $0.publications[fleet]?.head.timestampVersion }
    }

    /// Loads a file that is not in memory; nil when it was never published.
    ///
    /// - Throws: when the database is away and the disk does not know either: that must not look like "not found".
    func load(_ path: FleetPath) async throws -> ServedFile? {
        misses.increment()
        guard let bytes = try await bytes(of: path) else { return nil }
        let file = ServedFile(bytes, path: path)
        if !path.isTimestamp { state.withLock { $0.cache.insert(file, path.text) } }
        return file
    }

    private func bytes(of path: FleetPath) async throws -> [UInt8]? {
        if state.withLock({ $0.isAway || $0.kept.contains(path.fleet) }), let bytes = try? directory.file(path) {
            fromDisk.increment()
            return bytes
        }
        do {
            return try await source.file(path)
        } catch {
            state.withLock { $0.isAway = true }
            return try onDisk(path, while: error)
        }
    }

    private func onDisk(_ path: FleetPath, while error: any Error) throws -> [UInt8]? {
        if let bytes = try? directory.file(path) {
            fromDisk.increment()
            return bytes
        }
        let newest = directory.rootVersion(path.fleet)
        if let root = path.rootVersion, newest > 0, root > newest { return nil }
        throw error
    }

    /// Takes in what was published since the last time: to disk first, then into memory, then the waiters are woken.
    func refresh(logger: Logger) async throws {
        defer { hints.wake(versions) }
        do {
            let heads = try await source.heads()
            state.withLock { $0.isAway = false }
            for head in heads where self.head(head.fleet) != head || isUncopied(head.fleet) {
                try await takeIn(head, logger)
            }
            for fleet in directory.markedFleets where !heads.contains(where: { $0.fleet == fleet }) {
                if let mark = directory.mark(of: fleet) { _ = try await keep(fleet, mark, logger) }
            }
        } catch {
            state.withLock { $0.isAway = true }
            throw error
        }
    }

    /// Takes in a publication, unless the database has been restored to a state before what was served already.
    private func takeIn(_ listed: FleetHead, _ logger: Logger) async throws {
        let mark = state.withLock { $0.marks[listed.fleet] } ?? directory.mark(of: listed.fleet)
        guard let timestampPath = FleetPath(fleet: listed.fleet, file: "metadata/timestamp.json"),
            let (head, timestamp) = try await current(listed, timestampPath)
        else { return }
        if let mark, try await keep(head.fleet, mark, logger) { return }
        let isCopied = await copyToDisk(head, timestamp, timestampPath, logger)
        let file = ServedFile(timestamp, path: timestampPath)
        state.withLock { state in
            state.publications[head.fleet] = Publication(head: head, timestamp: file)
            state.timestamps[timestampPath.text] = file
            state.kept.remove(head.fleet)
            if isCopied { state.uncopied.remove(head.fleet) } else { state.uncopied.insert(head.fleet) }
        }
    }

    /// The timestamp and the head that it belongs to, so that a new root and the timestamp that goes with it become
    /// visible together: the head is looked at again after the timestamp was read.
    private func current(_ listed: FleetHead, _ path: FleetPath) async throws -> (FleetHead, [UInt8])? {
        var head = listed
        for _ in 0..<5 {
            guard let timestamp = try await source.file(path) else { return nil }
            let after = try await source.heads().first { $0.fleet == head.fleet } ?? head
            if after == head { return (head, timestamp) }
            head = after
        }
        return nil
    }

    /// Roots after everything else: with one of them on disk a release has begun to be served there, which the timestamp
    /// ends.
    private static func comesFirst(_ path: FleetPath, _ other: FleetPath) -> Bool {
        (path.rootVersion ?? 0) < (other.rootVersion ?? 0)
    }

    /// Goes on serving what lies on disk when it is newer than the database, or of another history. Hosts never see an
    /// older version, nor a second one of the same number.
    ///
    /// - Returns: whether it does.
    private func keep(_ fleet: FleetName, _ mark: HighWaterMark, _ logger: Logger) async throws -> Bool {
        guard let path = FleetPath(fleet: fleet, file: "metadata/timestamp.json"),
            let version = mark.seen.first(where: { $0.role == "timestamp" })?.version,
            let reason = try await source.finding(mark, of: fleet)
        else { return false }
        let root = max(directory.rootVersion(fleet), mark.seen.first { $0.role == "root" }?.version ?? 0)
        let head = FleetHead(fleet: fleet, timestampVersion: version, rootVersion: root)
        let file = ServedFile(mark.timestamp, path: path)
        let isNew = state.withLock { state in
            state.publications[fleet] = Publication(head: head, timestamp: file)
            state.timestamps[path.text] = file
            return state.kept.insert(fleet).inserted
        }
        if isNew {
            logger.error(
                "the database is behind what was published; files are served as they lie on disk",
                metadata: [LogKey.fleet.rawValue: "\(fleet)", LogKey.reason.rawValue: "\(reason)"])
        }
        return true
    }

    /// A full disk must not stop the delivery of a removal: it is logged and tried again with the next look.
    ///
    /// - Returns: whether everything is on disk.
    private func copyToDisk(
        _ head: FleetHead, _ timestamp: [UInt8], _ timestampPath: FleetPath, _ logger: Logger
    ) async -> Bool {
        let fleet = head.fleet
        do {
            let paths = try await source.files(of: fleet).sorted(by: Self.comesFirst)
            for path in paths where !path.isTimestamp && !directory.holds(path) {
                if let bytes = try await source.file(path) { try directory.write(bytes, path) }
            }
            if let mark = try await mark(head, timestamp) {
                state.withLock { $0.marks[fleet] = mark }
                try directory.write(mark, of: fleet)
            }
            try directory.write(timestamp, timestampPath)
            return true
        } catch {
            logger.error(
                "published files could not be copied to disk",
                metadata: [LogKey.fleet.rawValue: "\(fleet)", LogKey.reason.rawValue: "\(error)"])
            return false
        }
    }

    /// The mark of what is about to be served; nil when it is not a fleet's metadata.
    private func mark(_ head: FleetHead, _ timestamp: [UInt8]) async throws -> HighWaterMark? {
        guard let root = FleetPath(fleet: head.fleet, file: "metadata/\(head.rootVersion).root.json"),
            let rootBytes = try await source.file(root),
            let list = HighWaterMark.snapshotPath(in: timestamp),
            let snapshot = FleetPath(fleet: head.fleet, file: list),
            let snapshotBytes = try await source.file(snapshot)
        else { return nil }
        return try? HighWaterMark(root: rootBytes, timestamp: timestamp, snapshot: snapshotBytes) { path in
            try FleetPath(fleet: head.fleet, file: path).flatMap { try directory.file($0) }
        }
    }

    private func head(_ fleet: FleetName) -> FleetHead? { state.withLock { $0.publications[fleet]?.head } }

    private func isUncopied(_ fleet: FleetName) -> Bool { state.withLock { $0.uncopied.contains(fleet) } }

    private var versions: [FleetName: Int64] {
        state.withLock { $0.publications.mapValues(\.head.timestampVersion) }
    }
}
