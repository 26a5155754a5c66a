package import Codecs
import SigningKeys
import TUF
package import TrustModel

/// A fleet's next root, waiting for signatures made elsewhere: the server sees public keys and signatures, nothing else.
///
/// Its content is fixed when it is opened. It is stored as `toSign`, the root it follows and the signatures, and taken
/// up again from these three.
package struct RootDraft: Sendable {
    /// Who speaks for the targets role under the new root.
    package enum TargetsKeys: Sendable {
        /// The server's own key: the quick start, not protected from the server.
        case online
        /// Keys of the trust administrators.
        case offline(ProposedKeys)
    }

    /// What a ceremony is opened with.
    package struct Request: Sendable {
        package let fleet: FleetID
        package let profile: FleetProfile
        package let rootKeys: ProposedKeys
        package let targets: TargetsKeys
        /// The fleet's own keys, of which only the public halves are read.
        package let online: [ServerKey]
        /// Keys that serve elsewhere: in other fleets, other roles or for teams.
        package let used: [UsedKey]
        /// Begin anew without the keys of the root before, because too few of them are left.
        ///
        /// No host follows by itself: each has to be enrolled again with the new root's fingerprint.
        package let startsOver: Bool

        package init(
            fleet: FleetID, profile: FleetProfile, rootKeys: ProposedKeys, targets: TargetsKeys = .online,
            online: [ServerKey], used: [UsedKey], startsOver: Bool = false
        ) {
            self.fleet = fleet
            self.profile = profile
            self.rootKeys = rootKeys
            self.targets = targets
            self.online = online
            self.used = used
            self.startsOver = startsOver
        }
    }

    private var draft: QuorumDraft<Root>
    private let base: SignedMetadata<Root>?

    /// Opens a draft of the root that follows `base`; the first one follows nothing.
    package init(_ request: Request, after base: [UInt8]?, now: UTCDate) throws {
        let previous = try base.map(Self.read)
        var keys = KeyRing()
        let rootRole = try Self.root(request, previous, &keys)
        func online(_ role: FleetRole) throws -> RoleKeys {
            guard let key = request.online.first(where: { $0.purpose == .fleet(request.fleet, role) })?.key else {
                throw PublishError(.missingKey, "fleet \(request.fleet) has no key for its role \(role.rawValue)")
            }
            keys.add(key)
            return try RoleKeys([key.id], threshold: 1)
        }
        let (timestamp, snapshot) = (try online(.timestamp), try online(.snapshot))
        let targets: RoleKeys
        switch request.targets {
        case .online: targets = try online(.targets)
        case .offline(let proposed):
            let own = previous?.content.quorum(for: .targets).materials ?? []
            let (taken, role) = try proposed.checked(for: "the targets role")
            for key in taken {
                try Self.check(key, own, request)
                keys.add(key)
            }
            targets = role
        }
        let header = MetadataHeader(
            version: try Self.version(after: previous), expires: request.profile.lifetimes.root.expiry(from: now),
            stamp: Self.stamp(request, now))
        let sorted = KeyRing(keys.listed.map(\.key).sorted { $0.id < $1.id })
        let content = Root(
            header: header, keys: sorted, root: rootRole, timestamp: timestamp, snapshot: snapshot, targets: targets)
        try Self.publishable(content)
        draft = Self.draft(try MetadataDraft(content), after: previous)
        self.base = previous
    }

    /// Takes up a stored draft with the signatures collected so far, each of which is verified again.
    package init(toSign: [UInt8], after base: [UInt8]?, signatures: [(keyID: String, signature: String)]) throws {
        self.base = try base.map(Self.read)
        draft = Self.draft(
            try MetadataDraft<Root>(toSign: toSign, maximumBytes: PublishingLimits.rootBytes), after: self.base)
        guard try draft.content.version == Self.version(after: self.base) else {
            throw PublishError(
                .rootDraft, "the draft of root \(draft.content.version) does not follow the fleet's current root",
                hint: "another root was published meanwhile; open a new ceremony")
        }
        for (keyID, signature) in signatures { try add(signature: signature, keyID: keyID) }
    }

    package var version: Int64 { draft.content.version }
    package var expires: UTCDate { draft.content.expires }
    /// The exact canonical bytes that every key holder signs.
    package var toSign: [UInt8] { draft.toSign }
    /// Of the root that this one follows; nil for the first.
    package var baseSHA256: String? { base.map { hexSHA256($0.bytes) } }
    /// The keys whose signatures count towards the old or the new threshold.
    package var keyIDs: [String] { draft.keyIDs }
    package var signedBy: [String] { draft.signedBy }
    package var targetsOnline: Bool { Self.targetsOnline(draft.content) }
    /// Whether hosts have to be enrolled again, because the keys of the root before have no part in this one.
    package var startsOver: Bool { draft.content.startsOver }
    /// What still has to be signed, a line each; nothing when the root can be closed.
    package var missing: [String] { draft.missing }

    /// Takes a signature in if it is one of a key that counts, over exactly these bytes.
    ///
    /// - Parameter signature: hexadecimal.
    package mutating func add(signature: String, keyID: String) throws {
        try draft.add(signature: signature, keyID: keyID)
    }

    /// The finished root, once both thresholds are met.
    package func close() throws -> BuiltFile {
        let bytes = try draft.close("root \(version)", limit: PublishingLimits.rootBytes)
        return BuiltFile(
            kind: .root, path: "metadata/\(version).root.json", bytes: bytes, role: "root", version: version,
            sha256: hexSHA256(bytes))
    }

    private static func draft(
        _ draft: MetadataDraft<Root>, after base: SignedMetadata<Root>?
    ) -> QuorumDraft<Root> {
        let content = draft.content
        var parties = [
            QuorumDraft<Root>.Party(
                quorum: content.quorum(for: .root), label: "the keys of root \(content.version)")
        ]
        if let base, !content.startsOver {
            let former = base.content.quorum(for: .root)
            parties.insert(.init(quorum: former, label: "the keys of root \(base.version)"), at: 0)
        }
        return QuorumDraft(draft, parties: parties, code: .rootDraft)
    }
}

