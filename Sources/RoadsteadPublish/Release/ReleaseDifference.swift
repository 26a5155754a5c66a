import Codecs
import TUF
import TrustModel

/// Says in lines what a release changes for the hosts.
package struct ReleaseDifference {
    private let plan: ReleasePlan
    private let oldTargets: [String: [UInt8]]
    private let anchorLabel: @Sendable ([UInt8]) -> String

    init(plan: ReleasePlan, oldTargets: [String: [UInt8]], anchorLabel: @escaping @Sendable ([UInt8]) -> String) {
        self.plan = plan
        self.oldTargets = oldTargets
        self.anchorLabel = anchorLabel
    }

    /// Names an anchor by its fingerprint.
    package static let digestLabel: @Sendable ([UInt8]) -> String = { "sha256:\(hexSHA256($0))" }

    func lines() throws -> [String] {
        let published = try PublishedRoles(plan.state)
        var lines = try targetsLines(published.targets?.unverifiedContent)
        for team in plan.content.teams {
            let old = published.delegated[try RoleName(slug: team.name.rawValue)]?.unverifiedContent
            lines += try teamLines(team, old)
        }
        lines += try denyLines(published.delegated[try RoleName(slug: "deny")]?.unverifiedContent)
        for role in ["revocation", "ops"] where plan.reasons[role] == .changed { lines.append("\(role): changed") }
        let renewed = plan.reasons.filter { $0.value == .renewed }.keys.sorted()
        if !renewed.isEmpty { lines.append("signed again before expiry: \(renewed.joined(separator: ", "))") }
        let rekeyed = plan.reasons.filter { $0.value == .keys }.keys.sorted()
        if !rekeyed.isEmpty { lines.append("signed with new keys: \(rekeyed.joined(separator: ", "))") }
        return lines
    }

    // MARK: The fleet

    private func targetsLines(_ old: Targets?) throws -> [String] {
        let new = plan.content.settings
        guard let old else {
            return new.enforcers.map { "\($0.enforcer.rawValue): \($0.mode.rawValue)" }
                + new.teams.map { "team \($0.name): added\(Self.scopes($0.scopes))" }
        }
        guard plan.targets.reason == .changed else { return [] }
        var lines = keyLines(old)
        guard let bytes = bytes(FleetSettings.documentName, in: old) else {
            let same = old.targets == plan.targets.content.targets
            return lines + (same ? [] : ["fleet settings: changed"])
        }
        let before = try FleetSettings(verifiedBytes: bytes)
        for enforcer in EnforcerKind.allCases where before.mode(of: enforcer) != new.mode(of: enforcer) {
            let modes = "\(before.mode(of: enforcer).rawValue) to \(new.mode(of: enforcer).rawValue)"
            lines.append("\(enforcer.rawValue): mode changed from \(modes)")
        }
        lines += teamListLines(before.teams, new.teams)
        if before.freshness != new.freshness { lines.append("freshness: changed") }
        lines += Self.changes("local scope", before.localScopes.map(\.rawValue), new.localScopes.map(\.rawValue))
        return lines
    }

    private func teamListLines(_ before: [FleetSettings.Team], _ after: [FleetSettings.Team]) -> [String] {
        var lines: [String] = []
        for team in before where !after.contains(where: { $0.name == team.name }) {
            lines.append("team \(team.name): removed from the fleet")
        }
        for team in after {
            guard let old = before.first(where: { $0.name == team.name }) else {
                lines.append("team \(team.name): added\(Self.scopes(team.scopes))")
                continue
            }
            let scopes = Self.changes("scope", old.scopes.map(\.rawValue), team.scopes.map(\.rawValue))
            lines += scopes.map { "team \(team.name): \($0)" }
            if old.custody != team.custody { lines.append("team \(team.name): custody \(team.custody.rawValue)") }
            if old.allowedThirdPartyAnchors != team.allowedThirdPartyAnchors {
                lines.append("team \(team.name): list of allowed third-party anchors changed")
            }
        }
        return lines
    }

    private func keyLines(_ old: Targets) -> [String] {
        (plan.targets.content.delegations?.roles ?? []).compactMap { delegation in
            guard let before = old.delegations?[delegation.name], before.keys != delegation.keys else { return nil }
            return "keys of the role \(delegation.name): replaced"
        }
    }

    // MARK: Teams

    private func teamLines(_ team: TeamContent, _ old: Targets?) throws -> [String] {
        var lines: [String] = []
        let bundle = try team.bundle
        for store in team.stores {
            let id = TrustStoreID(team: team.name, kind: store.kind, name: store.name)
            guard let file = bundle.file(id.targetName), old?.targets[file.name] != file.file else { continue }
            lines += storeLines(id, old, store.anchors)
        }
        let kept = Set(bundle.files.map(\.name))
        for name in (old?.targets.keys.sorted() ?? []) where !kept.contains(name) {
            lines.append("team \(team.name): \(name) removed")
        }
        if let old, let policy = bundle.file("\(team.name)/\(TeamPolicy.fileName)"),
            old.targets[policy.name] != policy.file
        {
            lines.append("team \(team.name): trust policy changed")
        }
        return lines
    }

    private func storeLines(_ id: TrustStoreID, _ old: Targets?, _ anchors: [[UInt8]]) -> [String] {
        guard let old, (try? TargetName(id.targetName)).flatMap({ old.targets[$0] }) != nil else {
            return ["store \(id): added"] + anchors.map { "store \(id): anchor added: \(anchorLabel($0))" }
        }
        guard let bytes = bytes(id.targetName, in: old), let blocks = try? PEM.decode(bytes) else {
            return ["store \(id): anchors changed, \(anchors.count) now"]
        }
        let (before, after) = (Set(blocks.map(\.bytes)), Set(anchors))
        let removed = blocks.map(\.bytes).filter { !after.contains($0) }
        let lines =
            removed.map { "store \(id): anchor removed: \(anchorLabel($0))" }
            + anchors.filter { !before.contains($0) }.map { "store \(id): anchor added: \(anchorLabel($0))" }
        return lines + (anchors.isEmpty ? ["store \(id): empty now, its scopes reject"] : [])
    }

    // MARK: Denials

    private func denyLines(_ old: Targets?) throws -> [String] {
        guard let reason = plan.reasons["deny"], reason <= .changed else { return [] }
        guard let old else { return plan.content.denials.map(Self.line) }
        guard let bytes = bytes(DenyDocument.documentName, in: old) else {
            return ["denials: changed, \(plan.content.denials.count) now"]
        }
        let before = try DenyDocument(verifiedBytes: bytes).denials
        let lifted = before.filter { denial in !plan.content.denials.contains { $0.id == denial.id } }
        return lifted.map { "denial lifted: \($0.kind) \($0.value)" }
            + plan.content.denials.filter { !before.contains($0) }.map(Self.line)
    }

    private static func line(_ denial: DenyDocument.Denial) -> String {
        let reach = denial.team.map { "in the scopes of team \($0)" } ?? "everywhere"
        return "denied \(reach): \(denial.kind) \(denial.value)"
    }

    // MARK: Helpers

    private func bytes(_ name: String, in old: Targets) -> [UInt8]? {
        guard let name = try? TargetName(name), let file = old.targets[name],
            let bytes = oldTargets[targetPath(name, file)], (try? file.check(bytes)) != nil
        else { return nil }
        return bytes
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

extension TargetBundle {
    func file(_ name: String) -> (name: TargetName, file: TargetFile)? {
        files.first { $0.name.text == name }.map { ($0.name, $0.file) }
    }
}
