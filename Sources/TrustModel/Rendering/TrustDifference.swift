import Codecs
import PKI

/// Says in lines how what hosts believe differs.
struct TrustDifference: Sendable {
    let old: HostTrust
    let new: HostTrust

    func lines() -> [String] { statementLines + storeLines + repositoryLines }

    private var statementLines: [String] {
        func key(_ statement: HostTrust.Statement) -> String { "\(statement.team?.rawValue ?? "")/\(statement.name)" }
        let before = Dictionary(old.statements.map { (key($0), $0) }) { first, _ in first }
        let after = Set(new.statements.map(key))
        return old.statements.filter { !after.contains(key($0)) }.map { "\(Self.title($0)): removed" }
            + new.statements.compactMap { statement in
                let known = before[key(statement)]
                guard known != statement else { return nil }
                return "\(Self.title(statement)) \(known == nil ? "added" : "changed"): \(Self.text(statement))"
            }
    }

    private static func title(_ statement: HostTrust.Statement) -> String {
        statement.team.map { "team \($0): statement \(statement.name)" } ?? "the fleet's statement \(statement.name)"
    }

    private static func text(_ statement: HostTrust.Statement) -> String {
        let overrides = (statement.override ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        let stores = statement.stores.map(\.description)
        return "\(statement.level)\(overrides.joined()) for \(list(statement.scopes.map(\.rawValue))), stores "
            + "\(list(stores)), identities \(list(statement.trustedIdentities))"
    }

    private static func list(_ words: [String]) -> String { words.isEmpty ? "none" : words.joined(separator: ", ") }

    private var storeLines: [String] {
        let before = Dictionary(old.stores.map { ($0.id, $0) }) { first, _ in first }
        let after = Dictionary(new.stores.map { ($0.id, $0) }) { first, _ in first }
        return Set(before.keys).union(after.keys).sorted().flatMap { id -> [String] in
            let (was, will) = (before[id]?.anchors ?? [], after[id]?.anchors ?? [])
            var lines: [String] = []
            if before[id] == nil { lines.append("store \(id): added") }
            if after[id] == nil { lines.append("store \(id): removed") }
            lines += was.filter { !will.contains($0) }.map { "store \(id): anchor removed: \(Self.label($0))" }
            lines += will.filter { !was.contains($0) }.map { "store \(id): anchor added: \(Self.label($0))" }
            if after[id] != nil, will.isEmpty, !was.isEmpty {
                lines.append("store \(id): empty now, its scopes reject")
            }
            if before[id]?.constraints ?? [] != after[id]?.constraints ?? [] {
                lines.append("store \(id): limits of single anchors changed")
            }
            return lines
        }
    }

    private static func label(_ anchor: String) -> String {
        guard let der = try? Base64.decode(anchor), let certificate = try? Certificate(der: der) else { return "?" }
        return "\(certificate.subjectText) (\(certificate.sha256.prefix(16))…)"
    }

    private var repositoryLines: [String] {
        let (before, after) = (Set(old.repositories), Set(new.repositories))
        let (gone, come) = (before.subtracting(after).count, after.subtracting(before).count)
        return (come == 0 ? [] : ["known repositories: \(come) more"])
            + (gone == 0 ? [] : ["known repositories: \(gone) fewer"])
    }
}
