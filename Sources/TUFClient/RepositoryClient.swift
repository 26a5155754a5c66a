import Codecs
import Files
import MetadataTransport
import NIOCore
import Problems
import TUF

/// One run against a repository: the metadata directory is locked, verified metadata is brought up to date, and
/// targets are downloaded.
struct RepositoryClient {
    /// Seconds that a run waits for another one that works in the same directory.
    static let lockSeconds = 10.0
    /// Bytes of a target; it is held in memory until its hash is known.
    static let targetBytes: Int64 = 256 << 20

    let cache: MetadataDirectory
    let server: RepositoryServer
    let now: UTCDate
    private let limits = MetadataLimits()

    /// Brings the metadata up to date. [TUF §5.1 to §5.6]
    func refresh() async throws -> TrustedMetadataSet {
        try await withLock { try await update() }
    }

    /// Brings the metadata up to date, then downloads targets in order, up to the first that fails. [TUF §5.7]
    func download(_ targets: ClientArguments.Targets) async throws {
        let names = try targets.names.map { try TargetName($0) }
        try await withLock {
            var roles = DelegatedRoles(try await update(), limits: limits)
            try Files.createDirectory(targets.directory)
            let directory = TargetDirectory(path: targets.directory)
            for name in names {
                var lookup = TargetLookup(name, in: roles)
                let found = try await lookup.run(with: self)
                roles = found.roles
                guard let target = found.target else {
                    throw ClientError(.noTarget, "no role that speaks for \"\(name)\" lists it")
                }
                try await fetch(target, below: targets.baseURL, into: directory)
            }
        }
    }

    private func update() async throws -> TrustedMetadataSet {
        // Without an initial root of our own, the root that somebody put in its place is where trust begins.
        let initial = try cache.initialRoot(limit: limits.rootBytes)
        guard initial != nil || Files.exists(cache.file(Role.root.fileName)) else { throw notInitialised }
        var policy = UpdatePolicy(initialRoot: initial.map { .bytes($0) } ?? .cached, now: now)
        policy.limits = limits
        var workflow = UpdateWorkflow(policy)
        return try await workflow.run(with: self).trusted
    }

    private func fetch(_ target: FoundTarget, below base: BaseURL, into directory: TargetDirectory) async throws {
        if try directory.holds(target) { return }
        guard target.file.length <= Self.targetBytes, let limit = Int(exactly: target.file.length) else {
            throw ClientError(
                .budget, "the target \"\(target.name)\" has \(target.file.length) bytes, \(Self.targetBytes) are taken")
        }
        guard let path = target.path, let content = try await server.target(path, below: base, limit: limit) else {
            throw ClientError(.noTarget, "the repository does not have the target \"\(target.name)\" that it lists")
        }
        do { try target.file.check(content) } catch { throw error.inside("\(target.name)") }
        try directory.store(content, as: target)
    }

    private func withLock<Result>(_ body: () async throws -> Result) async throws -> Result {
        guard Files.exists(cache.path) else { throw notInitialised }
        let lock = try await lock()
        defer { withExtendedLifetime(lock) {} }
        try cache.removeLeftovers()
        return try await body()
    }

    private var notInitialised: ClientError {
        ClientError(
            .notInitialised, "\(cache.path) holds no root to start from",
            hint: "run init with a root of the repository first")
    }

    private func lock() async throws -> FileLock {
        let end = ContinuousClock.now.advanced(by: .seconds(Self.lockSeconds))
        while true {
            do { return try FileLock(cache.file(MetadataDirectory.lock)) } catch {
                guard error.code == .locked else { throw error }
                guard ContinuousClock.now < end else {
                    throw ClientError(
                        .busy, "another run has worked in \(cache.path) for \(Int(Self.lockSeconds)) s",
                        hint: "wait until it is done")
                }
            }
            try await Alarm.wait(.milliseconds(50))
        }
    }
}

extension RepositoryClient: MetadataAccess {
    func load(_ role: Role, maximumBytes: Int) async throws -> [UInt8]? { cache.load(role, maximumBytes: maximumBytes) }

    func fetch(_ file: MetadataFile, maximumBytes: Int) async throws -> [UInt8]? {
        try await server.metadata(file.path, limit: maximumBytes)
    }

    func persist(_ role: Role, _ bytes: [UInt8]) async throws { try cache.persist(role, bytes) }

    func delete(_ role: Role) async throws { try cache.delete(role) }
}
