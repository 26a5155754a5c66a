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
        var lines = rootLines()
        lines += try targetsLines(published.targets?.unverifiedContent)
        for role in plan.roles + plan.adopted {
            let name = try RoleName(slug: role.name)
            lines += roleLines(role, published.delegated[name]?.unverifiedContent)
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

    private func rootLines() -> [String] {
        guard let root = plan.enteringRoot else { return [] }
        return [
            "fleet keys: root \(root.version)\(root.content.startsOver ? ", every host has to be enrolled again" : "")"
        ]
    }

    private func targetsLines(_ old: Targets?) throws -> [String] {
        let new = plan.targets.content
        guard old?.targets != new.targets || old?.delegations != new.delegations else { return [] }
        return TargetsDifference(
            old: old, new: new, oldFiles: oldTargets, newFiles: plan.targets.files.byPath
        ).lines()
    }

    // MARK: Teams

    private func roleLines(_ role: PlannedRole, _ old: Targets?) -> [String] {
        if TeamGroup.isName(role.name) {
            return TargetsDifference(old: old, new: role.content, oldFiles: [:], newFiles: [:]).delegationLines()
        }
        guard let team = role.team else { return [] }
        return TeamDifference(
            team: team, old: old, new: role.content, oldFiles: oldTargets, newFiles: role.files.byPath,
            anchorLabel: anchorLabel
        ).lines()
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
}
