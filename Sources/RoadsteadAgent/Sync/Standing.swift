import Codecs
import Files

/// What a whole refresh left behind. While it stands, a poll is one conditional request for the timestamp; answered by
/// 304, nothing else is asked.
///
/// Not probing for a new root first is no weaker than TUF's own order: a 304 is as unsigned as the 404 that says "no newer root" [TUF §5.3.3],
/// and who can forge the one can forge the other. All that either buys is that the host stays as it is, and here for ten minutes at
/// most, or less where something that is trusted expires before. Then, after a hint, after an error, when the clock
/// went backwards and when anything on disk looks different, everything is refreshed and verified as from the start.
struct Standing: Sendable {
    /// No whole refresh is longer ago.
    static let longest = Duration.seconds(600)

    private let refreshed: UTCDate
    private let instant: ContinuousClock.Instant
    /// The first moment at which something that is trusted expires, or changes by time alone.
    private let end: UTCDate
    private let disk: DiskStamp

    /// - Parameter end: the first moment at which something that is trusted expires, or changes by time alone.
    init(
        _ state: StateDirectory, _ configuration: AgentConfiguration, refreshed: UTCDate,
        instant: ContinuousClock.Instant = .now, end: UTCDate
    ) {
        self.refreshed = refreshed
        self.instant = instant
        self.end = end
        disk = DiskStamp(state, configuration)
    }

    /// Whether a poll may trust it at this time.
    ///
    /// - Parameter next: seconds until the poll after this one, which must not find something expired.
    func holds(
        _ state: StateDirectory, _ configuration: AgentConfiguration, now: UTCDate, next: Int,
        instant: ContinuousClock.Instant = .now
    ) -> Bool {
        let age = instant - self.instant
        return age + .seconds(next) <= Self.longest && now >= refreshed && now.adding(seconds: Int64(next)) < end
            && disk == DiskStamp(state, configuration)
    }
}

/// The host's files by what the kernel says of them, without reading any: the metadata, the generation in force, the
/// configuration and the link that Notation reads.
struct DiskStamp: Sendable, Equatable {
    private let files: [String: FileStamp]

    init(_ state: StateDirectory, _ configuration: AgentConfiguration) {
        var files: [String: FileStamp] = [:]
        let places = [state.configuration, state.hostKey, state.enforcers, state.current, state.metadata]
        let current = (try? Files.linkTarget(state.current)).map { [state.path + "/" + $0] } ?? []
        for place in places + current + (configuration.notationConfig.map { [$0] } ?? []) {
            Self.add(place, to: &files, depth: 0)
        }
        self.files = files
    }

    private static func add(_ path: String, to files: inout [String: FileStamp], depth: Int) {
        guard depth < 8, let stamp = try? Files.stamp(path) else { return }
        files[path] = stamp
        guard stamp.kind == .directory else { return }
        for name in (try? Files.list(path)) ?? [] { add("\(path)/\(name)", to: &files, depth: depth + 1) }
    }
}
