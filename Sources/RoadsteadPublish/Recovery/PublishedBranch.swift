package import Codecs
import SigningKeys
import TUF
package import TrustModel

/// A state of a fleet that was published once, as its signatures prove: what evidence becomes when it verifies.
///
/// Expiry does not matter here: what was signed was published, however long ago.
package struct PublishedBranch: Sendable {
    /// Who showed it.
    package let source: String
    /// Roots above the last one that was known, in order and without a gap.
    package private(set) var newRoots: [SeenFile] = []
    /// Versions of roots that nobody showed between those and the newest.
    package private(set) var missingRoots: [Int64] = []
    package let timestamp: SeenFile
    package let snapshot: SeenFile
    /// `targets` and every role listed by the snapshot whose file was shown, by name.
    package private(set) var roles: [String: SeenFile] = [:]
    /// Versions of every role that the snapshot lists.
    package private(set) var listed: [String: Int64] = [:]
    /// Target files of those roles, under the paths they are served at.
    package private(set) var targets: [BuiltFile] = []
    /// What is listed and was not shown, or did not verify.
    package private(set) var missing: [String] = []
    /// When it was signed.
    package let issued: UTCDate?

    /// A metadata file that verified.
    package struct SeenFile: Sendable, Equatable {
        package let role: String
        package let version: Int64
        package let bytes: [UInt8]

        package var seen: SeenVersion { SeenVersion(role: role, version: version, bytes: bytes) }

        package var path: String {
            role == "timestamp" ? "metadata/timestamp.json" : "metadata/\(version).\(role).json"
        }
    }

    /// Verifies evidence by the fleet's own root chain.
    ///
    /// - Parameters:
    ///   - roots: the roots that are known, in order.
    ///   - fleet: the fleet that every top-level role must name.
    ///   - trustsOwnRoots: whether the evidence may begin the chain itself, where no root is known: only for what lay
    ///     on a server's own disk.
    /// - Throws: when root, timestamp and snapshot do not verify together.
    package init(
        _ evidence: MetadataEvidence, roots: [[UInt8]], fleet: FleetID, trustsOwnRoots: Bool = false
    ) throws {
        source = evidence.source
        var chain = try RootChain(roots, fleet: fleet.rawValue, evidence: evidence, trustsOwnRoots: trustsOwnRoots)
        try chain.follow(evidence.roots)
        newRoots = chain.added
        missingRoots = chain.missing
        let root = chain.newest.content
        let timestamp: SignedMetadata<Timestamp> = try Self.verify(evidence, "timestamp", root, .timestamp, fleet)
        let snapshot: SignedMetadata<Snapshot> = try Self.verify(evidence, "snapshot", root, .snapshot, fleet)
        try timestamp.content.snapshot.check(snapshot.bytes)
        guard timestamp.content.snapshot.version == snapshot.version else {
            throw TUFError(.versionMismatch, "the timestamp lists another snapshot")
        }
        self.timestamp = SeenFile(role: "timestamp", version: timestamp.version, bytes: timestamp.bytes)
        self.snapshot = SeenFile(role: "snapshot", version: snapshot.version, bytes: snapshot.bytes)
        issued = timestamp.content.stamp?.issued
        listed = Dictionary(
            uniqueKeysWithValues: snapshot.content.delegated.map { ($0.key.text, $0.value.version) })
        listed["targets"] = snapshot.content.targets.version
        takeRoles(evidence, root, snapshot.content, fleet)
    }

    /// Everything that it proves to have been published.
    package var seen: [SeenVersion] {
        newRoots.map(\.seen) + [timestamp.seen, snapshot.seen]
            + listed.sorted { $0.key < $1.key }.map { name, version in
                SeenVersion(role: name, version: version, sha256: roles[name].map { hexSHA256($0.bytes) })
            }
    }

    /// Whether every file that the next release follows from was shown.
    package var isWhole: Bool { missing.isEmpty && missingRoots.isEmpty }

    /// The bytes of a target file, such as `deny/deny.json`.
    package func target(_ name: String) throws -> [UInt8]? {
        let role = String(name.prefix { $0 != "/" })
        guard let file = roles[role == "fleet" ? "targets" : role] else { return nil }
        let metadata = try UnverifiedMetadata<Targets>(file.bytes, maximumBytes: MetadataLimits().listedBytes)
        let target = try TargetName(name)
        guard let listing = metadata.unverifiedContent.targets[target] else { return nil }
        let path = targetPath(target, listing)
        return targets.first { $0.path == path }?.bytes
    }

    /// Names of the target files that a role lists.
    package func targetNames(of role: String) throws -> [String] {
        guard let file = roles[role] else { return [] }
        let metadata = try UnverifiedMetadata<Targets>(file.bytes, maximumBytes: MetadataLimits().listedBytes)
        return metadata.unverifiedContent.targets.keys.map(\.text).sorted()
    }

    // MARK: Verifying

    private static func verify<Content: RoleMetadata>(
        _ evidence: MetadataEvidence, _ name: String, _ root: Root, _ role: TopLevelRole, _ fleet: FleetID
    ) throws -> SignedMetadata<Content> {
        guard let bytes = evidence.files[name] else { throw TUFError(.notFound, "there is no \(name)") }
        do throws(TUFError) {
            let metadata = try UnverifiedMetadata<Content>(bytes, maximumBytes: MetadataLimits().listedBytes)
            let verified = try root.quorum(for: role).verify(metadata)
            guard verified.content.stamp?.fleet == fleet.rawValue else {
                throw TUFError(.wrongFleet, "it is of another fleet")
            }
            return verified
        } catch { throw error.inside(name) }
    }

    private mutating func takeRoles(
        _ evidence: MetadataEvidence, _ root: Root, _ snapshot: Snapshot, _ fleet: FleetID
    ) {
        let top: SignedMetadata<Targets>
        do { top = try Self.verify(evidence, "targets", root, .targets, fleet) } catch {
            missing.append("targets")
            return
        }
        guard top.version == snapshot.targets.version else {
            missing.append("targets \(snapshot.targets.version)")
            return
        }
        // An emptied store has no bytes, which nobody needs to show.
        let files = Dictionary((evidence.targets + [[]]).map { (hexSHA256($0), $0) }) { first, _ in first }
        keep(top, "targets", files)
        takeDelegated(evidence, snapshot, by: top.content, files)
    }

    private mutating func takeDelegated(
        _ evidence: MetadataEvidence, _ snapshot: Snapshot, by delegator: Targets, _ files: [String: [UInt8]]
    ) {
        guard let delegations = delegator.delegations else { return }
        for delegation in delegations.roles where roles[delegation.name.text] == nil {
            let name = delegation.name
            guard let listed = snapshot.delegated[name] else { continue }
            guard let bytes = evidence.files[name.text],
                let metadata = try? UnverifiedMetadata<Targets>(bytes, maximumBytes: MetadataLimits().listedBytes),
                let verified = try? delegations.quorum(for: delegation).verify(metadata),
                verified.version == listed.version
            else {
                missing.append("\(name.text) \(listed.version)")
                continue
            }
            keep(verified, name.text, files)
            takeDelegated(evidence, snapshot, by: verified.content, files)
        }
    }

    private mutating func keep(_ role: SignedMetadata<Targets>, _ name: String, _ files: [String: [UInt8]]) {
        roles[name] = SeenFile(role: name, version: role.version, bytes: role.bytes)
        for (target, file) in role.content.targets.sorted(by: { $0.key < $1.key }) {
            guard let digest = file.hashes.fileNamePrefix, let bytes = files[digest], (try? file.check(bytes)) != nil
            else {
                missing.append(target.text)
                continue
            }
            targets.append(
                BuiltFile(
                    kind: .target, path: targetPath(target, file), bytes: bytes, role: nil, version: nil, sha256: digest
                ))
        }
    }
}

