import Codecs
import SigningKeys
import TUF
import TrustModel

/// Lets our own client take a release before it is published: once as a new host, from the root it is pinned to, and
/// once as a host that has what was published before.
struct ReleaseCheck {
    let release: BuiltRelease
    let content: FleetContent
    let settings: FleetSettings?
    let before: PublishedState
    let now: UTCDate

    /// - Parameter settings: what hosts must be told; nil where people sign it.
    init(release: BuiltRelease, content: FleetContent, settings: FleetSettings?, before: PublishedState, now: UTCDate) {
        self.release = release
        self.content = content
        self.settings = settings
        self.before = before
        self.now = now
    }

    init(release: BuiltRelease, plan: ReleasePlan) {
        self.init(
            release: release, content: plan.content, settings: plan.signsTargets ? plan.settings : nil,
            before: plan.state, now: plan.now)
    }

    func run() async throws {
        do {
            let pinned = try Self.pinned(release.state.roots)
            try await refresh(from: release.state.roots[pinned], cache: [:])
            // A host with the former root does not follow one that starts over: it is enrolled again.
            guard pinned < before.roots.count, before.timestamp != nil else { return }
            try await refresh(from: before.roots[pinned], cache: try Self.cache(of: before, root: before.roots[pinned]))
        } catch let error as TUFError {
            throw PublishError(
                .rejected, "a host would refuse the release of fleet \(content.fleet): \(error.reason)",
                hint: "nothing was published; the hosts keep what they have")
        }
    }

    private func refresh(from pinned: [UInt8], cache: [Role: [UInt8]]) async throws {
        let access = ReleaseAccess(repository: try repository(), cache: cache)
        let policy = UpdatePolicy(
            initialRoot: cache.isEmpty ? .bytes(pinned) : .cached, now: now, expectedFleet: content.id.rawValue)
        var workflow = UpdateWorkflow(policy)
        let trusted = try await workflow.run(with: access).trusted
        guard release.kind != .timestamp else { return }
        let online = try ["deny", "revocation", "ops"].map(RoleName.init(slug:))
        var delegations = DelegationsUpdate(trusted, mandatory: online)
        let roles = try await delegations.run(with: access)
        let teams = try followed.map { try RoleName(slug: $0.name.rawValue) }
        for name in teams { _ = try roles[name]?.get() }
        try checkTargets(roles, online, teams)
    }

    /// The teams whose content must arrive; what is wrong with a held one is said elsewhere.
    private var followed: [TeamContent] {
        let held = Set(release.held.map(\.team))
        return content.teams.filter { !held.contains($0.name) }
    }

    /// Every target of the content must be found where it belongs, and its file must be the listed one.
    private func checkTargets(_ roles: DelegatedRoles, _ online: [RoleName], _ teams: [RoleName]) throws {
        var found: [TargetName: FoundTarget] = [:]
        for role in [Role.targets] + (online + teams).map(Role.delegated) {
            for target in roles.targets(of: role) { found[target.name] = target }
        }
        let own = try settings.map { [try FleetContent.bundle(of: $0)] } ?? []
        let bundles =
            try own + [FleetRole.deny, .revocation, .ops].map(content.bundle(of:)) + followed.map { try $0.bundle }
        for file in bundles.flatMap(\.files) {
            guard let target = found.removeValue(forKey: file.name) else {
                throw TUFError(.notFound, "\(file.name) is not found")
            }
            try target.file.check(file.bytes)
        }
        if settings == nil, found.removeValue(forKey: try TargetName(FleetSettings.documentName)) == nil {
            throw TUFError(.notFound, "\(FleetSettings.documentName) is not found")
        }
        if let extra = found.keys.min() { throw TUFError(.notDelegated, "\(extra) is in no content") }
    }

    /// The place of the root that hosts are enrolled with: the last one that follows no other.
    private static func pinned(_ roots: [[UInt8]]) throws -> Int {
        guard !roots.isEmpty else { throw PublishError(.content, "the fleet has no root yet") }
        return try roots.lastIndex { try read($0).startsOver } ?? 0
    }

    private static func read(_ root: [UInt8]) throws -> Root {
        try UnverifiedMetadata<Root>(root, maximumBytes: MetadataLimits().rootBytes).unverifiedContent
    }

    /// The repository's metadata as it will be served, by path.
    private func repository() throws -> [String: [UInt8]] {
        let state = release.state
        var files: [String: [UInt8]] = [:]
        for root in state.roots { files["\(try Self.read(root).version).root.json"] = root }
        files["timestamp.json"] = state.timestamp
        files["\(release.number).snapshot.json"] = state.snapshot
        func add(_ name: String, _ bytes: [UInt8]) {
            let limit = MetadataLimits().listedBytes
            // What cannot be read is not there for a host either.
            guard let metadata = try? UnverifiedMetadata<Targets>(bytes, maximumBytes: limit) else { return }
            files["\(metadata.unverifiedContent.version).\(name).json"] = bytes
        }
        if let targets = state.targets { add("targets", targets) }
        for (name, bytes) in state.delegated { add(name, bytes) }
        return files
    }

    private static func cache(of state: PublishedState, root: [UInt8]) throws -> [Role: [UInt8]] {
        var cache: [Role: [UInt8]] = [:]
        cache[.root] = root
        cache[.timestamp] = state.timestamp
        cache[.snapshot] = state.snapshot
        cache[.targets] = state.targets
        for (name, bytes) in state.delegated { cache[.delegated(try RoleName(slug: name))] = bytes }
        return cache
    }
}

/// A repository and a host's cache, both in memory.
private final class ReleaseAccess: MetadataAccess {
    private let repository: [String: [UInt8]]
    private var cache: [Role: [UInt8]]

    init(repository: [String: [UInt8]], cache: [Role: [UInt8]]) {
        self.repository = repository
        self.cache = cache
    }

    func load(_ role: Role, maximumBytes: Int) -> [UInt8]? { cache[role] }

    func fetch(_ file: MetadataFile, maximumBytes: Int) throws -> [UInt8]? {
        guard let bytes = repository[file.path] else { return nil }
        guard bytes.count <= maximumBytes else {
            throw PublishError(.size, "\(file.path) has \(bytes.count) bytes, a host takes \(maximumBytes)")
        }
        return bytes
    }

    func persist(_ role: Role, _ bytes: [UInt8]) { cache[role] = bytes }
    func delete(_ role: Role) { cache[role] = nil }
}
