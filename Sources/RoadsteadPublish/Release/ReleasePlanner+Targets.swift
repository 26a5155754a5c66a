import Codecs
import TUF
import TrustModel

/// Where the fleet's own role comes from in a release.
enum TargetsSource {
    /// The server signs it, with these keys.
    case server([RoleKey], Quorum)
    /// People have signed it.
    case ceremony(CeremonyTargets, TeamLayout, waiting: String?)

    var isServer: Bool { if case .server = self { true } else { false } }

    /// Who speaks for a role by what people have signed; nil when the server signs that.
    ///
    /// - Throws: when nobody delegates to the role.
    func speaker(of name: RoleName) throws -> TeamQuorum? {
        guard case .ceremony(_, let layout, _) = self else { return nil }
        guard let speaker = layout[name].flatMap({ TeamQuorum($0) }) else {
            throw PublishError(.offlineKey, "the fleet's settings do not name the role \(name)")
        }
        return speaker
    }
}

/// What is done about a team, and what would be if the server could sign the fleet's own role.
struct TeamOutcome {
    let team: TeamContent
    let effective: TeamDecision
    let wanted: TeamDecision
    /// The custody that hosts are told of, for who speaks in the wanted decision.
    let custody: Custody?
    /// Who should speak for the team by what was agreed.
    let desired: TeamQuorum?

    /// Whether hosts go on believing others.
    var isOtherwise: Bool { effective.speaker.map { $0 != desired } ?? false }
}

/// The fleet's own role and the groups of its teams.
struct OwnRoles {
    let targets: PlannedRole
    let groups: [PlannedRole]
    let settings: FleetSettings
    /// What people have to sign before hosts learn it.
    let waiting: [String]
}

extension ReleasePlanner {
    func targetsSource(under root: FleetRoot) throws -> TargetsSource {
        if let signers = root.signers(.targets) { return .server(signers, root.content.quorum(for: .targets)) }
        let (newest, waiting) = try CeremonyTargets.newest(
            state, published, under: root.content, fleet: content, now: now)
        return .ceremony(newest, newest.layout, waiting: waiting)
    }

    // MARK: Teams

    func teamDecisions(_ source: TargetsSource) throws -> [TeamOutcome] {
        guard case .ceremony(_, let layout, _) = source else { return try teamDecisions(under: publishedLayout) }
        return try content.teams.map { team in
            let planner = try planner(of: team, layout)
            let speaker = layout[team.name]
            // Where people have named who should speak, there is nothing to want.
            let isSettled = speaker != nil && speaker == planner.desired
            let fixed = speaker.map(planner.fixed)
            let wanted = isSettled ? fixed ?? planner.free() : planner.free()
            return TeamOutcome(
                team: team, effective: fixed ?? Self.waitingForCeremony(team, wanted), wanted: wanted,
                custody: custody(of: team, planner, wanted), desired: planner.desired)
        }
    }

    /// The decisions of who signs the delegations as well.
    private func teamDecisions(under layout: TeamLayout?) throws -> [TeamOutcome] {
        try content.teams.map { team in
            let planner = try planner(of: team, layout)
            let decision = planner.free()
            return TeamOutcome(
                team: team, effective: decision, wanted: decision, custody: custody(of: team, planner, decision),
                desired: planner.desired)
        }
    }

    private static func waitingForCeremony(_ team: TeamContent, _ wanted: TeamDecision) -> TeamDecision {
        let reason = wanted.held?.reason ?? "a ceremony has to name who speaks for it"
        let held = HeldTeam(team: team.name, reason: reason, isListed: false)
        return TeamDecision(role: nil, speaker: nil, held: held)
    }

