package import Codecs
import SigningKeys
import TUF
package import TrustModel

/// Makes a fleet's next release: finds out what has to be signed, signs it, and lets our own client take it as a host
/// would before anybody else sees it.
package struct ReleaseBuilder: Sendable {
    private let keys: FleetKeys
    private let anchorLabel: @Sendable ([UInt8]) -> String

    /// - Parameter anchorLabel: what to call an anchor, given its DER, in the lines that say what changed.
    package init(
        keys: FleetKeys, anchorLabel: @escaping @Sendable ([UInt8]) -> String = ReleaseDifference.digestLabel
    ) {
        self.keys = keys
        self.anchorLabel = anchorLabel
    }

    /// Finds out what there is to publish without using a key; the same content again gives an empty plan.
    ///
    /// - Parameter audit: how far the audit log has come, which the release countersigns.
    package func plan(
        _ content: FleetContent, after state: PublishedState, audit: AuditHead? = nil, now: UTCDate
    ) throws -> ReleasePlan {
        try ReleasePlanner(content, state, keys, audit: audit, now: now).plan()
    }

    /// Whether an empty plan still says all there is to say, so that a publisher can ask every second: the content, the
    /// state and the keys are what it was made for, and nothing has come up for renewal. No file is parsed for it.
    ///
    /// `true` is exact; after `false`, plan again.
    package func holds(
        _ plan: ReleasePlan, for content: FleetContent, after state: PublishedState, now: UTCDate
    ) -> Bool {
        plan.isEmpty && now < plan.nextDue && now >= plan.now && plan.keys == keys.identity && plan.content == content
            && plan.state == state
    }

    /// Signs what the plan says and verifies the result; nil for an empty plan.
    ///
    /// - Parameter oldTargets: bytes of the files that `plan.oldTargetPaths` names. What is not given is only said to
    ///   have changed.
    package func build(_ plan: ReleasePlan, oldTargets: [String: [UInt8]] = [:]) async throws -> BuiltRelease? {
        guard let kind = plan.kind else { return nil }
        var signing = ReleaseSigning(plan: plan)
        let files = try await signing.sign()
        let difference = ReleaseDifference(plan: plan, oldTargets: oldTargets, anchorLabel: anchorLabel)
        let release = BuiltRelease(
            kind: kind, fleet: plan.content.fleet, number: plan.snapshot.content.version,
            timestampVersion: signing.timestampVersion, files: files, teamRoles: signing.teamRoles,
            held: plan.held, waiting: plan.waiting, difference: try difference.lines(),
            snapshotSHA256: hexSHA256(signing.state.snapshot ?? []),
            state: signing.state)
        try await ReleaseCheck(release: release, plan: plan).run()
        return release
    }

    /// Plans and builds in one.
    package func build(
        _ content: FleetContent, after state: PublishedState, now: UTCDate, oldTargets: [String: [UInt8]] = [:]
    ) async throws -> BuiltRelease? {
        try await build(try plan(content, after: state, now: now), oldTargets: oldTargets)
    }

    /// Signs the timestamp anew over the snapshot that is published, whatever else may be waiting.
    package func resignTimestamp(
        of content: FleetContent, _ state: PublishedState, now: UTCDate
    ) async throws -> BuiltRelease? {
        guard let bytes = state.snapshot else {
            throw PublishError(.content, "fleet \(content.fleet) has published nothing whose timestamp could be signed")
        }
        let plan = try ReleasePlanner(content, state, keys, now: now).timestampPlan(over: bytes)
        return try await build(plan)
    }
}

/// Signs the roles of a plan from the teams up, so that what is listed exists before it is listed.
private struct ReleaseSigning {
    let plan: ReleasePlan
    var state: PublishedState
    var teamRoles: [SignedTeamRole] = []
    var timestampVersion: Int64 = 0
    private var targetFiles: [BuiltFile] = []
    private var metadata: [BuiltFile] = []

    init(plan: ReleasePlan) {
        self.plan = plan
        state = plan.state
    }

    mutating func sign() async throws -> [BuiltFile] {
        let root = takeRoot()
        for role in plan.roles + plan.adopted { try await add(delegated: role) }
        if plan.kind != .timestamp {
            try await addTargets()
            try await addSnapshot()
        }
        try await addTimestamp()
        return root + targetFiles + metadata
    }

