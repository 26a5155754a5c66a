package import Codecs
package import SigningKeys
package import TUF

/// A repository in memory: what its owner would publish, and what a client keeps of it.
///
/// Tests change the roles, call `publish` and hand a `SimulatedClient` the result; requests are recorded.
package final class RepositorySimulator: @unchecked Sendable {
    package static let start = UTCDate(seconds: 1_780_000_000)
    package static let fleet = "prod-eu"

    package var root: Root
    package var timestamp: Timestamp
    package var snapshot: Snapshot
    package var roles: [Role: Targets]
    /// Keys that sign a role; what root and delegations say is independent of it.
    package var signers: [Role: [PrivateKey]]
    /// Files as served, by path.
    package var files: [String: [UInt8]] = [:]
    package var usesHashes = false

    package init(consistentSnapshot: Bool = true, keyType: KeyType = .ed25519) async throws {
        let keys = try (0..<4).map { _ in try PrivateKey.generate(keyType) }
        func header() -> MetadataHeader { Self.header() }
        root = Root(
            header: header(), keys: KeyRing(try keys.map { try Key($0.publicKey) }),
            root: try RoleKeys([try Key(keys[0].publicKey).id], threshold: 1),
            timestamp: try RoleKeys([try Key(keys[1].publicKey).id], threshold: 1),
            snapshot: try RoleKeys([try Key(keys[2].publicKey).id], threshold: 1),
            targets: try RoleKeys([try Key(keys[3].publicKey).id], threshold: 1),
            consistentSnapshot: consistentSnapshot)
        signers = [.root: [keys[0]], .timestamp: [keys[1]], .snapshot: [keys[2]], .targets: [keys[3]]]
        timestamp = Timestamp(header: header(), snapshot: MetaFile(version: 1))
        snapshot = Snapshot(header: header(), targets: MetaFile(version: 1), delegated: [:])
        roles = [.targets: Targets(header: header(), targets: [:])]
        try await publish(.root, .targets, .snapshot, .timestamp, bump: false)
    }

    package static func header(version: Int64 = 1) -> MetadataHeader {
        MetadataHeader(
            version: version, expires: start.adding(days: 30), stamp: FleetStamp(fleet: fleet, issued: start))
    }

    /// The root a host starts from.
    package var firstRoot: [UInt8] { files["1.root.json"] ?? [] }

    package func delegate(
        from delegator: Role = .targets, to name: String, paths: [String], terminating: Bool = false,
        keys: [PrivateKey]? = nil, threshold: Int = 1
    ) throws {
        let keys = try keys ?? [PrivateKey.generate(.ed25519)]
        let tufKeys = try keys.map { try Key($0.publicKey) }
        let role = try RoleName(name)
        let delegation = Delegation(
            name: role, keys: try RoleKeys(tufKeys.map(\.id), threshold: threshold),
            paths: paths.map { PathPattern($0) }, isTerminating: terminating)
        var delegations = try roles[delegator]?.delegations ?? Delegations(keys: KeyRing(), roles: [])
        for key in tufKeys { delegations.keys.add(key) }
        delegations.roles.append(delegation)
        roles[delegator]?.delegations = delegations
        if roles[.delegated(role)] == nil {
            roles[.delegated(role)] = Targets(header: Self.header(version: 0), targets: [:])
        }
        signers[.delegated(role), default: []] += keys
    }

    package func add(_ target: String, _ content: String, to role: Role = .targets) throws {
        let name = try TargetName(target)
        let file = TargetFile(content: Array(content.utf8))
        roles[role]?.targets[name] = file
        let prefix = root.consistentSnapshot ? file.hashes.fileNamePrefix : nil
        files["targets/" + name.path(hashPrefix: prefix)] = Array(content.utf8)
    }

    /// Replaces all keys of a top-level role.
    package func rotate(_ role: TopLevelRole, count: Int = 1, threshold: Int = 1) throws {
        let keys = try (0..<count).map { _ in try PrivateKey.generate(.ed25519) }
        try list(keys.map { try Key($0.publicKey) }, for: role, threshold: threshold)
        signers[role.role] = keys
    }

    package func list(_ keys: [Key], for role: TopLevelRole, threshold: Int) throws {
        for key in keys { root.keys.add(key) }
        root[role] = try RoleKeys(keys.map(\.id), threshold: threshold)
    }

    /// Raises the version, signs and serves roles in the given order; later roles list what earlier ones became.
    package func publish(_ published: Role..., bump: Bool = true) async throws {
        for role in published { try await publish(role, bump: bump) }
    }

    private func publish(_ role: Role, bump: Bool) async throws {
        let step: Int64 = bump ? 1 : 0
        switch role {
        case .root:
            root.header.version += step
            serve(.root, root.version, try await sign(root, .root), true)
        case .timestamp:
            timestamp.header.version += step
            serve(.timestamp, nil, try await sign(timestamp, .timestamp), false)
        case .snapshot:
            snapshot.header.version += step
            let bytes = try await sign(snapshot, .snapshot)
            serve(.snapshot, snapshot.version, bytes, root.consistentSnapshot)
            timestamp.snapshot = metaFile(snapshot.version, bytes)
        case .targets, .delegated:
            roles[role]?.header.version += step
            guard let content = roles[role] else { return }
            let bytes = try await sign(content, role)
            serve(role, content.version, bytes, root.consistentSnapshot)
            let file = metaFile(content.version, bytes)
            if case .delegated(let name) = role { snapshot.delegated[name] = file } else { snapshot.targets = file }
        }
    }

    /// Everything that hosts see when content changed.
    package func publishAll() async throws {
        for role in roles.keys.sorted(by: { $0.name < $1.name }) { try await publish(role) }
        try await publish(.snapshot, .timestamp)
    }

    package func sign<Content: RoleMetadata>(_ content: Content, _ role: Role) async throws -> [UInt8] {
        var draft = try MetadataDraft(content)
        for key in signers[role] ?? [] { try await draft.sign(with: key) }
        return draft.bytes
    }

    private func metaFile(_ version: Int64, _ bytes: [UInt8]) -> MetaFile {
        usesHashes ? MetaFile(version: version, content: bytes) : MetaFile(version: version)
    }

    private func serve(_ role: Role, _ version: Int64?, _ bytes: [UInt8], _ isVersioned: Bool) {
        files[MetadataFile(role, version: isVersioned ? version : nil).path] = bytes
    }
}

