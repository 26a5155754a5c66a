import Codecs
import TUF
import TrustModel

/// Compares what is governed with what is published, role by role.
struct ReleasePlanner {
    let content: FleetContent
    let state: PublishedState
    let keys: FleetKeys
    let published: PublishedRoles
    /// Who speaks for which role in what is published.
    let publishedLayout: TeamLayout?
    let now: UTCDate
    let lifetimes: Lifetimes
    /// How far the audit log has come, for the next snapshot to carry; it is no reason to sign one.
    let audit: AuditHead?

    /// How far a clock may stand behind the last signed time, as those of two replicas do, in seconds.
    static let tolerableSkew: Int64 = 300

    init(
        _ content: FleetContent, _ state: PublishedState, _ keys: FleetKeys, audit: AuditHead? = nil, now: UTCDate
    ) throws {
        guard content.id == keys.fleet else {
            throw PublishError(
                .missingKey, "the keys are those of fleet \(keys.fleet), the content is of \(content.id)")
        }
        try content.check()
        self.content = content
        self.state = state
        self.keys = keys
        self.audit = audit
        published = try PublishedRoles(state)
        publishedLayout = published.layout
        self.now = try Self.signedTime(now, published.lastIssued)
        lifetimes = content.profile.lifetimes
    }

    /// The plan under the root whose ceremony has closed, and where that cannot come out yet, under the current one.
    func plan() throws -> ReleasePlan {
        let current = FleetRoot(published.root, keys)
        guard let pending = state.pendingRoot else { return try plan(under: current, []) }
        do {
            let entering = try FleetRoot.pending(pending, after: published.root, keys, at: now)
            return try plan(under: entering, [])
        } catch {
            let reason = (error as? PublishError)?.reason ?? (error as? TUFError)?.reason ?? "\(error)"
            return try plan(under: current, ["the fleet's new root cannot come out yet: \(reason)"])
        }
    }

    private func plan(under root: FleetRoot, _ notes: [String]) throws -> ReleasePlan {
        try root.check(content, at: now)
        let source = try targetsSource(under: root)
        let decisions = try teamDecisions(source)
        let own = try planTargets(root, source, decisions)
        let onlineRoles = try [FleetRole.deny, .revocation, .ops].map { try plan(online: $0, source) }
        let delegated = onlineRoles + decisions.compactMap(\.effective.role) + own.groups
        let snapshot = try planSnapshot(delegated, own.targets, root)
        var reasons: [String: SigningReason] = [:]
        for role in delegated + [own.targets] { reasons[role.name] = role.reason }
        reasons["snapshot"] = snapshot.reason
        let timestampReason = try timestampReason(snapshot, root)
        reasons["timestamp"] = timestampReason
        let differing = (delegated + [own.targets]).filter(isDifferent)
        return ReleasePlan(
            content: content, state: state, now: now, reasons: reasons, oldTargetPaths: oldPaths(of: differing),
            nextDue: nextDue(delegated + [own.targets], snapshot),
            held: decisions.compactMap(\.effective.held), waiting: notes + own.waiting,
            otherKeys: decisions.filter(\.isOtherwise).map(\.team.name), keys: keys.identity,
            roles: delegated.filter { $0.reason != nil }, adopted: delegated.filter(isAdopted), targets: own.targets,
            snapshot: snapshot, timestampSigners: try root.require(.timestamp, of: content.fleet),
            enteringRoot: root.isEntering ? root.root : nil, settings: own.settings,
            signsTargets: source.isServer, contentDiffers: !differing.isEmpty || root.isEntering)
    }

    /// Signs the timestamp alone, over the snapshot that is out and under the root that is out.
    func timestampPlan(over snapshotBytes: [UInt8]) throws -> ReleasePlan {
        guard let snapshot = published.snapshot?.unverifiedContent, let targets = published.targets else {
            throw PublishError(.content, "fleet \(content.fleet) has published no snapshot")
        }
        let root = FleetRoot(published.root, keys)
        try root.check(content, at: now)
        let kept = PlannedRole(
            name: "targets", content: targets.unverifiedContent, kept: targets.bytes, reason: nil, files: [], team: nil,
            signers: [], due: now)
        return ReleasePlan(
            content: content, state: state, now: now, reasons: ["timestamp": .renewed], oldTargetPaths: [],
            nextDue: now, held: [], waiting: [], otherKeys: [], keys: keys.identity, roles: [], adopted: [],
            targets: kept,
            snapshot: PlannedSnapshot(content: snapshot, kept: snapshotBytes, reason: nil, signers: []),
            timestampSigners: try root.require(.timestamp, of: content.fleet), enteringRoot: nil,
            settings: content.settings, signsTargets: false, contentDiffers: false)
    }

    // MARK: Roles with targets

    private func plan(online role: FleetRole, _ source: TargetsSource) throws -> PlannedRole {
        let bundle = try content.bundle(of: role)
        let name = try RoleName(slug: role.rawValue)
        let old = published.delegated[name]
        let desired = try keys[role].map { try TeamQuorum($0.key) }
        let present = publishedLayout?[name].flatMap { TeamQuorum($0) }
        let speaker = try source.speaker(of: name) ?? TeamQuorum(try keys.require(role).key)
        let all = [speaker, present, desired].compactMap { $0 }
        let signers = keys.held(role).filter { key in all.contains { $0.contains(key) } }
        guard Set(signers.filter(speaker.contains).map(\.key.id)).count >= speaker.threshold else {
            throw missing(role)
        }
        let candidate = Targets(header: header(lifetimes.online), targets: bundle.listing)
        return try settle(
            role.rawValue, candidate, old, try speaker.quorum(of: role.rawValue), lifetimes.online,
            files: bundle.built(without: old?.unverifiedContent.targets ?? [:]), signers: signers)
    }