    /// A new root is visible before anything that its keys have signed.
    private mutating func takeRoot() -> [BuiltFile] {
        guard let root = plan.enteringRoot else { return [] }
        state.roots.append(root.bytes)
        state.pendingRoot = nil
        return [
            BuiltFile(
                kind: .root, path: "metadata/\(root.version).root.json", bytes: root.bytes, role: "root",
                version: root.version, sha256: hexSHA256(root.bytes))
        ]
    }

    private mutating func add(delegated role: PlannedRole) async throws {
        let bytes = try await bytes(of: role)
        try add(.delegated, role.name, role.content.version, bytes, limit: PublishingLimits.targetsBytes)
        targetFiles += role.files
        state.delegated[role.name] = bytes
        guard let team = role.team else { return }
        let signed = SignedTeamRole(team: team, version: role.content.version, bytes: bytes)
        if role.reason != nil { teamRoles.append(signed) }
        state.teamRoles[team] = signed
    }

    private mutating func addTargets() async throws {
        let bytes = try await bytes(of: plan.targets)
        guard bytes != state.targets else { return }
        try add(.targets, "targets", plan.targets.content.version, bytes, limit: PublishingLimits.targetsBytes)
        targetFiles += plan.targets.files
        state.targets = bytes
    }

    private mutating func addSnapshot() async throws {
        guard plan.snapshot.reason != nil else { return }
        let bytes = try await Self.signed(plan.snapshot.content, by: plan.snapshot.signers)
        try add(.snapshot, "snapshot", plan.snapshot.content.version, bytes, limit: PublishingLimits.snapshotBytes)
        state.snapshot = bytes
    }

    private mutating func addTimestamp() async throws {
        let snapshot = state.snapshot ?? []
        let lifetime = plan.content.profile.lifetimes.timestamp
        timestampVersion = try PublishedRoles(plan.state).nextTimestampVersion()
        let content = Timestamp(
            header: MetadataHeader(
                version: timestampVersion, expires: lifetime.expiry(from: plan.now),
                stamp: FleetStamp(fleet: plan.content.id.rawValue, issued: plan.now)),
            snapshot: MetaFile(version: plan.snapshot.content.version, content: snapshot))
        let bytes = try await Self.signed(content, by: plan.timestampSigners)
        try add(.timestamp, "timestamp", timestampVersion, bytes, limit: PublishingLimits.timestampBytes)
        state.timestamp = bytes
    }

    private func bytes(of role: PlannedRole) async throws -> [UInt8] {
        if let kept = role.kept { return kept }
        return try await Self.signed(role.content, by: role.signers)
    }

    private static func signed(_ content: some RoleMetadata, by keys: [RoleKey]) async throws -> [UInt8] {
        var draft = try MetadataDraft(content)
        for key in keys { try await draft.sign(with: key.signer, as: key.key) }
        return draft.bytes
    }

    private mutating func add(
        _ kind: BuiltFile.Kind, _ role: String, _ version: Int64, _ bytes: [UInt8], limit: Int
    ) throws {
        guard bytes.count <= limit else {
            throw PublishError(
                .size,
                "the \(role) of fleet \(plan.content.fleet) would have \(bytes.count) bytes, at most \(limit) fit",
                hint: "split the fleet, or the team's stores")
        }
        let name = kind == .timestamp ? "timestamp.json" : "\(version).\(role).json"
        metadata.append(
            BuiltFile(
                kind: kind, path: "metadata/\(name)", bytes: bytes, role: role, version: version,
                sha256: hexSHA256(bytes)))
    }
}

/// What the clients of a repository take, with room to spare. [python-tuf, go-tuf and tough: the smallest of each]
package enum PublishingLimits {
    package static let rootBytes = 64 << 10
    /// Clients take 16 KiB. Two signatures of RSA 4096, as while keys change, are 2,300 bytes.
    package static let timestampBytes = 4 << 10
    package static let snapshotBytes = 512 << 10
    package static let targetsBytes = 1 << 20
    /// Well below what hosts read, `DenyDocument.byteLimit`.
    package static let denialsBytes = 6 << 20
}

func hexSHA256(_ bytes: [UInt8]) -> String { Hex.encode(HashAlgorithm.sha256.digest(of: bytes)) }
