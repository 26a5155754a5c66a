package import Codecs

/// What a change does to one fleet: said in lines, rendered as its hosts render it, and looked at by the guards.
package struct FleetEffect: Sendable {
    package struct File: Sendable, Equatable {
        /// Below the Notation configuration.
        package let path: String
        /// As `diff -u` prints it.
        package let difference: [String]
    }

    package let fleet: FleetName
    /// What comes and goes, a line each.
    package let lines: [String]
    /// What is new to know, that which refuses first.
    package let findings: [EffectFinding]
    package let files: [File]
    /// The modes that its hosts would be in.
    package let enforcers: [FleetSettings.EnforcerSetting]
    /// Names that an agent must know to take the settings in.
    package let needs: [String]
    /// What its hosts believe before and after.
    private let trust: (old: HostTrust, new: HostTrust)

    package init(from before: FleetContent, to after: FleetContent, now: UTCDate) throws {
        let (old, new) = (try FleetRendering(before, now: now), try FleetRendering(after, now: now))
        fleet = after.fleet
        lines =
            SettingsDifference(old: old.settings, new: new.settings).lines()
            + TrustDifference(old: old.outcome.trust, new: new.outcome.trust).lines()
            + Self.delayedEnds(old.settings, new.settings)
        let known = Set(EffectGuards(rendering: old, now: now).findings)
        var seen: Set<EffectFinding> = []
        let found = (EffectGuards(rendering: new, now: now).findings + Self.handovers(old, new))
            .filter { finding in
                // Its text counts: above the limit only what makes the count grow is news.
                let isNew =
                    finding.kind == .repositories
                    ? new.notation.repositoryCount > old.notation.repositoryCount : !known.contains(finding)
                return isNew && seen.insert(finding).inserted
            }
        findings = found.filter(\.refuses) + found.filter { !$0.refuses }
        files = Self.files(old.notation, new.notation)
        enforcers = after.enforcers
        needs = new.settings.critical
        trust = (old.outcome.trust, new.outcome.trust)
    }

    /// The part of it that is about some teams, in their own stores and statements: for who may not see the fleet.
    ///
    /// - Returns: nil where the fleet has none of them.
    package func part(of isShown: (TeamName) -> Bool) -> FleetEffect? {
        let teams = Set((trust.old.statements + trust.new.statements).compactMap(\.team))
            .union((trust.old.stores + trust.new.stores).map(\.id.team))
        guard teams.contains(where: isShown) else { return nil }
        return FleetEffect(self, isShown)
    }

    private init(_ whole: FleetEffect, _ isShown: (TeamName) -> Bool) {
        fleet = whole.fleet
        trust = (whole.trust.old.part(of: isShown), whole.trust.new.part(of: isShown))
        lines = TrustDifference(old: trust.old, new: trust.new).lines()
        findings = whole.findings.filter { $0.team.map(isShown) ?? false }
        let stores = Set((trust.old.stores + trust.new.stores).map { "/\($0.id.notationName)/" })
        files = whole.files.filter { file in stores.contains { file.path.contains($0) } }
        enforcers = whole.enforcers
        needs = whole.needs
    }

    /// Exceptions stand in the settings, which the server signs only where it holds the key of `targets`.
    private static func delayedEnds(_ old: FleetSettings, _ new: FleetSettings) -> [String] {
        let kept = Set((new.exceptions ?? []).map(\.id))
        guard (old.exceptions ?? []).contains(where: { !kept.contains($0.id) }) else { return [] }
        return [
            "where people sign the fleet's targets offline, hosts follow the end of an exception at the next ceremony"
        ]
    }

    /// Whether its hosts would notice nothing.
    package var isEmpty: Bool { lines.isEmpty && files.isEmpty && findings.isEmpty }

    private static func files(_ old: NotationTree, _ new: NotationTree) -> [File] {
        let before = Dictionary(old.files.map { ($0.path, $0.bytes) }) { first, _ in first }
        let after = Dictionary(new.files.map { ($0.path, $0.bytes) }) { first, _ in first }
        // Both policy files have equal bytes.
        let paths = Set(before.keys).union(after.keys).subtracting([NotationTree.ociPolicyFile]).sorted()
        return paths.compactMap { path in
            let difference = UnifiedDifference.lines(from: before[path], to: after[path], path: path)
            return difference.isEmpty ? nil : File(path: path, difference: difference)
        }
    }

    /// Repositories and scopes that fall to another team because the scope that gave them to theirs is nobody's any more.
    /// A longer scope that is given away is what somebody asks for, and no handover.
    private static func handovers(_ old: FleetRendering, _ new: FleetRendering) -> [EffectFinding] {
        let (before, after) = (ScopeOwners(old.settings.teams), ScopeOwners(new.settings.teams))
        let scopes = old.settings.teams.flatMap(\.scopes) + old.content.repositories
        var moved: [Move: [RegistryScope]] = [:]
        for scope in Set(scopes) {
            guard let from = before.owner(of: scope), let to = after.owner(of: scope), from != to,
                let given = before.longest(around: scope), !after.isClaimed(given)
            else { continue }
            moved[Move(from: from, to: to), default: []].append(scope)
        }
        return moved.sorted { ($0.key.from, $0.key.to) < ($1.key.from, $1.key.to) }.map { move, scopes in
            let examples = scopes.sorted().prefix(3).map(\.rawValue).joined(separator: ", ")
            return EffectFinding(
                .handover, team: move.from,
                "images that team \(move.from) spoke for would be team \(move.to)'s: \(examples)"
                    + (scopes.count > 3 ? " and \(scopes.count - 3) more" : ""),
                hint: "say so with --accept-handover, or give the scope to another team in the same change")
        }
    }

    private struct Move: Hashable {
        let from: TeamName
        let to: TeamName
    }
}

extension HostTrust {
    /// Statements and stores of some teams, and nothing else.
    fileprivate func part(of isShown: (TeamName) -> Bool) -> HostTrust {
        HostTrust(
            fleet: fleet, release: release, issued: issued,
            statements: statements.filter { $0.team.map(isShown) ?? false },
            stores: stores.filter { isShown($0.id.team) },
            denials: [], repositories: [])
    }
}
