import Codecs
import TUF
import TrustModel

/// Compares what is governed with what is published, role by role.
struct ReleasePlanner {
    let content: FleetContent
    let state: PublishedState
    let keys: FleetKeys
    let published: PublishedRoles
    let now: UTCDate
    private let lifetimes: Lifetimes

    /// How far a clock may stand behind the last signed time, as those of two replicas do, in seconds.
    static let tolerableSkew: Int64 = 300

    init(_ content: FleetContent, _ state: PublishedState, _ keys: FleetKeys, now: UTCDate) throws {
        guard content.id == keys.fleet else {
            throw PublishError(
                .missingKey, "the keys are those of fleet \(keys.fleet), the content is of \(content.id)")
        }
        try content.check()
        self.content = content
        self.state = state
        self.keys = keys
        published = try PublishedRoles(state)
        self.now = try Self.signedTime(now, published.lastIssued)
        lifetimes = content.profile.lifetimes
        try checkRoot()
    }

    func plan() throws -> ReleasePlan {
        let onlineRoles = try [FleetRole.deny, .revocation, .ops].map(plan(online:))
        let teams = try content.teams.map(plan(team:))
        let targets = try planTargets()
        let delegated = onlineRoles + teams
        let snapshot = try planSnapshot(delegated, targets)
        var reasons: [String: SigningReason] = [:]
        for role in delegated + [targets] { reasons[role.name] = role.reason }
        reasons["snapshot"] = snapshot.reason
        reasons["timestamp"] = try timestampReason(snapshot)
        let differing = (delegated + [targets]).filter(isDifferent)
        return ReleasePlan(
            content: content, state: state, now: now, reasons: reasons, oldTargetPaths: oldPaths(of: differing),
            nextDue: nextDue(delegated, targets, snapshot), held: [], waiting: [], keys: keys.identity,
            roles: delegated.filter { $0.reason != nil }, adopted: delegated.filter(isAdopted), targets: targets,
            snapshot: snapshot, contentDiffers: !differing.isEmpty)
    }

    /// Signs the timestamp alone, over the snapshot that is out.
    func timestampPlan(over snapshotBytes: [UInt8]) throws -> ReleasePlan {
        guard let snapshot = published.snapshot?.unverifiedContent, let targets = published.targets else {
            throw PublishError(.content, "fleet \(content.fleet) has published no snapshot")
        }
        let kept = PlannedRole(
            name: "targets", content: targets.unverifiedContent, kept: targets.bytes, reason: nil, files: [], team: nil)
        return ReleasePlan(
            content: content, state: state, now: now, reasons: ["timestamp": .renewed], oldTargetPaths: [],
            nextDue: now, held: [], waiting: [], keys: keys.identity, roles: [],
            adopted: [], targets: kept,
            snapshot: PlannedSnapshot(content: snapshot, kept: snapshotBytes, reason: nil), contentDiffers: false)
    }

    // MARK: Roles with targets

    private func plan(online role: FleetRole) throws -> PlannedRole {
        let bundle = try content.bundle(of: role)
        let name = try RoleName(slug: role.rawValue)
        let old = published.delegated[name]
        let candidate = Targets(header: header(lifetimes.online), targets: bundle.listing)
        return try settle(
            role.rawValue, candidate, old, try quorum(try keys.require(role)), lifetimes.online,
            files: bundle.built(without: old?.unverifiedContent.targets ?? [:]), knownVersion: nil)
    }

    private func plan(team: TeamContent) throws -> PlannedRole {
        let bundle = try team.bundle
        let here = published.delegated[try RoleName(slug: team.name.rawValue)]
        let newest = try newestRole(of: team.name, here)
        let files = bundle.built(without: here?.unverifiedContent.targets ?? [:])
        // The same bytes go into every fleet, so nothing in them names one.
        let header = MetadataHeader(version: 1, expires: lifetimes.team.expiry(from: now))
        return try settle(
            team.name.rawValue, Targets(header: header, targets: bundle.listing), newest,
            try quorum(try keys.require(team.name)), lifetimes.team, files: files,
            knownVersion: state.teamRoles[team.name]?.version, team: team.name)
    }

