package import Codecs

/// Everything that one host's trust is made of, each part verified before.
package struct TrustMerge: Sendable {
    package let settings: FleetSettings
    /// Nil when the role `ops` could not be had; nothing in it can widen trust.
    package let ops: OpsSettings?
    package let deny: DenyDocument
    package let teams: [TeamName: TeamState]
    /// The content of each team that was last in force here.
    package let lastGood: [TeamName: TeamTargets]
    /// The repositories known before, kept when `ops` is not there.
    package let lastRepositories: [RegistryScope]
    /// The teams that lagged before this merge: their grace periods go on.
    package let lagging: [LaggingTeam]
    package let release: Int64
    package let issued: UTCDate
    /// Now, for grace periods; the issue time unless said.
    package let time: UTCDate

    package init(
        settings: FleetSettings, ops: OpsSettings?, deny: DenyDocument, teams: [TeamName: TeamState],
        lastGood: [TeamName: TeamTargets] = [:], lastRepositories: [RegistryScope] = [], lagging: [LaggingTeam] = [],
        release: Int64, issued: UTCDate, time: UTCDate? = nil
    ) {
        self.settings = settings
        self.ops = ops
        self.deny = deny
        self.teams = teams
        self.lastGood = lastGood
        self.lastRepositories = lastRepositories
        self.lagging = lagging
        self.release = release
        self.issued = issued
        self.time = time ?? issued
    }

    /// A host's trust and what a person has to know about it.
    package struct Outcome: Sendable {
        package let trust: HostTrust
        package let warnings: [TrustWarning]
        /// The content in force after this merge, per team: what the next merge may fall back to.
        package let content: [TeamName: TeamTargets]
        /// The teams whose newest content is not in force.
        package let lagging: [LaggingTeam]
    }

    /// One team's part of a merge.
    private struct Part {
        var trust: TeamTrust
        var content: TeamTargets?
        var lagging: LaggingTeam?
    }

    /// `trust = (team stores, minus denials) inside the teams' scopes`.
    ///
    /// It never fails: a team whose content cannot be used keeps its last good content through the fleet's grace
    /// period; after it, or with none, its scopes reject.
    package func merged() -> Outcome {
        let owners = ScopeOwners(settings.teams)
        var warnings = owners.contested.map {
            TrustWarning(.contestedScope, "registry scope \($0) is claimed by more than one team; it rejects")
        }
        if ops == nil {
            warnings.append(
                TrustWarning(.missing, "the fleet's ops settings could not be had; the last known repositories stay"))
        }
        var content: [TeamName: TeamTargets] = [:]
        var statements: [HostTrust.Statement] = []
        var stores: [TeamTrust.Store] = []
        var lagging: [LaggingTeam] = []
        for team in settings.teams.sorted(by: { $0.name < $1.name }) {
            let part = part(of: team, owners: owners)
            content[team.name] = part.content
            lagging += part.lagging.map { [$0] } ?? []
            warnings += (part.lagging.map { [$0.warning] } ?? []) + part.trust.warnings
            statements += part.trust.statements
            if let rejecting = Self.rejection(of: team, statements: part.trust.statements, owners: owners) {
                statements.append(rejecting)
            }
            stores += part.trust.stores
        }
        let own = FleetStatements(settings.policy, owners: owners)
        statements += own.statements
        warnings += own.warnings
        let exceptions = (settings.exceptions ?? []).map { $0.owned(by: owners) }
        warnings += exceptions.filter { $0.holds(at: time) }.map { TrustWarning(.exception, "\($0)") }
        warnings += unknownDenials
        warnings += removeDenied(from: &stores)
        return Outcome(
            trust: HostTrust(
                fleet: settings.fleet, release: release, issued: issued, statements: statements,
                stores: stores.map(\.published), denials: deny.denials,
                repositories: Set(ops?.repositories ?? lastRepositories).sorted(), exceptions: exceptions
            ).withoutEnded(at: time),
            warnings: warnings, content: content, lagging: lagging)
    }

    private func part(of team: FleetSettings.Team, owners: ScopeOwners) -> Part {
        let failure: String
        switch teams[team.name] {
        case .verified(let content)?:
            do {
                let trust = try TeamTrust(content, team: team, owners: owners, rules: settings.policy, fit: .whole)
                return Part(trust: trust, content: content)
            } catch { failure = "\(error)" }
        case .unavailable(let reason)?: failure = reason
        case nil: failure = "the fleet publishes no role for it"
        }
        let since = lagging.first { $0.team == team.name }?.since ?? time
        let end = since.adding(seconds: settings.freshness.teamGraceSeconds)
        if time < end, let content = lastGood[team.name],
            let trust = try? TeamTrust(content, team: team, owners: owners, rules: settings.policy, fit: .cut)
        {
            let lag = LaggingTeam(team: team.name, state: .lastGood, since: since, reason: failure)
            return Part(trust: trust, content: content, lagging: lag)
        }
        let lag = LaggingTeam(team: team.name, state: .rejecting, since: since, reason: failure)
        return Part(trust: TeamTrust(warnings: []), lagging: lag)
    }

    /// Scopes of a team that no statement of it reaches reject by a statement without stores,
    /// so that neither a shorter scope of another team nor a statement for everything catches their images.
    private static func rejection(
        of team: FleetSettings.Team, statements: [HostTrust.Statement], owners: ScopeOwners
    ) -> HostTrust.Statement? {
        let open = owners.unreached(team, statements: statements)
        guard !open.isEmpty else { return nil }
        var name = "rejected"
        while statements.contains(where: { $0.name == name }) { name += "-scopes" }
        return HostTrust.Statement(
            name: name, team: team.name, scopes: open, level: "strict", override: nil, stores: [],
            trustedIdentities: ["*"])
    }

    private var unknownDenials: [TrustWarning] {
        deny.denials.filter { $0.subject == nil }.map {
            TrustWarning(
                .unknownDenial, team: $0.team,
                "denial \($0.id.prefix(64)) is of the kind \"\($0.kind.prefix(64))\" or has a value that this agent does not understand; it is not in force here: update the agent"
            )
        }
    }

    private func removeDenied(from stores: inout [TeamTrust.Store]) -> [TrustWarning] {
        var (before, after) = (0, 0)
        for index in stores.indices {
            before += stores[index].anchors.count
            let team = stores[index].id.team
            for denial in deny.denials where denial.team == nil || denial.team == team {
                stores[index].remove(denial)
            }
            after += stores[index].anchors.count
        }
        guard before - after >= 2, (before - after) * 2 > before else { return [] }
        return [
            TrustWarning(
                .massDenial,
                "denials take away \(before - after) of \(before) trust anchors; this is obeyed, look into it")
        ]
    }
}

extension TeamTrust.Store {
    /// Takes out what a denial names. Of an anchor that another certificate issued no record is made:
    /// it may still stand in the middle of a chain.
    fileprivate mutating func remove(_ denial: DenyDocument.Denial) {
        guard let subject = denial.subject else { return }
        let doomed = anchors.filter { $0.isDenied(by: subject) }
        if doomed.isEmpty { return }
        anchors.removeAll { $0.isDenied(by: subject) }
        if doomed.allSatisfy(\.isSelfSigned) { denied.insert(denial.id) }
    }

    fileprivate var published: HostTrust.Store {
        let held = Set(anchors.map(\.sha256))
        return HostTrust.Store(
            id: id, anchors: anchors.map { Base64.encode($0.der) },
            constraints: constraints.filter { held.contains($0.anchor) },
            denied: denied.isEmpty ? nil : denied.sorted())
    }
}
