import Codecs
import TUF
import TrustModel

/// What was published, read and held against itself: versions only rise from here.
struct PublishedRoles {
    /// The current root, verified from the one that hosts were pinned to.
    let root: SignedMetadata<Root>
    let timestamp: UnverifiedMetadata<Timestamp>?
    let snapshot: UnverifiedMetadata<Snapshot>?
    let targets: UnverifiedMetadata<Targets>?
    let delegated: [RoleName: UnverifiedMetadata<Targets>]
    /// Why the published roles of some teams cannot be read; they stay out of `delegated`.
    let unreadable: [RoleName: String]
    private let counters: [String: Int64]

    init(_ state: PublishedState) throws {
        root = try Self.current(state.roots)
        timestamp = try state.timestamp.map { try Self.read($0, "timestamp") }
        snapshot = try state.snapshot.map { try Self.read($0, "snapshot") }
        targets = try state.targets.map { try Self.read($0, "targets") }
        (delegated, unreadable) = try Self.delegated(state.delegated)
        counters = state.counters
        try checkListing()
    }

    /// The version that a role gets when it is signed next: above all that was ever given out.
    func nextVersion(of role: String, known: Int64?) throws -> Int64 {
        let listed = try? snapshot?.unverifiedContent.delegated[RoleName(role)]?.version
        let highest = max(counters[role] ?? 0, known ?? 0, listed ?? 0)
        guard highest < MetadataLimits.maximumVersion else {
            throw PublishError(.version, "the role \(role) has come to the highest version there is")
        }
        return highest + 1
    }

    func nextTimestampVersion() throws -> Int64 {
        try nextVersion(of: "timestamp", known: timestamp?.unverifiedContent.version)
    }

    /// The last moment that was signed.
    var lastIssued: UTCDate? {
        [
            timestamp?.unverifiedContent.stamp, snapshot?.unverifiedContent.stamp, targets?.unverifiedContent.stamp,
            root.content.stamp,
        ].compactMap { $0?.issued }.max()
    }

    /// The layout that is published: who speaks for which role now.
    var layout: TeamLayout? {
        targets.map { TeamLayout($0.unverifiedContent, groups: delegated.mapValues(\.unverifiedContent)) }
    }

    /// What the snapshot lists of a role.
    func listedVersion(of name: RoleName) -> Int64? { snapshot?.unverifiedContent.delegated[name]?.version }

    private static func delegated(
        _ files: [String: [UInt8]]
    ) throws -> ([RoleName: UnverifiedMetadata<Targets>], [RoleName: String]) {
        var (read, unreadable): ([RoleName: UnverifiedMetadata<Targets>], [RoleName: String]) = ([:], [:])
        for (text, bytes) in files {
            let name = try RoleName(slug: text)
            do { read[name] = try Self.read(bytes, text) } catch let error as PublishError {
                guard (try? TeamName(text)) != nil else { throw error }
                unreadable[name] = error.reason
            }
        }
        return (read, unreadable)
    }

    private static func current(_ roots: [[UInt8]]) throws -> SignedMetadata<Root> {
        guard let first = roots.first else {
            throw PublishError(
                .content, "the fleet has no root yet",
                hint: "hold a ceremony: roadstead ceremony open --fleet FLEET --key …")
        }
        let limit = MetadataLimits().rootBytes
        var current = try SignedMetadata(selfSigned: try UnverifiedMetadata<Root>(first, maximumBytes: limit))
        for bytes in roots.dropFirst() {
            let next = try UnverifiedMetadata<Root>(bytes, maximumBytes: limit)
            guard next.unverifiedContent.version - 1 == current.version else {
                throw PublishError(
                    .version, "root \(next.unverifiedContent.version) does not follow root \(current.version)")
            }
            // A root that starts over is pinned anew by every host, as the first one was.
            current =
                next.unverifiedContent.startsOver
                ? try SignedMetadata(selfSigned: next) : try current.verifySuccessor(next)
        }
        return current
    }

    private static func read<Content>(_ bytes: [UInt8], _ role: String) throws -> UnverifiedMetadata<Content> {
        do {
            return try UnverifiedMetadata(bytes, maximumBytes: MetadataLimits().listedBytes)
        } catch {
            throw PublishError(.content, "the published \(role) cannot be read: \(error.reason)")
        }
    }

    /// Refuses a state in which files and listings do not belong together: something was lost or restored.
    private func checkListing() throws {
        guard let snapshot else {
            guard timestamp == nil, targets == nil else {
                throw Self.torn("there is a timestamp or targets, no snapshot")
            }
            return
        }
        guard let timestamp, let targets else { throw Self.torn("there is a snapshot, no timestamp or no targets") }
        let content = snapshot.unverifiedContent
        guard timestamp.unverifiedContent.snapshot.version == content.version else {
            throw Self.torn("the timestamp lists another snapshot")
        }
        guard content.targets.version == targets.unverifiedContent.version else {
            throw Self.torn("the snapshot lists other targets")
        }
        for (name, metadata) in delegated
        where content.delegated[name]?.version != metadata.unverifiedContent.version {
            throw Self.torn("the snapshot lists another version of \(name)")
        }
    }

    private static func torn(_ what: String) -> PublishError {
        PublishError(
            .version, "the published state does not hold together: \(what)",
            hint: "the database may have been restored from a backup; publish nothing until its newest state is back")
    }
}