    private func planner(of team: TeamContent, _ layout: TeamLayout?) throws -> TeamPlanner {
        let name = try RoleName(slug: team.name.rawValue)
        let (here, best) = (published.delegated[name], state.teamRoles[team.name])
        return TeamPlanner(
            team: team, keys: keys, present: layout?[team.name], here: here,
            listed: published.listedVersion(of: name) ?? 0, best: best, lifetimes: lifetimes, now: now,
            nextVersion: {
                let known = max(here?.unverifiedContent.version ?? 0, best?.version ?? 0)
                return try published.nextVersion(of: team.name.rawValue, known: known)
            })
    }

    /// The custody of who speaks: what was agreed, unless the others still do.
    private func custody(of team: TeamContent, _ planner: TeamPlanner, _ decision: TeamDecision) -> Custody? {
        guard let speaker = decision.speaker else { return nil }
        guard let desired = planner.desired, desired != speaker else { return team.custody }
        return keys.held(team.name).contains(where: speaker.contains) ? .server : .team
    }

    // MARK: The fleet's own role

    func planTargets(_ root: FleetRoot, _ source: TargetsSource, _ teams: [TeamOutcome]) throws -> OwnRoles {
        switch source {
        case .server(let signers, let quorum):
            let wanted = try wanted(teams, signedBy: quorum)
            let old = published.targets
            let targets = try settle(
                "targets", wanted.targets, old, quorum, lifetimes.targets,
                files: wanted.bundle.built(without: old?.unverifiedContent.targets ?? [:]), signers: signers)
            let groups = try wanted.groups.map { name, candidate in
                try settle(
                    name.text, candidate, published.delegated[name], quorum, lifetimes.targets, files: [],
                    signers: signers)
            }
            return OwnRoles(targets: targets, groups: groups, settings: wanted.settings, waiting: [])
        case .ceremony(let newest, let layout, let note):
            let wanted = try wanted(teams, signedBy: root.content.quorum(for: .targets))
            let groups = newest.groups.sorted { $0.key < $1.key }.map { Self.taken($0.key.text, $0.value, files: []) }
            return OwnRoles(
                targets: Self.taken("targets", newest.targets, files: newest.files), groups: groups,
                settings: wanted.settings, waiting: (note.map { [$0] } ?? []) + waiting(wanted, layout, newest.targets))
        }
    }

    private static func taken(
        _ name: String, _ role: UnverifiedMetadata<Targets>, files: [BuiltFile]
    ) -> PlannedRole {
        let content = role.unverifiedContent
        return PlannedRole(
            name: name, content: content, kept: role.bytes, reason: nil, files: files, team: nil, signers: [],
            due: content.expires)
    }

    /// What the fleet's own role and its groups should say.
    struct WantedTargets {
        let targets: Targets
        let groups: [(name: RoleName, content: Targets)]
        let bundle: TargetBundle
        let settings: FleetSettings
        let layout: TeamLayout
    }

    func wanted(_ teams: [TeamOutcome], signedBy quorum: Quorum) throws -> WantedTargets {
        let custody = teams.compactMap { outcome in outcome.custody.map { (outcome.team.name, $0) } }
        let settings = content.settings(custody: Dictionary(uniqueKeysWithValues: custody))
        let bundle = try FleetContent.bundle(of: settings)
        let own = try [FleetRole.deny, .revocation, .ops].map {
            (name: $0.rawValue, quorum: try TeamQuorum(try keys.require($0).key))
        }
        let isSplit = content.teams.count > TeamGroup.threshold || publishedLayout?.isSplit ?? false
        let draft = TeamLayoutDraft(
            own: own, teams: teams.compactMap { team in team.wanted.speaker.map { (team.team.name, $0) } },
            isSplit: isSplit)
        let targets = Targets(
            header: header(lifetimes.targets), targets: bundle.listing,
            delegations: try draft.delegations(keys: quorum))
        let groups = try draft.groups.map { name, delegations in
            (
                name: try RoleName(slug: name),
                content: Targets(header: header(lifetimes.targets), targets: [:], delegations: delegations)
            )
        }
        let layout = TeamLayout(targets, groups: Dictionary(uniqueKeysWithValues: groups.map { ($0.name, $0.content) }))
        return WantedTargets(targets: targets, groups: groups, bundle: bundle, settings: settings, layout: layout)
    }

