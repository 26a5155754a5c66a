import Codecs
import TUF
import TrustModel

/// Says in lines what the fleet's own role changes, from the files alone: the same lines on the server and where it is
/// signed.
///
/// Nothing changes without a line: where the role is the same but for its dates there is none.
struct TargetsDifference {
    let old: Targets?
    let new: Targets
    /// Bytes of target files by path.
    let oldFiles: [String: [UInt8]]
    let newFiles: [String: [UInt8]]

    func lines() -> [String] { delegationLines() + fileLines() + settingsLines() + otherLines() }

    /// Who else may speak, with which keys.
    func delegationLines() -> [String] { DelegationsDifference(old: old, new: new).lines() }

    // MARK: Files

    private func fileLines() -> [String] {
        let before = old?.targets ?? [:]
        let gone = before.keys.filter { new.targets[$0] == nil }.map { "file \($0): removed" }
        let come = new.targets.filter { $0.key.text != FleetSettings.documentName && before[$0.key] != $0.value }
        return (gone + come.map { "file \($0.key): \(before[$0.key] == nil ? "added" : "changed")" }).sorted()
    }

    private func settingsLines() -> [String] {
        let (was, now) = (old.flatMap(Self.settingsFile), Self.settingsFile(new))
        guard let now, was?.file != now.file else { return [] }
        guard let after = settings(now, newFiles) else { return ["fleet settings: changed, to what is not known here"] }
        guard let was else { return SettingsDifference(old: nil, new: after).lines() }
        guard let before = settings(was, oldFiles) else {
            return ["fleet settings: changed", "what they were is not known here; all of them:"]
                + SettingsDifference(old: nil, new: after).lines()
        }
        let lines = SettingsDifference(old: before, new: after).lines()
        return lines.isEmpty ? ["fleet settings: written otherwise"] : lines
    }

    private static func settingsFile(_ content: Targets) -> (name: TargetName, file: TargetFile)? {
        guard let name = try? TargetName(FleetSettings.documentName) else { return nil }
        return content.targets[name].map { (name, $0) }
    }

    private func settings(_ listed: (name: TargetName, file: TargetFile), _ files: [String: [UInt8]]) -> FleetSettings?
    {
        guard let bytes = files[targetPath(listed.name, listed.file)], (try? listed.file.check(bytes)) != nil else {
            return nil
        }
        return try? FleetSettings(verifiedBytes: bytes)
    }

    // MARK: The rest

    private func otherLines() -> [String] {
        let same =
            (old?.unsafeTargets ?? .init()) == new.unsafeTargets
            && (old?.header.otherMembers ?? .init()) == new.header.otherMembers
            && (old?.header.stamp?.otherMembers ?? .init()) == (new.header.stamp?.otherMembers ?? .init())
        return same ? [] : ["members that are not known here have changed"]
    }
}
