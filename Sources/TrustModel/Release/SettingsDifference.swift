/// Says in lines what changes in a fleet's settings; all of them where nothing is known to be before.
package struct SettingsDifference {
    let old: FleetSettings?
    let new: FleetSettings

    package init(old: FleetSettings?, new: FleetSettings) {
        self.old = old
        self.new = new
    }

    package func lines() -> [String] {
        var lines: [String] = []
        if let old, old.fleet != new.fleet || old.fleetID != new.fleetID {
            lines.append("settings of fleet \(new.fleet) (\(new.fleetID)), before of \(old.fleet) (\(old.fleetID))")
        }
        lines += EnforcerKind.allCases.compactMap(modeLine) + teamLines()
        if old?.freshness != new.freshness { lines.append("freshness: \(Self.text(new.freshness))") }
        if old?.inexpressible != new.inexpressible {
            lines.append("what an enforcer cannot express: \(new.inexpressible.rawValue)")
        }
        let scopes = (old?.localScopes ?? [], new.localScopes)
        lines += Self.changes("local scope", scopes.0.map(\.rawValue), scopes.1.map(\.rawValue))
        lines += Self.changes("fleet policy", old?.policy?.lines ?? [], new.policy?.lines ?? [])
        let (was, will) = (old?.exceptions ?? [], new.exceptions ?? [])
        return lines + was.filter { !will.contains($0) }.map { "no longer: \($0)" }
            + will.filter { !was.contains($0) }.map { "\($0)" }
    }

    private func modeLine(_ enforcer: EnforcerKind) -> String? {
        let mode = new.mode(of: enforcer)
        guard let old else {
            return new.enforcers.contains { $0.enforcer == enforcer } ? "\(enforcer.rawValue): \(mode.rawValue)" : nil
        }
        let before = old.mode(of: enforcer)
        return before == mode
            ? nil : "\(enforcer.rawValue): mode changed from \(before.rawValue) to \(mode.rawValue)"
    }

    // MARK: Teams

    private func teamLines() -> [String] {
        let (before, after) = ((old?.teams ?? []).byName, new.teams.byName)
        return (old?.teams ?? []).filter { after[$0.name] == nil }.map { "team \($0.name): removed from the fleet" }
            + new.teams.flatMap { team in before[team.name].map { Self.changed(team, $0) } ?? Self.added(team) }
    }

    private static func added(_ team: FleetSettings.Team) -> [String] {
        let scopes = team.scopes.map(\.rawValue).joined(separator: ", ")
        return ["team \(team.name): added\(scopes.isEmpty ? "" : ", speaks for \(scopes)")", custody(team)]
            + (team.allowedAnchors == nil ? [] : anchors(team, before: nil))
    }

    private static func changed(_ team: FleetSettings.Team, _ was: FleetSettings.Team) -> [String] {
        changes("scope", was.scopes.map(\.rawValue), team.scopes.map(\.rawValue)).map { "team \(team.name): \($0)" }
            + (was.custody == team.custody ? [] : [custody(team)])
            + (was.allowedAnchors == team.allowedAnchors ? [] : anchors(team, before: was.allowedAnchors))
    }

    private static func custody(_ team: FleetSettings.Team) -> String {
        "team \(team.name): custody \(team.custody.rawValue)"
    }

    private static func anchors(
        _ team: FleetSettings.Team, before: [FleetSettings.AllowedAnchor]?
    ) -> [String] {
        guard let allowed = team.allowedAnchors else {
            return ["team \(team.name): hosts no longer limit its anchors"]
        }
        let head = before == nil ? ["team \(team.name): hosts take \(allowed.count) anchors and no others"] : []
        return head
            + changes("allowed anchor", (before ?? []).map(text), allowed.map(text)).map { "team \(team.name): \($0)" }
    }

    private static func text(_ anchor: FleetSettings.AllowedAnchor) -> String {
        "\(anchor.origin.title) \(anchor.kind.rawValue) \(anchor.sha256)"
    }

    // MARK: Words

    private static func text(_ freshness: FleetSettings.Freshness) -> String {
        let end = freshness.rejectAfterSeconds.map { "reject after \($0) s" } ?? "never reject"
        return "warn after \(freshness.warnAfterSeconds) s, alarm after \(freshness.alarmAfterSeconds) s, \(end)"
    }

    private static func changes(_ what: String, _ before: [String], _ after: [String]) -> [String] {
        let (old, new) = (Set(before), Set(after))
        return before.filter { !new.contains($0) }.map { "\(what) removed: \($0)" }
            + after.filter { !old.contains($0) }.map { "\(what) added: \($0)" }
    }
}

extension [FleetSettings.Team] {
    fileprivate var byName: [TeamName: FleetSettings.Team] {
        Dictionary(map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
}