/// A host's cache and its way to a repository.
package final class SimulatedClient: MetadataAccess, @unchecked Sendable {
    package var cache: [String: [UInt8]] = [:]
    package var requests: [String] = []
    package var repository: RepositorySimulator
    package var policy: UpdatePolicy
    /// Paths that fail instead of being served.
    package var broken: Set<String> = []
    package var isDiskFull = false

    package struct Failure: Error, CustomStringConvertible { package let description: String }

    package init(_ repository: RepositorySimulator, fleet: String? = RepositorySimulator.fleet) {
        self.repository = repository
        policy = UpdatePolicy(
            initialRoot: .bytes(repository.firstRoot), now: RepositorySimulator.start, expectedFleet: fleet)
    }

    @discardableResult
    package func refresh(after previous: TrustedMetadataSet? = nil) async throws(TUFError) -> UpdateOutcome {
        requests = []
        var workflow = UpdateWorkflow(policy, after: previous)
        return try await workflow.run(with: self)
    }

    /// Refreshes and looks a target up.
    package func find(_ target: String) async throws -> FoundTarget? {
        var lookup = TargetLookup(try TargetName(target), in: DelegatedRoles(try await refresh().trusted))
        requests = []
        return try await lookup.run(with: self).target
    }

    package func version(_ role: Role) -> Int64? {
        guard let bytes = cache[role.fileName], let tree = try? JSON(parsing: bytes) else { return nil }
        return tree.objectOrNil?["signed"]?.objectOrNil?["version"]?.integerOrNil
    }

    package func load(_ role: Role, maximumBytes: Int) async throws -> [UInt8]? { cache[role.fileName] }

    package func fetch(_ file: MetadataFile, maximumBytes: Int) async throws -> [UInt8]? {
        requests.append(file.path)
        if broken.contains(file.path) { throw Failure(description: "status 503") }
        guard let bytes = repository.files[file.path] else { return nil }
        guard bytes.count <= maximumBytes else { throw Failure(description: "more than \(maximumBytes) bytes") }
        return bytes
    }

    package func persist(_ role: Role, _ bytes: [UInt8]) async throws {
        if isDiskFull { throw Failure(description: "no space left on device") }
        cache[role.fileName] = bytes
    }

    package func delete(_ role: Role) async throws { cache[role.fileName] = nil }
}