    // MARK: Ceremonies

    /// What people have to sign before hosts learn it, a line each.
    private func waiting(
        _ wanted: WantedTargets, _ layout: TeamLayout, _ role: UnverifiedMetadata<Targets>
    ) -> [String] {
        var lines: [String] = []
        let (before, after) = (Set(layout.names), Set(wanted.layout.names))
        for name in after.union(before).sorted() where !TeamGroup.isName(name.text) {
            let (was, now) = (layout[name].flatMap { TeamQuorum($0) }, wanted.layout[name].flatMap { TeamQuorum($0) })
            guard was != now else { continue }
            let what = (try? TeamName(name.text)) == nil ? "role \(name)" : "team \(name)"
            lines.append(
                was == nil ? "\(what) is to be added" : now == nil ? "\(what) is to be removed" : "\(what) has new keys"
            )
        }
        if wanted.targets.targets != layout.targets.targets { lines.append("the fleet's settings have changed") }
        if layout.isSplit != wanted.layout.isSplit { lines.append("the teams are to be put into groups") }
        let expires = role.unverifiedContent.expires
        if lifetimes.targets.isDue(expires, at: now) { lines.append("the fleet's settings expire at \(expires)") }
        return lines.map { "\($0): a ceremony has to sign it" }
    }

    /// What a ceremony has to sign.
    func targetsDrafts(under root: Root, renewing: Bool, oldFiles: [String: [UInt8]]) throws -> [TargetsDraft] {
        let newest = try newestOwnRoles()
        let teams = try teamDecisions(under: newest.layout)
        let wanted = try wanted(teams, signedBy: root.quorum(for: .targets))
        let quorum = root.quorum(for: .targets)
        var drafts: [TargetsDraft] = []
        func add(_ name: String, _ candidate: Targets, _ old: UnverifiedMetadata<Targets>?, _ files: [BuiltFile]) throws
        {
            guard Self.reason(candidate, old, quorum, lifetimes.targets, now) != nil || renewing else { return }
            var content = candidate
            content.header.version = try published.nextVersion(of: name, known: old?.unverifiedContent.version)
            drafts.append(
                try TargetsDraft(
                    name, try MetadataDraft(content), root: root, files: files, base: old?.bytes, oldFiles: oldFiles))
        }
        for (name, candidate) in wanted.groups { try add(name.text, candidate, newest.groups[name], []) }
        try add("targets", wanted.targets, newest.targets, wanted.bundle.built(without: [:]))
        return drafts
    }

    /// What a new draft follows: the newest file of each role, published or still waiting for it.
    private func newestOwnRoles() throws -> (
        targets: UnverifiedMetadata<Targets>?, groups: [RoleName: UnverifiedMetadata<Targets>], layout: TeamLayout?
    ) {
        let limit = PublishingLimits.targetsBytes
        func newer(_ bytes: [UInt8]?, _ role: UnverifiedMetadata<Targets>?) throws -> UnverifiedMetadata<Targets>? {
            guard let signed = try bytes.map({ try UnverifiedMetadata<Targets>($0, maximumBytes: limit) }) else {
                return role
            }
            return signed.unverifiedContent.version > role?.unverifiedContent.version ?? 0 ? signed : role
        }
        let targets = try newer(state.signedTargets?.bytes, published.targets)
        var groups = published.delegated.filter { TeamGroup.isName($0.key.text) }
        for (text, bytes) in state.signedTargets?.groups ?? [:] {
            let name = try RoleName(slug: text)
            groups[name] = try newer(bytes, groups[name])
        }
        let layout = targets.map { TeamLayout($0.unverifiedContent, groups: groups.mapValues(\.unverifiedContent)) }
        return (targets, groups, layout)
    }
}