/// The roots of a fleet, followed from those that are known.
private struct RootChain {
    private(set) var newest: SignedMetadata<Root>
    private(set) var added: [PublishedBranch.SeenFile] = []
    private(set) var missing: [Int64] = []
    private let fleet: String

    init(_ roots: [[UInt8]], fleet: String, evidence: MetadataEvidence, trustsOwnRoots: Bool) throws {
        self.fleet = fleet
        let limit = MetadataLimits().rootBytes
        if let last = roots.last {
            newest = try SignedMetadata(selfSigned: try UnverifiedMetadata<Root>(last, maximumBytes: limit))
            return
        }
        guard trustsOwnRoots,
            let first = evidence.roots.compactMap({ try? UnverifiedMetadata<Root>($0, maximumBytes: limit) })
                .min(by: { $0.unverifiedContent.version < $1.unverifiedContent.version }),
            first.unverifiedContent.version == 1
        else { throw TUFError(.wrongRoot, "no root of this fleet is known") }
        newest = try SignedMetadata(selfSigned: first)
        try checkFleet(newest)
        added = [PublishedBranch.SeenFile(role: "root", version: 1, bytes: first.bytes)]
    }

    /// Takes roots in order. The newest one counts also when others are missing on the way to it, if the last known
    /// root's keys have signed it too: that proves that it was made, though no host can get to it.
    mutating func follow(_ candidates: [[UInt8]]) throws {
        let read = candidates.compactMap {
            try? UnverifiedMetadata<Root>($0, maximumBytes: MetadataLimits().rootBytes)
        }.sorted { $0.unverifiedContent.version < $1.unverifiedContent.version }
        for next in read where next.unverifiedContent.version > newest.version {
            guard let verified = try? newest.verifySuccessor(next) else { continue }
            try checkFleet(verified)
            missing += Array((newest.version + 1)..<verified.version)
            newest = verified
            added.append(PublishedBranch.SeenFile(role: "root", version: verified.version, bytes: verified.bytes))
        }
    }

    private func checkFleet(_ root: SignedMetadata<Root>) throws {
        guard root.content.stamp?.fleet == fleet else { throw TUFError(.wrongFleet, "a root is of another fleet") }
    }
}

extension PublishedBranch {
    /// The version that a targets role claims; nil when it is none.
    package static func version(ofRole bytes: [UInt8]) -> Int64? { targets(bytes)?.version }

    /// SHA-256s of the target files that a role lists; none when it is no targets role.
    package static func targetDigests(ofRole bytes: [UInt8]) -> [String] {
        (targets(bytes)?.targets.values).map { $0.compactMap(\.hashes.fileNamePrefix) } ?? []
    }

    /// Paths of the target files that a role lists, by their names.
    package static func targetPaths(ofRole bytes: [UInt8]) -> [String: String] {
        Dictionary(
            (targets(bytes)?.targets ?? [:]).map { ($0.key.text, targetPath($0.key, $0.value)) }
        ) { first, _ in first }
    }

    private static func targets(_ bytes: [UInt8]) -> Targets? {
        (try? UnverifiedMetadata<Targets>(bytes, maximumBytes: MetadataLimits().listedBytes))?.unverifiedContent
    }
}
