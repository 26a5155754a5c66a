package import Codecs
import Files
import MetadataTransport
import TUF
package import TrustModel

/// What an operator tells a host whose fleet has lost its root keys.
package struct RootReplacementRequest: Sendable {
    /// SHA-256 of the new root's bytes.
    package let rootSHA256: [UInt8]
    /// The new root's version; looked for from the trusted one's on when nil.
    package let rootVersion: Int64?
    /// What a join string says besides; the host must be of this fleet.
    package let fleet: FleetName?
    package let fleetID: FleetID?
    package let minimumVersions: [String: Int64]
    /// Where the fleet is now; nil where it was.
    package let server: ServerAddress?
    /// Whether versions that were seen before no longer count.
    package let forgetsVersions: Bool

    package init(
        rootSHA256: [UInt8], rootVersion: Int64? = nil, fleet: FleetName? = nil, fleetID: FleetID? = nil,
        minimumVersions: [String: Int64] = [:], server: ServerAddress? = nil, forgetsVersions: Bool = false
    ) {
        self.rootSHA256 = rootSHA256
        self.rootVersion = rootVersion
        self.fleet = fleet
        self.fleetID = fleetID
        self.minimumVersions = minimumVersions
        self.server = server
        self.forgetsVersions = forgetsVersions
    }
}

/// Makes an enrolled host believe another root of its own fleet, by the digest that its operator vouches for.
///
/// The host's key and the trust in force stay. Nothing changes before the whole repository has verified under the new
/// root; then one rename puts it in place, so that a host killed at any step believes the old root or the new one.
package struct RootReplacement: Sendable {
    /// Roots that are looked through for the digest.
    private static let searched: Int64 = 256

    private let state: StateDirectory
    private let request: RootReplacementRequest

    package init(_ state: StateDirectory, _ request: RootReplacementRequest) {
        self.state = state
        self.request = request
    }

    /// The configuration under which the server is asked.
    package func configuration() throws -> AgentConfiguration {
        let present = try AgentConfiguration.load(state)
        let isOther =
            (request.fleetID.map { $0 != present.fleetID } ?? false)
            || (request.fleet.map { $0 != present.fleet } ?? false)
        guard !isOther else {
            throw AgentError(
                .wrongRoot,
                "this host is of fleet \(present.fleet) (\(present.fleetID)), not of the one named; nothing was written",
                hint: "to change fleets: roadstead-agent leave, then enroll")
        }
        return present.pinning(
            rootSHA256: Hex.encode(request.rootSHA256), server: request.server?.text ?? present.server,
            minimumVersions: request.minimumVersions, forgetsVersions: request.forgetsVersions)
    }

    /// Replaces the root. The caller holds the lock.
    package func run(_ configuration: AgentConfiguration, _ transport: HTTPTransport, now: UTCDate) async throws {
        try state.removeLeftovers()
        let source = HTTPFleetSource(transport, fleet: configuration.fleet)
        let root = try await pinnedRoot(configuration, source)
        try await verify(root, configuration, source, now: now)
        try Files.write(root.bytes, to: "\(state.metadata)/\(Role.root.fileName)")
        if request.forgetsVersions {
            for role in [Role.timestamp, .snapshot] { try Files.remove("\(state.metadata)/\(role.fileName)") }
            try Files.syncDirectory(state.metadata)
        }
        try configuration.save(state)
    }

    private func pinnedRoot(_ configuration: AgentConfiguration, _ source: HTTPFleetSource) async throws -> PinnedRoot {
        let first = request.rootVersion ?? trustedVersion
        let last = request.rootVersion ?? first + Self.searched
        let limit = MetadataLimits().rootBytes
        let server = try ServerAddress(configuration.server)
        for version in first...last {
            let path = MetadataFile(.root, version: version).path
            guard let bytes = try await source.metadata(path, limit: limit, seconds: 60) else { break }
            let root = try? PinnedRoot(
                bytes, sha256: request.rootSHA256, fleetID: configuration.fleetID, fleet: configuration.fleet,
                server: server)
            if let root { return root }
            guard request.rootVersion == nil else {
                return try PinnedRoot(
                    bytes, sha256: request.rootSHA256, fleetID: configuration.fleetID, fleet: configuration.fleet,
                    server: server)
            }
        }
        throw AgentError(
            .wrongRoot,
            "the server \(server) has no root of this fleet with that digest, from version \(first) on; nothing was written",
            hint: "check the digest with the fleet's operator, or give --root-version")
    }

    private var trustedVersion: Int64 {
        let limit = MetadataLimits().rootBytes
        let bytes = try? Files.read("\(state.metadata)/\(Role.root.fileName)", limit: limit, links: .refused)
        let root = bytes.flatMap { try? UnverifiedMetadata<Root>($0, maximumBytes: limit) }
        return root.flatMap { try? SignedMetadata(selfSigned: $0).version } ?? 1
    }

    /// Runs a whole refresh under the new root beside the present state, with what is cached as its floor.
    private func verify(
        _ root: PinnedRoot, _ configuration: AgentConfiguration, _ source: HTTPFleetSource, now: UTCDate
    ) async throws {
        let scratch = StateDirectory("\(state.path)/.replace-root.tmp")
        try Files.removeTree(scratch.path)
        try scratch.create()
        defer { try? Files.removeTree(scratch.path) }
        let top = [Role.root, .timestamp, .snapshot].map(\.fileName)
        for name in try Files.list(state.metadata) where name.hasSuffix(".json") && !name.hasPrefix(".") {
            if request.forgetsVersions, top.contains(name) { continue }
            let bytes = try Files.read("\(state.metadata)/\(name)", limit: 16 << 20, links: .refused)
            try Files.write(bytes, to: "\(scratch.metadata)/\(name)")
        }
        try Files.write(root.bytes, to: "\(scratch.metadata)/\(Role.root.fileName)")
        let known = (try? GenerationStore(state).current()?.content) ?? [:]
        do {
            _ = try await FleetRefresh(scratch, configuration, source: source, known: known).run(now: now, after: nil)
        } catch let error as TUFError {
            throw AgentError(
                error.code == .unavailable ? .unavailable : .wrongRoot,
                "what the fleet publishes under the new root is not accepted, nothing was changed: \(error)",
                hint: error.code == .rollback
                    ? "if the fleet did start its versions over, say so: --forget-versions" : error.hint)
        }
    }
}
