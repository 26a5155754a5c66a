package import Codecs
import SigningKeys
import TUF
package import TrustModel

/// The fleet's own role, or a group of its teams, waiting for signatures of the trust administrators, whose keys are not
/// on the server.
///
/// Its content is fixed when it is opened. It is stored as its role, `toSign`, its target files, the root whose keys
/// sign it and the signatures, and taken up again from these.
package struct TargetsDraft: Sendable {
    /// `targets`, or the name of a group of teams.
    package let role: String
    /// The target files that the role lists and that the repository may lack.
    package let files: [BuiltFile]
    /// What the role changes, a line each, for the people who sign it.
    package let difference: [String]
    /// Of the file that this one follows; nil for the first. The draft is void when another file has taken its place.
    package let baseSHA256: String?
    private var draft: QuorumDraft<Targets>

    /// Takes up a stored draft with the signatures collected so far, each of which is verified again.
    ///
    /// - Parameters:
    ///   - root: the root whose keys sign it, as a file, or as the bytes to sign of one whose ceremony is still open.
    ///   - files: the target files, each of which must be the one that is listed. Without them the difference says less.
    ///   - base: the file of the role that the draft follows.
    ///   - oldFiles: bytes of the files that `base` lists, by the path at which the fleet serves them.
    package init(
        role: String, toSign: [UInt8], root: [UInt8], signatures: [(keyID: String, signature: String)],
        files: [BuiltFile] = [], base: [UInt8]? = nil, oldFiles: [String: [UInt8]] = [:]
    ) throws {
        let draft: MetadataDraft<Targets>
        do { draft = try MetadataDraft(toSign: toSign, maximumBytes: PublishingLimits.targetsBytes) } catch {
            throw PublishError(.targetsDraft, "the draft of role \(role) cannot be read: \(error.reason)")
        }
        try self.init(role, draft, root: try Self.root(root), files: files, base: base, oldFiles: oldFiles)
        for (keyID, signature) in signatures { try add(signature: signature, keyID: keyID) }
    }

    init(
        _ role: String, _ draft: MetadataDraft<Targets>, root: Root, files: [BuiltFile], base: [UInt8]?,
        oldFiles: [String: [UInt8]]
    ) throws {
        let content = draft.content
        guard content.stamp?.fleet == root.stamp?.fleet else {
            throw PublishError(.targetsDraft, "the draft of role \(role) is not one of the root's fleet")
        }
        try Self.check(content, role, files)
        self.role = role
        self.files = files
        baseSHA256 = base.map(hexSHA256)
        self.draft = QuorumDraft(
            draft, parties: [.init(quorum: root.quorum(for: .targets), label: "the fleet's keys for its settings")],
            code: .targetsDraft)
        let old = try base.map { try Self.read($0, role) }
        if let old, old.version >= content.version {
            throw PublishError(
                .targetsDraft, "version \(content.version) of role \(role) does not follow version \(old.version)",
                hint: "another one was published meanwhile; open a new ceremony")
        }
        let lines = TargetsDifference(old: old, new: content, oldFiles: oldFiles, newFiles: files.byPath).lines()
        difference =
            (lines.isEmpty && old != nil ? ["renewed, nothing else changes"] : lines) + ["expires \(content.expires)"]
    }

    package var version: Int64 { draft.content.version }
    package var expires: UTCDate { draft.content.expires }
    /// The exact canonical bytes that every key holder signs.
    package var toSign: [UInt8] { draft.toSign }
    /// The keys whose signatures count.
    package var keyIDs: [String] { draft.keyIDs }
    package var signedBy: [String] { draft.signedBy }
    /// What still has to be signed, a line each; nothing when the role can be closed.
    package var missing: [String] { draft.missing }

    /// Takes a signature in if it is one of a key that counts, over exactly these bytes.
    ///
    /// - Parameter signature: hexadecimal.
    package mutating func add(signature: String, keyID: String) throws {
        try draft.add(signature: signature, keyID: keyID)
    }

    /// The finished file, once the threshold is met.
    package func close() throws -> [UInt8] {
        try draft.close("version \(version) of role \(role)", limit: PublishingLimits.targetsBytes)
    }

    private static func check(_ content: Targets, _ role: String, _ files: [BuiltFile]) throws {
        do { try content.checkForPublishing() } catch {
            throw PublishError(.targetsDraft, error.reason, hint: error.hint)
        }
        for file in files where hexSHA256(file.bytes) != file.sha256 {
            throw PublishError(.targetsDraft, "the file \(file.path) has other bytes than its name says")
        }
        let listed = Set(content.targets.map(targetPath))
        if let extra = files.first(where: { !listed.contains($0.path) }) {
            throw PublishError(.targetsDraft, "the file \(extra.path) is not listed in the draft of role \(role)")
        }
    }

    private static func read(_ bytes: [UInt8], _ role: String) throws -> Targets {
        do {
            return try UnverifiedMetadata<Targets>(bytes, maximumBytes: PublishingLimits.targetsBytes)
                .unverifiedContent
        } catch {
            throw PublishError(.targetsDraft, "the role \(role) to follow cannot be read: \(error.reason)")
        }
    }

    /// Reads a root as a file or as the bytes to sign. That it is the fleet's is for the caller to know.
    static func root(_ bytes: [UInt8]) throws -> Root {
        let limit = PublishingLimits.rootBytes
        if let file = try? UnverifiedMetadata<Root>(bytes, maximumBytes: limit) { return file.unverifiedContent }
        do { return try MetadataDraft<Root>(toSign: bytes, maximumBytes: limit).content } catch {
            throw PublishError(.targetsDraft, "the root whose keys sign cannot be read: \(error.reason)")
        }
    }
}

extension TargetsDraft {
    /// The drafts that people have to sign so that hosts learn what a content says; none when they know it already.
    ///
    /// - Parameters:
    ///   - root: the root whose keys sign them, as for `init`; the pending one or the current one when it is left out.
    ///   - renewing: draft the role although it says nothing new, so that it lives longer.
    ///   - oldFiles: bytes of the files at `oldTargetPaths`, to say what changes.
    package static func drafts(
        content: FleetContent, after state: PublishedState, keys: FleetKeys, now: UTCDate, root: [UInt8]? = nil,
        renewing: Bool = false, oldFiles: [String: [UInt8]] = [:]
    ) throws -> [TargetsDraft] {
        guard let bytes = root ?? state.pendingRoot ?? state.roots.last else {
            throw PublishError(.targetsDraft, "fleet \(content.fleet) has no root yet")
        }
        return try ReleasePlanner(content, state, keys, now: now).targetsDrafts(
            under: try Self.root(bytes), renewing: renewing, oldFiles: oldFiles)
    }

    /// Paths of the published target files that `drafts` reads to say what changes.
    package static func oldTargetPaths(after state: PublishedState) throws -> [String] {
        guard let newest = state.signedTargets?.bytes ?? state.targets else { return [] }
        return try read(newest, "targets").targets.map(targetPath).sorted()
    }
}
