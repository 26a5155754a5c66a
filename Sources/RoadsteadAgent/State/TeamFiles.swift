package import TrustModel

/// The names under which a team's targets travel and are kept: `<team>/policy.json` and `<team>/<kind>.<store>.pem`.
package enum TeamFiles {
    /// Where a generation keeps the content that it was made from.
    package static let directory = "content"

    /// What a target name of a team stands for.
    package enum Meaning: Sendable, Equatable {
        case policy
        case store(TrustStoreID)
    }

    /// Reads a target name; nil when it has no meaning here.
    package static func meaning(of name: String, team: TeamName) -> Meaning? {
        let prefix = "\(team)/"
        guard name.hasPrefix(prefix) else { return nil }
        let file = name.dropFirst(prefix.utf8.count)
        if file == TeamPolicy.fileName { return .policy }
        guard file.hasSuffix(".pem"), let dot = file.firstIndex(of: "."),
            let kind = TrustStoreKind(rawValue: String(file[..<dot]))
        else { return nil }
        let stem = file[file.index(after: dot)...]
        guard stem.utf8.count > 4, let store = try? TrustStoreName(String(stem.dropLast(4))) else { return nil }
        return .store(TrustStoreID(team: team, kind: kind, name: store))
    }

    package static func files(of content: TeamTargets) -> [(name: String, bytes: [UInt8])] {
        let policy = content.policy.map { [("\(content.team)/\(TeamPolicy.fileName)", $0)] } ?? []
        return policy + content.stores.map { ($0.key.targetName, $0.value) }
    }

    /// Puts a team's content together again from files by their names.
    package static func content(of team: TeamName, files: [String: [UInt8]]) -> TeamTargets {
        var policy: [UInt8]?
        var stores: [TrustStoreID: [UInt8]] = [:]
        for (name, bytes) in files {
            switch meaning(of: name, team: team) {
            case .policy?: policy = bytes
            case .store(let id)?: stores[id] = bytes
            case nil: continue
            }
        }
        return TeamTargets(team: team, policy: policy, stores: stores)
    }
}
