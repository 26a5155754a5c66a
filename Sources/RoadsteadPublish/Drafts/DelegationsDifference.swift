import Codecs
import TUF

/// Says in lines who else a role lets speak, and what of that changes.
///
/// Whoever signs a role vouches for the keys that it delegates to, so those of a new role are named one by one too.
struct DelegationsDifference {
    let old: Targets?
    let new: Targets

    private var before: [Delegation] { old?.delegations?.roles ?? [] }
    private var after: [Delegation] { new.delegations?.roles ?? [] }

    func lines() -> [String] {
        let gone = before.filter { new.delegations?[$0.name] == nil }.map { "role \($0.name): removed" }
        return after.flatMap(lines) + gone + orderLines() + otherLines()
    }

    private func lines(_ delegation: Delegation) -> [String] {
        guard let was = old?.delegations?[delegation.name] else { return added(delegation) }
        return keyLines(delegation, was) + scopeLines(delegation, was)
    }

    private func added(_ delegation: Delegation) -> [String] {
        let name = delegation.name
        return ["role \(name): added, threshold \(delegation.keys.threshold), \(Self.scope(delegation))"]
            + delegation.keys.keyIDs.map { "role \(name): key added: \(text($0, new))" }
            + (delegation.otherMembers.isEmpty ? [] : ["role \(name): has members that are not known here"])
    }

    private func keyLines(_ delegation: Delegation, _ was: Delegation) -> [String] {
        guard was.keys != delegation.keys else { return [] }
        let (name, old, new) = (delegation.name, was.keys, delegation.keys)
        return ["keys of the role \(name): replaced"]
            + old.keyIDs.filter { !new.keyIDs.contains($0) }.map { "role \(name): key removed: \(text($0, self.old))" }
            + new.keyIDs.filter { !old.keyIDs.contains($0) }.map { "role \(name): key added: \(text($0, self.new))" }
            + (old.threshold == new.threshold ? [] : ["role \(name): threshold \(old.threshold) to \(new.threshold)"])
    }

    private func scopeLines(_ delegation: Delegation, _ was: Delegation) -> [String] {
        let (former, present) = (Self.scope(was), Self.scope(delegation))
        let scope = former == present ? [] : ["role \(delegation.name): \(present); before: \(former)"]
        let others = was.otherMembers == delegation.otherMembers
        return scope + (others ? [] : ["role \(delegation.name): members that are not known here have changed"])
    }

    /// The first role that answers for a name wins, so their order means something.
    private func orderLines() -> [String] {
        let (old, new) = (before.map(\.name), after.map(\.name))
        let (kept, now) = (old.filter(Set(new).contains), new.filter(Set(old).contains))
        return kept == now ? [] : ["order of the roles changed: \(new.map(\.text).joined(separator: ", "))"]
    }

    private func otherLines() -> [String] {
        let same = (old?.delegations?.otherMembers ?? .init()) == (new.delegations?.otherMembers ?? .init())
        return same ? [] : ["delegations: members that are not known here have changed"]
    }

    private func text(_ id: KeyID, _ content: Targets?) -> String {
        "\(content?.delegations?.keys.key(listedAs: id)?.type ?? "key") \(id)"
    }

    private static func scope(_ delegation: Delegation) -> String {
        let end = delegation.isTerminating ? "" : ", where it says nothing others may"
        return switch delegation.scope {
        case .paths(let paths): "speaks for the files \(paths.map(\.text).joined(separator: ", "))" + end
        case .pathHashPrefixes(let prefixes):
            "speaks for the files whose digests begin with \(prefixes.joined(separator: ", "))" + end
        }
    }
}
