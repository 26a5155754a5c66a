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
    package let release: Int64
    package let issued: UTCDate

    package init(
        settings: FleetSettings, ops: OpsSettings?, deny: DenyDocument, teams: [TeamName: TeamState],
        lastGood: [TeamName: TeamTargets] = [:], lastRepositories: [RegistryScope] = [], release: Int64,
        issued: UTCDate
    ) {
        self.settings = settings
        self.ops = ops
        self.deny = deny
        self.teams = teams
        self.lastGood = lastGood
        self.lastRepositories = lastRepositories
        self.release = release
        self.issued = issued
    }

    /// A host's trust and what a person has to know about it.
    package struct Outcome: Sendable {
        package let trust: HostTrust
        package let warnings: [TrustWarning]
        /// The content in force after this merge, per team: what the next merge may fall back to.
        package let content: [TeamName: TeamTargets]
    }

    /// `trust = (team stores, minus denials) inside the teams' scopes`.
    ///
    /// It never fails: a team whose content cannot be used keeps its last good content, and with none its scopes reject.
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
        for team in settings.teams.sorted(by: { $0.name < $1.name }) {
            var (trust, used) = trust(of: team, owners: owners)
            content[team.name] = used
            warnings += trust.warnings
            trust.warnings = []
            statements += trust.statements
            if let rejecting = Self.rejection(of: team, statements: trust.statements, owners: owners) {
                statements.append(rejecting)
            }
            stores += trust.stores
        }
        warnings += unknownDenials
        warnings += removeDenied(from: &stores)
        return Outcome(
            trust: HostTrust(
                fleet: settings.fleet, release: release, issued: issued, statements: statements,
                stores: stores.map(\.published), denials: deny.denials,
                repositories: Set(ops?.repositories ?? lastRepositories).sorted()),
            warnings: warnings, content: content)
    }

    private func trust(of team: FleetSettings.Team, owners: ScopeOwners) -> (TeamTrust, TeamTargets?) {
        let failure: String
        switch teams[team.name] {
        case .verified(let content)?:
            do {
                return (try TeamTrust(content, team: team, owners: owners, fit: .whole), content)
            } catch { failure = "\(error)" }
        case .unavailable(let reason)?: failure = reason
        case nil: failure = "the fleet publishes no role for it"
        }
        if let content = lastGood[team.name],
            var trust = try? TeamTrust(content, team: team, owners: owners, fit: .cut)
        {
            let warning = TrustWarning(.keptBack, team: team.name, "its last good content stays in force: \(failure)")
            trust.warnings.insert(warning, at: 0)
            return (trust, content)
        }
        let warning = TrustWarning(
            .noContent, team: team.name, "its scopes reject, nothing of it can be used: \(failure)")
        return (TeamTrust(warnings: [warning]), nil)
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
