import Codecs
import TUF
import TrustModel

/// Says in lines what a team's role changes, from the files alone: the same lines on the server and where it is signed.
struct TeamDifference {
    let team: TeamName
    let old: Targets?
    let new: Targets
    /// Bytes of target files by path; what is missing is only said to have changed.
    let oldFiles: [String: [UInt8]]
    let newFiles: [String: [UInt8]]
    let anchorLabel: @Sendable ([UInt8]) -> String

    func lines() -> [String] {
        var lines: [String] = []
        for (name, file) in new.targets.sorted(by: { $0.key < $1.key }) where old?.targets[name] != file {
            lines += isPolicy(name) ? policyLines(name, file) : storeLines(name, file)
        }
        for name in (old?.targets.keys.sorted() ?? []) where new.targets[name] == nil {
            lines.append(label(name).map { "store \($0): removed" } ?? "team \(team): \(name) removed")
        }
        return lines
    }

    // MARK: Stores

    private func storeLines(_ name: TargetName, _ file: TargetFile) -> [String] {
        let label = label(name) ?? name.text
        let after = anchors(newFiles, name, file)
        guard let before = old?.targets[name] else {
            return ["store \(label): added"]
                + (after ?? []).map { "store \(label): anchor added: \(anchorLabel($0))" }
        }
        guard let after else { return ["store \(label): anchors changed"] }
        let count = after.isEmpty ? ["store \(label): empty now, its scopes reject"] : []
        guard let before = anchors(oldFiles, name, before) else {
            return ["store \(label): anchors changed, \(after.count) now"] + (after.isEmpty ? count : [])
        }
        return before.filter { !after.contains($0) }.map { "store \(label): anchor removed: \(anchorLabel($0))" }
            + after.filter { !before.contains($0) }.map { "store \(label): anchor added: \(anchorLabel($0))" } + count
    }

    private func anchors(_ files: [String: [UInt8]], _ name: TargetName, _ file: TargetFile) -> [[UInt8]]? {
        guard let bytes = bytes(files, name, file) else { return nil }
        return bytes.isEmpty ? [] : try? PEM.decode(bytes).map(\.bytes)
    }

    /// `ca:acme.prod` for `acme/ca.prod.pem`.
    private func label(_ name: TargetName) -> String? {
        guard let stem = name.components.last?.dropSuffix(".pem"), let dot = stem.firstIndex(of: "."),
            let kind = TrustStoreKind(rawValue: String(stem[..<dot])),
            let store = try? TrustStoreName(String(stem[stem.index(after: dot)...]))
        else { return nil }
        return "\(TrustStoreID(team: team, kind: kind, name: store))"
    }

    // MARK: Policy

    private func isPolicy(_ name: TargetName) -> Bool { name.components.last == TeamPolicy.fileName }

    private func policyLines(_ name: TargetName, _ file: TargetFile) -> [String] {
        guard let old else { return statementLines(nil, policy(newFiles, name, file)) }
        guard let before = old.targets[name].flatMap({ policy(oldFiles, name, $0) }),
            let after = policy(newFiles, name, file)
        else { return ["team \(team): trust policy changed"] }
        let lines = statementLines(before, after)
        return lines.isEmpty ? ["team \(team): trust policy changed"] : lines
    }

    private func statementLines(_ before: TeamPolicy?, _ after: TeamPolicy?) -> [String] {
        guard let after else { return [] }
        var lines: [String] = []
        for statement in before?.statements ?? [] where !after.statements.contains(where: { $0.name == statement.name })
        {
            lines.append("team \(team): trust policy statement \(statement.name) removed")
        }
        for statement in after.statements {
            let known = before?.statements.first { $0.name == statement.name }
            guard known != statement else { continue }
            lines.append(
                "team \(team): trust policy statement \(statement.name) \(known == nil ? "added" : "changed"): "
                    + Self.text(statement))
        }
        if before?.constraints ?? [] != after.constraints {
            lines.append("team \(team): limits of single anchors changed, \(after.constraints.count) now")
        }
        return lines
    }

    private static func text(_ statement: TeamPolicy.Statement) -> String {
        let stores = statement.stores.map { "\($0.kind.rawValue):\($0.name)" }
        let overrides = (statement.override ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let level = ([statement.level] + overrides).joined(separator: " ")
        return "\(level) for \(list(statement.registryScopes.map(\.rawValue))), stores \(list(stores)), identities "
            + list(statement.trustedIdentities)
    }

    private static func list(_ words: [String]) -> String { words.isEmpty ? "none" : words.joined(separator: ", ") }

    private func policy(_ files: [String: [UInt8]], _ name: TargetName, _ file: TargetFile) -> TeamPolicy? {
        bytes(files, name, file).flatMap { try? TeamPolicy(verifiedBytes: $0) }
    }

    private func bytes(_ files: [String: [UInt8]], _ name: TargetName, _ file: TargetFile) -> [UInt8]? {
        guard let bytes = files[targetPath(name, file)], (try? file.check(bytes)) != nil else { return nil }
        return bytes
    }
}

extension String {
    fileprivate func dropSuffix(_ suffix: String) -> Substring? {
        hasSuffix(suffix) ? dropLast(suffix.count) : nil
    }
}