    /// The team's newest signed role, in whichever fleet it came out first; never older than what this fleet has.
    private func newestRole(
        of team: TeamName, _ here: UnverifiedMetadata<Targets>?
    ) throws -> UnverifiedMetadata<Targets>? {
        guard let signed = state.teamRoles[team] else { return here }
        let newest: UnverifiedMetadata<Targets>
        do { newest = try UnverifiedMetadata(signed.bytes, maximumBytes: MetadataLimits().targetsBytes) } catch {
            throw PublishError(.content, "the signed role of team \(team) cannot be read: \(error.reason)")
        }
        let listed = published.snapshot?.unverifiedContent.delegated[try RoleName(slug: team.rawValue)]?.version
        guard newest.unverifiedContent.version == signed.version, signed.version >= listed ?? 0 else {
            throw PublishError(
                .version,
                "team \(team) is known at version \(signed.version), fleet \(content.fleet) has published \(listed ?? 0)",
                hint:
                    "the database may have been restored from a backup; publish nothing until its newest state is back"
            )
        }
        return newest
    }

    private func planTargets() throws -> PlannedRole {
        let bundle = try content.bundle(of: .targets)
        let old = published.targets
        let candidate = Targets(
            header: header(lifetimes.targets), targets: bundle.listing, delegations: try delegations())
        let planned = try settle(
            "targets", candidate, old, published.root.content.quorum(for: .targets), lifetimes.targets,
            files: bundle.built(without: old?.unverifiedContent.targets ?? [:]), knownVersion: nil)
        guard planned.reason == nil || keys.targetsOnline else {
            throw PublishError(
                .offlineKey, "the targets role of fleet \(content.fleet) has to be signed with keys off this server",
                hint: "its settings or teams have changed, or it is about to expire")
        }
        return planned
    }

    /// What a ceremony has to sign.
    func targetsDrafts(under root: Root, renewing: Bool, oldFiles: [String: [UInt8]]) throws -> [TargetsDraft] {
        let bundle = try content.bundle(of: .targets)
        let base = state.signedTargets?.bytes ?? state.targets
        let old = try base.map { try UnverifiedMetadata<Targets>($0, maximumBytes: PublishingLimits.targetsBytes) }
        var candidate = Targets(
            header: header(lifetimes.targets), targets: bundle.listing, delegations: try delegations())
        let reason = Self.reason(candidate, old, root.quorum(for: .targets), lifetimes.targets, now)
        guard reason != nil || renewing else { return [] }
        let known = max(published.targets?.unverifiedContent.version ?? 0, old?.unverifiedContent.version ?? 0)
        candidate.header.version = try published.nextVersion(of: "targets", known: known)
        return [
            try TargetsDraft(
                "targets", try MetadataDraft(candidate), root: root, files: bundle.built(without: [:]), base: base,
                oldFiles: oldFiles)
        ]
    }

    /// Denials first, then what cannot widen trust, then the teams by name; each ends the search.
    private func delegations() throws -> Delegations {
        var ring: [Key] = []
        func delegation(_ name: String, _ key: Key) throws -> Delegation {
            ring.append(key)
            return Delegation(
                name: try RoleName(slug: name), keys: try RoleKeys([key.id], threshold: 1),
                paths: [PathPattern("\(name)/*")])
        }
        var roles = try [FleetRole.deny, .revocation, .ops].map {
            try delegation($0.rawValue, try keys.require($0).key)
        }
        roles += try content.teams.map { try delegation($0.name.rawValue, try keys.require($0.name).key) }
        return try Delegations(keys: KeyRing(ring.sorted { $0.id < $1.id }), roles: roles)
    }

    /// Keeps what is published when it says the same, is signed by who speaks for it now, and lives long enough.
    private func settle(
        _ name: String, _ candidate: Targets, _ old: UnverifiedMetadata<Targets>?, _ quorum: Quorum,
        _ lifetime: Lifetime, files: [BuiltFile], knownVersion: Int64?, team: TeamName? = nil
    ) throws -> PlannedRole {
        let reason = Self.reason(candidate, old, quorum, lifetime, now)
        guard let reason else {
            let content = old?.unverifiedContent ?? candidate
            return PlannedRole(name: name, content: content, kept: old?.bytes, reason: nil, files: files, team: team)
        }
        var content = candidate
        let known = max(old?.unverifiedContent.version ?? 0, knownVersion ?? 0)
        content.header.version = try published.nextVersion(of: name, known: known)
        return PlannedRole(name: name, content: content, kept: nil, reason: reason, files: files, team: team)
    }

