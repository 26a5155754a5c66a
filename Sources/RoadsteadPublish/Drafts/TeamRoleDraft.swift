package import Codecs
import SigningKeys
package import TUF
package import TrustModel

/// A team's next role, waiting for signatures that its members make on their own machines.
///
/// Its content is fixed when it is opened: the same request gives the same bytes. It is stored as `toSign`, its target
/// files, the two quorums and the signatures, and taken up again from these.
package struct TeamRoleDraft: Sendable {
    /// What a draft is opened with.
    package struct Request: Sendable {
        package let content: TeamContent
        /// From the team's one counter, never given out before: a void draft uses its version up.
        package let version: Int64
        /// Who speaks for the team now.
        package let quorum: TeamQuorum
        /// Who spoke for it before, while one fleet may still believe only them; nil when nothing has changed, and
        /// when the former keys are lost.
        package let former: TeamQuorum?
        /// The team's newest signed role, to say what changes.
        package let base: SignedTeamRole?
        /// Bytes of the target files that `base` lists, by the path at which a fleet serves them.
        package let oldFiles: [String: [UInt8]]

        package init(
            content: TeamContent, version: Int64, quorum: TeamQuorum, former: TeamQuorum? = nil,
            base: SignedTeamRole? = nil, oldFiles: [String: [UInt8]] = [:]
        ) {
            self.content = content
            self.version = version
            self.quorum = quorum
            self.former = former
            self.base = base
            self.oldFiles = oldFiles
        }
    }

    package let team: TeamName
    /// The target files that the role lists, to be kept with it.
    package let files: [BuiltFile]
    /// What the role changes, a line each, for the people who sign it.
    package let difference: [String]
    private var draft: QuorumDraft<Targets>

    /// Opens a draft of what a team's content says.
    package init(
        _ request: Request, now: UTCDate,
        anchorLabel: @escaping @Sendable ([UInt8]) -> String = ReleaseDifference.digestLabel
    ) throws {
        let team = request.content.name
        let bundle = try Self.bundle(request.content)
        let lifetime = FleetProfile.standard.lifetimes.teamCustody
        let content = Targets(
            header: MetadataHeader(version: request.version, expires: lifetime.expiry(from: now)),
            targets: bundle.listing)
        try self.init(
            try MetadataDraft(content), team, request.quorum, request.former, files: bundle.built(without: [:]),
            base: request.base?.bytes, oldFiles: request.oldFiles, anchorLabel: anchorLabel)
        if let base = request.base, base.version >= request.version {
            throw PublishError(
                .version, "version \(request.version) of team \(team) does not follow version \(base.version)")
        }
    }

    /// Takes up a stored draft with the signatures collected so far, each of which is verified again.
    ///
    /// - Parameters:
    ///   - files: the target files, each of which must be the one that is listed. Without them the difference says less.
    ///   - base: the team's signed role that the draft follows.
    ///   - oldFiles: bytes of the files that `base` lists, by the path at which a fleet serves them.
    package init(
        toSign: [UInt8], team: TeamName, quorum: TeamQuorum, former: TeamQuorum?,
        signatures: [(keyID: String, signature: String)], files: [BuiltFile] = [], base: [UInt8]? = nil,
        oldFiles: [String: [UInt8]] = [:],
        anchorLabel: @escaping @Sendable ([UInt8]) -> String = ReleaseDifference.digestLabel
    ) throws {
        let draft: MetadataDraft<Targets>
        do { draft = try MetadataDraft(toSign: toSign, maximumBytes: PublishingLimits.targetsBytes) } catch {
            throw PublishError(.roleDraft, "the draft of team \(team) cannot be read: \(error.reason)")
        }
        try self.init(
            draft, team, quorum, former, files: files, base: base, oldFiles: oldFiles, anchorLabel: anchorLabel)
        for (keyID, signature) in signatures { try add(signature: signature, keyID: keyID) }
    }

    package var version: Int64 { draft.content.version }
    package var expires: UTCDate { draft.content.expires }
    /// The exact canonical bytes that every key holder signs.
    package var toSign: [UInt8] { draft.toSign }
    /// The keys whose signatures count towards the former or the new quorum.
    package var keyIDs: [String] { draft.keyIDs }
    package var signedBy: [String] { draft.signedBy }
    /// Every signature so far.
    package var signatures: [(keyID: String, signature: [UInt8])] {
        draft.draft.signatures.compactMap { made in made.bytes.map { (made.keyID.text, $0) } }
    }
    /// What still has to be signed, a line each; nothing when the role can be closed.
    package var missing: [String] { draft.missing }

    /// Whether the draft says what a content says, so that it need not be opened again.
    package func says(_ content: TeamContent) -> Bool {
        guard content.name == team, let bundle = try? Self.bundle(content) else { return false }
        return bundle.listing == draft.content.targets
    }

    /// Takes a signature in if it is one of a key that counts, over exactly these bytes.
    ///
    /// - Parameter signature: hexadecimal.
    package mutating func add(signature: String, keyID: String) throws {
        try draft.add(signature: signature, keyID: keyID)
    }

    /// Signs with the server's key of the team: the former one, or the one that takes over.
    package mutating func sign(with key: RoleKey) async throws {
        guard key.purpose == .team(team) else {
            throw PublishError(.roleDraft, "the key for \(key.purpose) does not sign for team \(team)")
        }
        try await draft.sign(with: key)
    }

    /// The finished role, once both quorums are met.
    package func close() throws -> SignedTeamRole {
        let bytes = try draft.close("version \(version) of team \(team)", limit: PublishingLimits.targetsBytes)
        return SignedTeamRole(team: team, version: version, bytes: bytes)
    }

    /// What a role changes against the one before, a line each, read from the files alone.
    ///
    /// - Parameters:
    ///   - base: the signed role that it follows.
    ///   - oldFiles: bytes of the files that `base` lists, by the path at which a fleet serves them.
    /// - Throws: for a role that says anything about somebody else, and for files that it does not list.
    package static func difference(
        of new: Targets, team: TeamName, files: [BuiltFile], base: Targets?, oldFiles: [String: [UInt8]],
        anchorLabel: @escaping @Sendable ([UInt8]) -> String
    ) throws -> [String] {
        try check(new, of: team, files)
        let lines = TeamDifference(
            team: team, old: base, new: new, oldFiles: oldFiles, newFiles: files.byPath, anchorLabel: anchorLabel
        ).lines()
        let head = base.map { "version \(new.version) of team \(team) follows version \($0.version)" }
        return [head ?? "version \(new.version) of team \(team), the first one"]
            + (lines.isEmpty && base != nil ? ["renewed, nothing else changes"] : lines)
            + ["expires \(new.expires)"]
    }

    private init(
        _ draft: MetadataDraft<Targets>, _ team: TeamName, _ quorum: TeamQuorum, _ former: TeamQuorum?,
        files: [BuiltFile], base: [UInt8]?, oldFiles: [String: [UInt8]],
        anchorLabel: @escaping @Sendable ([UInt8]) -> String
    ) throws {
        let name = team.rawValue
        self.team = team
        self.files = files
        difference = try Self.difference(
            of: draft.content, team: team, files: files, base: try base.map { try Self.read($0, team) },
            oldFiles: oldFiles, anchorLabel: anchorLabel)
        var parties = [
            QuorumDraft<Targets>.Party(quorum: try quorum.quorum(of: name), label: "the keys of team \(team)")
        ]
        if let former, former != quorum {
            parties.insert(.init(quorum: try former.quorum(of: name), label: "the former keys of team \(team)"), at: 0)
        }
        self.draft = QuorumDraft(draft, parties: parties, code: .roleDraft)
    }

    private static func bundle(_ content: TeamContent) throws -> TargetBundle {
        let bundle = try content.checkedBundle
        if let refusal = TeamTargets.refusal(ofLengths: bundle.files.map(\.file.length)) {
            throw PublishError(.size, "team \(content.name): \(refusal)", hint: "take anchors out of its stores")
        }
        return bundle
    }

    /// A role of a team lists files of that team and delegates nothing.
    private static func check(_ content: Targets, of team: TeamName, _ files: [BuiltFile]) throws {
        let foreign = content.targets.keys.first { $0.components.first != team.rawValue || $0.components.count != 2 }
        guard foreign == nil, content.delegations == nil, content.unsafeTargets.isEmpty, content.stamp == nil else {
            throw PublishError(.roleDraft, "the draft is not one of a role of team \(team)")
        }
        let listed = Set(content.targets.map(targetPath))
        for file in files where !listed.contains(file.path) || hexSHA256(file.bytes) != file.sha256 {
            throw PublishError(.roleDraft, "the file \(file.path) is not listed in the draft of team \(team)")
        }
        for (name, file) in content.targets {
            let path = targetPath(name, file)
            guard let bytes = files.first(where: { $0.path == path })?.bytes else { continue }
            do { try file.check(bytes) } catch { throw PublishError(.roleDraft, "\(name): \(error.reason)") }
        }
    }

    private static func read(_ bytes: [UInt8], _ team: TeamName) throws -> Targets {
        do {
            return try UnverifiedMetadata<Targets>(bytes, maximumBytes: PublishingLimits.targetsBytes)
                .unverifiedContent
        } catch {
            throw PublishError(.roleDraft, "the role of team \(team) to follow cannot be read: \(error.reason)")
        }
    }
}

extension [BuiltFile] {
    /// Bytes by path.
    var byPath: [String: [UInt8]] { Dictionary(map { ($0.path, $0.bytes) }, uniquingKeysWith: { first, _ in first }) }
}