    private func missing(_ role: FleetRole) -> PublishError {
        PublishError(
            .missingKey,
            "the settings of fleet \(content.fleet) name other keys for \(role.rawValue) than this server's",
            hint: "hold a ceremony: roadstead ceremony open --fleet FLEET --role targets")
    }

    /// Keeps what is published when it says the same, is signed by who speaks for it now, and lives long enough.
    func settle(
        _ name: String, _ candidate: Targets, _ old: UnverifiedMetadata<Targets>?, _ quorum: Quorum,
        _ lifetime: Lifetime, files: [BuiltFile], signers: [RoleKey]
    ) throws -> PlannedRole {
        guard let reason = Self.reason(candidate, old, quorum, lifetime, now) else {
            let content = old?.unverifiedContent ?? candidate
            return PlannedRole(
                name: name, content: content, kept: old?.bytes, reason: nil, files: files, team: nil, signers: [],
                due: lifetime.due(content.expires))
        }
        var content = candidate
        content.header.version = try published.nextVersion(of: name, known: old?.unverifiedContent.version)
        return PlannedRole(
            name: name, content: content, kept: nil, reason: reason, files: files, team: nil, signers: signers,
            due: lifetime.due(content.expires))
    }

    static func reason<Content: RoleMetadata>(
        _ candidate: Content, _ old: UnverifiedMetadata<Content>?, _ quorum: Quorum, _ lifetime: Lifetime,
        _ now: UTCDate
    ) -> SigningReason? {
        guard let old else { return .new }
        var same = candidate
        same.header = old.unverifiedContent.header
        if same != old.unverifiedContent { return .changed }
        if (try? quorum.verify(old)) == nil { return .keys }
        return lifetime.isDue(old.unverifiedContent.expires, at: now) ? .renewed : nil
    }

    // MARK: Snapshot and timestamp

    /// Lists every role ever published: one that was once listed must stay. [TUF §5.5.5]
    private func planSnapshot(
        _ roles: [PlannedRole], _ targets: PlannedRole, _ root: FleetRoot
    ) throws -> PlannedSnapshot {
        let old = published.snapshot
        var listed = old?.unverifiedContent.delegated ?? [:]
        for role in roles { listed[try RoleName(slug: role.name)] = MetaFile(version: role.content.version) }
        var candidate = Snapshot(
            header: header(lifetimes.snapshot), targets: MetaFile(version: targets.content.version), delegated: listed)
        let reason = Self.reason(candidate, old, root.content.quorum(for: .snapshot), lifetimes.snapshot, now)
        // A new root comes out as a release, with a number.
        guard let reason = reason ?? (root.isEntering ? .keys : nil) else {
            return PlannedSnapshot(
                content: old?.unverifiedContent ?? candidate, kept: old?.bytes, reason: nil, signers: [])
        }
        candidate.header.version = try published.nextVersion(
            of: "snapshot", known: old?.unverifiedContent.version)
        candidate.header.stamp?.otherMembers[AuditHead.member] = audit?.json
        return PlannedSnapshot(
            content: candidate, kept: nil, reason: reason, signers: try root.require(.snapshot, of: content.fleet))
    }

    private func timestampReason(_ snapshot: PlannedSnapshot, _ root: FleetRoot) throws -> SigningReason? {
        guard let old = published.timestamp else { return .new }
        if snapshot.reason != nil { return .changed }
        if (try? root.content.quorum(for: .timestamp).verify(old)) == nil { return .keys }
        return lifetimes.timestamp.isDue(old.unverifiedContent.expires, at: now) ? .renewed : nil
    }

    /// When there is something to do although nothing changes; what is signed now counts with its new expiry.
    private func nextDue(_ roles: [PlannedRole], _ snapshot: PlannedSnapshot) -> UTCDate {
        let timestamp = published.timestamp?.unverifiedContent.expires ?? lifetimes.timestamp.expiry(from: now)
        let dues =
            roles.map(\.due) + [lifetimes.snapshot.due(snapshot.content.expires), lifetimes.timestamp.due(timestamp)]
        return dues.min() ?? now
    }

    // MARK: Comparing

    private func old(_ role: PlannedRole) -> Targets? {
        guard role.name != "targets" else { return published.targets?.unverifiedContent }
        return (try? RoleName(slug: role.name)).flatMap { published.delegated[$0]?.unverifiedContent }
    }

    private func isDifferent(_ role: PlannedRole) -> Bool {
        guard let old = old(role) else { return true }
        return old.targets != role.content.targets || old.delegations != role.content.delegations
    }

    private func isAdopted(_ role: PlannedRole) -> Bool {
        role.reason == nil && old(role)?.version != role.content.version
    }

    private func oldPaths(of roles: [PlannedRole]) -> [String] {
        roles.flatMap { role in
            (old(role)?.targets ?? [:]).filter { role.content.targets[$0.key] != $0.value }.map(targetPath)
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    // MARK: Headers, time

    func header(_ lifetime: Lifetime) -> MetadataHeader {
        MetadataHeader(
            version: 1, expires: lifetime.expiry(from: now),
            stamp: FleetStamp(fleet: content.id.rawValue, issued: now))
    }

    /// The time to sign: never before what was signed last.
    private static func signedTime(_ now: UTCDate, _ last: UTCDate?) throws -> UTCDate {
        guard let last, now < last else { return now }
        guard last.seconds - now.seconds <= tolerableSkew else {
            throw PublishError(
                .clock, "the clock says \(now), and \(last) was signed already", hint: "set this machine's clock right")
        }
        return last
    }
}