    private static func reason<Content: RoleMetadata>(
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
    private func planSnapshot(_ roles: [PlannedRole], _ targets: PlannedRole) throws -> PlannedSnapshot {
        let old = published.snapshot
        var listed = old?.unverifiedContent.delegated ?? [:]
        for role in roles { listed[try RoleName(slug: role.name)] = MetaFile(version: role.content.version) }
        var candidate = Snapshot(
            header: header(lifetimes.snapshot), targets: MetaFile(version: targets.content.version), delegated: listed)
        let quorum = published.root.content.quorum(for: .snapshot)
        guard let reason = Self.reason(candidate, old, quorum, lifetimes.snapshot, now) else {
            return PlannedSnapshot(content: old?.unverifiedContent ?? candidate, kept: old?.bytes, reason: nil)
        }
        candidate.header.version = try published.nextVersion(
            of: "snapshot", known: old?.unverifiedContent.version)
        return PlannedSnapshot(content: candidate, kept: nil, reason: reason)
    }

    private func timestampReason(_ snapshot: PlannedSnapshot) throws -> SigningReason? {
        guard let old = published.timestamp else { return .new }
        if snapshot.reason != nil { return .changed }
        if (try? published.root.content.quorum(for: .timestamp).verify(old)) == nil { return .keys }
        return lifetimes.timestamp.isDue(old.unverifiedContent.expires, at: now) ? .renewed : nil
    }

    /// When what is kept comes up for renewal; what is signed now counts with its new expiry.
    private func nextDue(_ roles: [PlannedRole], _ targets: PlannedRole, _ snapshot: PlannedSnapshot) -> UTCDate {
        var dues = roles.map { lifetime(of: $0).due($0.content.expires) }
        dues.append(lifetimes.snapshot.due(snapshot.content.expires))
        if keys.targetsOnline { dues.append(lifetimes.targets.due(targets.content.expires)) }
        let timestamp = published.timestamp?.unverifiedContent.expires ?? lifetimes.timestamp.expiry(from: now)
        dues.append(lifetimes.timestamp.due(timestamp))
        return dues.min() ?? now
    }

    private func lifetime(of role: PlannedRole) -> Lifetime { role.team == nil ? lifetimes.online : lifetimes.team }

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

    // MARK: Headers, keys, time

    private func header(_ lifetime: Lifetime) -> MetadataHeader {
        MetadataHeader(
            version: 1, expires: lifetime.expiry(from: now),
            stamp: FleetStamp(fleet: content.id.rawValue, issued: now))
    }

    private func quorum(_ key: RoleKey) throws -> Quorum {
        Quorum(keys: KeyRing([key.key]), role: try RoleKeys([key.key.id], threshold: 1), of: key.purpose.role)
    }

    /// Root must be of this fleet, must not have expired, and must list the keys that this server signs with.
    private func checkRoot() throws {
        let root = published.root.content
        guard root.stamp?.fleet == content.id.rawValue else {
            throw PublishError(.content, "the root belongs to another fleet than \(content.fleet)")
        }
        guard !root.isExpired(at: now) else {
            throw PublishError(
                .content, "the root of fleet \(content.fleet) expired at \(root.expires)",
                hint: "hold a ceremony: roadstead ceremony open --fleet FLEET --key …")
        }
        for role in [FleetRole.timestamp, .snapshot, .targets] where role != .targets || keys.targetsOnline {
            let key = try keys.require(role).key
            guard let top = TopLevelRole(rawValue: role.rawValue), root[top].keyIDs.contains(key.id),
                root[top].threshold == 1
            else {
                throw PublishError(
                    .missingKey,
                    "the root of fleet \(content.fleet) does not give \(role.rawValue) to this server's key",
                    hint: "make the next root with the fleet's current keys")
            }
        }
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
