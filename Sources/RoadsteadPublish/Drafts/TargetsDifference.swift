import Codecs
import TUF
import TrustModel

/// Says in lines what the fleet's own role changes, from the files alone: the same lines on the server and where it is
/// signed.
struct TargetsDifference {
    let old: Targets?
    let new: Targets
    /// Bytes of target files by path; what is missing is only said to have changed.
    let oldFiles: [String: [UInt8]]
    let newFiles: [String: [UInt8]]

    func lines() -> [String] { keyLines() + settingsLines() }

    /// Whose keys change. A role that is new or gone shows in the list of teams.
    func keyLines() -> [String] {
        (new.delegations?.roles ?? []).flatMap { delegation -> [String] in
            guard let before = old?.delegations?[delegation.name], before.keys != delegation.keys else { return [] }
            return ["keys of the role \(delegation.name): replaced"] + detail(delegation, before)
        }
    }

    private func detail(_ delegation: Delegation, _ before: Delegation) -> [String] {
        let (was, now) = (before.keys.keyIDs, delegation.keys.keyIDs)
        func text(_ id: KeyID, _ content: Targets?) -> String {
            "\(content?.delegations?.keys.key(listedAs: id)?.type ?? "key") \(id)"
        }
        let name = delegation.name
        return was.filter { !now.contains($0) }.map { "role \(name): key removed: \(text($0, old))" }
            + now.filter { !was.contains($0) }.map { "role \(name): key added: \(text($0, new))" }
            + (before.keys.threshold == delegation.keys.threshold
                ? [] : ["role \(name): threshold \(before.keys.threshold) to \(delegation.keys.threshold)"])
    }

    // MARK: Settings

    private func settingsLines() -> [String] {
        guard let new = settings(in: new, newFiles) else {
            return old?.targets == self.new.targets ? [] : ["fleet settings: changed"]
        }
        guard let old else {
            return new.enforcers.map { "\($0.enforcer.rawValue): \($0.mode.rawValue)" }
                + new.teams.map { "team \($0.name): added\(Self.scopes($0.scopes))" }
        }
        guard old.targets != self.new.targets else { return [] }
        guard let before = settings(in: old, oldFiles) else { return ["fleet settings: changed"] }
        var lines: [String] = []
        for enforcer in EnforcerKind.allCases where before.mode(of: enforcer) != new.mode(of: enforcer) {
            let modes = "\(before.mode(of: enforcer).rawValue) to \(new.mode(of: enforcer).rawValue)"
            lines.append("\(enforcer.rawValue): mode changed from \(modes)")
        }
        lines += Self.teamLines(before.teams, new.teams)
        if before.freshness != new.freshness { lines.append("freshness: changed") }
        return lines + Self.changes("local scope", before.localScopes.map(\.rawValue), new.localScopes.map(\.rawValue))
    }

    private func settings(in content: Targets, _ files: [String: [UInt8]]) -> FleetSettings? {
        guard let name = try? TargetName(FleetSettings.documentName), let file = content.targets[name],
            let bytes = files[targetPath(name, file)], (try? file.check(bytes)) != nil
        else { return nil }
        return try? FleetSettings(verifiedBytes: bytes)
    }

    private static func teamLines(_ before: [FleetSettings.Team], _ after: [FleetSettings.Team]) -> [String] {
        let (old, new) = (before.byName, after.byName)
        var lines = before.filter { new[$0.name] == nil }.map { "team \($0.name): removed from the fleet" }
        for team in after {
            guard let was = old[team.name] else {
                lines.append("team \(team.name): added\(scopes(team.scopes))")
                continue
            }
            let scopes = changes("scope", was.scopes.map(\.rawValue), team.scopes.map(\.rawValue))
            lines += scopes.map { "team \(team.name): \($0)" }
            if was.custody != team.custody { lines.append("team \(team.name): custody \(team.custody.rawValue)") }
            if was.allowedThirdPartyAnchors != team.allowedThirdPartyAnchors {
                lines.append("team \(team.name): list of allowed third-party anchors changed")
            }
        }
        return lines
    }

    private static func scopes(_ scopes: [RegistryScope]) -> String {
        scopes.isEmpty ? "" : ", speaks for \(scopes.map(\.rawValue).joined(separator: ", "))"
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