extension RootDraft {
    /// What the new root changes, a line each, for the people who sign it.
    package var difference: [String] {
        let new = draft.content
        guard let old = base?.content else {
            return ["first root of fleet \(new.stamp?.fleet ?? "?")", "expires \(expires)"]
                + TopLevelRole.allCases.flatMap { Self.lines($0, nil, new) } + custodyLines
        }
        let head =
            startsOver
            ? "root \(version) starts over after root \(old.version): every host has to be enrolled again"
            : "root \(version) follows root \(old.version)"
        return [head, "expires \(expires), the old one \(old.expires)"]
            + TopLevelRole.allCases.flatMap { Self.lines($0, old, new) } + custodyLines
    }

    private var custodyLines: [String] { targetsOnline ? ["targets: \(FleetKeys.onlineTargetsNote)"] : [] }

    private static func lines(_ role: TopLevelRole, _ old: Root?, _ new: Root) -> [String] {
        let before = old.map { $0[role].keyIDs } ?? []
        let after = new[role].keyIDs
        func name(_ id: KeyID, _ root: Root?) -> String { "\(root?.keys.key(listedAs: id)?.type ?? "key") \(id)" }
        var lines = before.filter { !after.contains($0) }.map { "\(role.rawValue): key removed: \(name($0, old))" }
        lines += after.filter { !before.contains($0) }.map { "\(role.rawValue): key added: \(name($0, new))" }
        if old?[role].threshold != new[role].threshold {
            let was = old.map { "\($0[role].threshold) to " } ?? ""
            lines.append("\(role.rawValue): threshold \(was)\(new[role].threshold)")
        }
        return lines
    }
}

extension RootDraft {
    private static func root(
        _ request: Request, _ previous: SignedMetadata<Root>?, _ keys: inout KeyRing
    ) throws -> RoleKeys {
        let own = previous?.content.quorum(for: .root).materials ?? []
        let (taken, role) = try request.rootKeys.checked(for: "root")
        for key in taken {
            try check(key, own, request)
            keys.add(key)
        }
        return role
    }

    /// A key serves one role of one fleet; the ones that the old root has for the same role may stay.
    private static func check(_ key: Key, _ own: Set<PublicKey>, _ request: Request) throws {
        guard let material = key.material, !own.contains(material) else { return }
        let served = request.online.map { UsedKey(key: $0.key, holder: "\($0.purpose)") } + request.used
        if let other = served.first(where: { $0.key.material == material }) {
            throw PublishError(
                .rootKey, "key \(key.id) already serves as \(other.holder)",
                hint: "make a key of its own for every fleet and role: roadstead key generate")
        }
    }

    /// The root itself says that the server holds the targets key, so that whoever signs or reads it knows.
    private static func stamp(_ request: Request, _ now: UTCDate) -> FleetStamp {
        var stamp = FleetStamp(fleet: request.fleet.rawValue, issued: now)
        if case .online = request.targets { stamp.otherMembers[targetsMember] = .string(onlineValue) }
        if request.startsOver { stamp.otherMembers[Root.startsOverMember] = .bool(true) }
        return stamp
    }

    fileprivate static func targetsOnline(_ root: Root) -> Bool {
        root.stamp?.otherMembers[targetsMember] == .string(onlineValue)
    }

    private static let targetsMember = "targets"
    private static let onlineValue = "online"

    private static func publishable(_ content: Root) throws {
        do { try content.checkForPublishing() } catch {
            throw PublishError(.rootKey, error.reason, hint: error.hint)
        }
    }

    private static func version(after base: SignedMetadata<Root>?) throws -> Int64 {
        guard let base else { return 1 }
        guard base.version < MetadataLimits.maximumVersion else {
            throw PublishError(.version, "root has come to the highest version there is")
        }
        return base.version + 1
    }

    fileprivate static func read(_ bytes: [UInt8]) throws -> SignedMetadata<Root> {
        do {
            return try SignedMetadata(
                selfSigned: try UnverifiedMetadata<Root>(bytes, maximumBytes: PublishingLimits.rootBytes))
        } catch {
            throw PublishError(.rootDraft, "the root to follow cannot be used: \(error.reason)")
        }
    }
}

extension Root {
    fileprivate static let startsOverMember = "starts-over"

    /// Whether the root says of itself that it does not follow the one before.
    var startsOver: Bool { stamp?.otherMembers[Self.startsOverMember] == .bool(true) }
}

/// What a fleet's current root says, for those who only show it.
package struct RootSummary: Sendable, Equatable {
    package let version: Int64
    package let expires: UTCDate
    package let sha256: String
    /// Whether the server holds the targets key; then custody is to be shown with `FleetKeys.onlineTargetsNote`.
    package let targetsOnline: Bool
    package let keyIDs: [String]
    package let threshold: Int

    /// Reads a root that its own keys have signed.
    package init(_ bytes: [UInt8]) throws {
        let root = try RootDraft.read(bytes)
        version = root.version
        expires = root.content.expires
        sha256 = hexSHA256(bytes)
        targetsOnline = RootDraft.targetsOnline(root.content)
        keyIDs = root.content.root.keyIDs.map(\.text)
        threshold = root.content.root.threshold
    }
}
