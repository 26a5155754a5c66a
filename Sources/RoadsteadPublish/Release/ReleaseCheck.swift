import Codecs
import SigningKeys
import TUF
import TrustModel

/// Lets our own client take a release before it is published: once as a new host, from the root it is pinned to, and
/// once as a host that has what was published before.
struct ReleaseCheck {
    let release: BuiltRelease
    let content: FleetContent
    let before: PublishedState
    let now: UTCDate

    func run() async throws {
        do {
            try await refresh(cache: [:])
            if before.timestamp != nil { try await refresh(cache: Self.cache(of: before)) }
        } catch let error as TUFError {
            throw PublishError(
                .rejected, "a host would refuse the release of fleet \(content.fleet): \(error.reason)",
                hint: "nothing was published; the hosts keep what they have")
        }
    }

    private func refresh(cache: [Role: [UInt8]]) async throws {
        guard let pinned = before.roots.first else { throw PublishError(.content, "the fleet has no root yet") }
        let access = ReleaseAccess(repository: try repository(), cache: cache)
        let policy = UpdatePolicy(
            initialRoot: cache.isEmpty ? .bytes(pinned) : .cached, now: now, expectedFleet: content.id.rawValue)
        var workflow = UpdateWorkflow(policy)
        let trusted = try await workflow.run(with: access).trusted
        guard release.kind != .timestamp else { return }
        let names = try (["deny", "revocation", "ops"] + content.teams.map(\.name.rawValue)).map(RoleName.init(slug:))
        var delegations = DelegationsUpdate(trusted, mandatory: names)
        let roles = try await delegations.run(with: access)
        try checkTargets(roles, names)
    }

    /// Every target of the content must be found where it belongs, and its file must be the listed one.
    private func checkTargets(_ roles: DelegatedRoles, _ names: [RoleName]) throws {
        var found: [TargetName: FoundTarget] = [:]
        for role in [Role.targets] + names.map(Role.delegated) {
            for target in roles.targets(of: role) { found[target.name] = target }
        }
        let bundles =
            try [FleetRole.targets, .deny, .revocation, .ops].map(content.bundle(of:))
            + content.teams.map { try $0.bundle }
        for file in bundles.flatMap(\.files) {
            guard let target = found.removeValue(forKey: file.name) else {
                throw TUFError(.notFound, "\(file.name) is not found")
            }
            try target.file.check(file.bytes)
        }
        if let extra = found.keys.min() { throw TUFError(.notDelegated, "\(extra) is in no content") }
    }

    /// The repository's metadata as it will be served, by path.
    private func repository() throws -> [String: [UInt8]] {
        let state = release.state
        var files: [String: [UInt8]] = [:]
        for (index, root) in state.roots.enumerated() {
            files["\(try firstRootVersion + Int64(index)).root.json"] = root
        }
        files["timestamp.json"] = state.timestamp
        files["\(release.number).snapshot.json"] = state.snapshot
        func add(_ name: String, _ bytes: [UInt8]) throws {
            let metadata = try UnverifiedMetadata<Targets>(bytes, maximumBytes: PublishingLimits.targetsBytes)
            files["\(metadata.unverifiedContent.version).\(name).json"] = bytes
        }
        if let targets = state.targets { try add("targets", targets) }
        for (name, bytes) in state.delegated { try add(name, bytes) }
        return files
    }

    private var firstRootVersion: Int64 {
        get throws {
            try UnverifiedMetadata<Root>(before.roots.first ?? [], maximumBytes: PublishingLimits.rootBytes)
                .unverifiedContent.version
        }
    }

    private static func cache(of state: PublishedState) throws -> [Role: [UInt8]] {
        var cache: [Role: [UInt8]] = [:]
        cache[.root] = state.roots.first
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
