import TUF
import TrustModel

/// Who speaks for each delegated role: what the fleet's own role and the groups of teams say together.
struct TeamLayout {
    let targets: Targets
    /// The groups that `targets` delegates to, by name.
    let groups: [RoleName: Targets]
    private var quorums: [RoleName: Quorum] = [:]

    init(_ targets: Targets, groups known: [RoleName: Targets]) {
        self.targets = targets
        var groups: [RoleName: Targets] = [:]
        for delegation in targets.delegations?.roles ?? [] where TeamGroup.isName(delegation.name.text) {
            groups[delegation.name] = known[delegation.name]
        }
        self.groups = groups
        for content in groups.values { take(content) }
        take(targets)
    }

    /// Once a fleet's teams are in groups they stay there.
    var isSplit: Bool { targets.delegations?.roles.contains { TeamGroup.isName($0.name.text) } ?? false }

    /// The keys that a role is delegated to; nil when nobody delegates to it.
    subscript(name: RoleName) -> Quorum? { quorums[name] }

    subscript(team: TeamName) -> TeamQuorum? {
        (try? RoleName(slug: team.rawValue)).flatMap { self[$0] }.flatMap { TeamQuorum($0) }
    }

    /// Every role that is delegated to, groups among them.
    var names: [RoleName] { quorums.keys.sorted() }

    private mutating func take(_ content: Targets) {
        for delegation in content.delegations?.roles ?? [] {
            quorums[delegation.name] = content.delegations?.quorum(for: delegation)
        }
    }
}

/// Puts together what delegates to teams, in groups or not.
struct TeamLayoutDraft {
    /// deny, revocation and ops, in the order of precedence.
    let own: [(name: String, quorum: TeamQuorum)]
    /// Teams by name.
    let teams: [(name: TeamName, quorum: TeamQuorum)]
    let isSplit: Bool

    /// The delegations of the fleet's own role.
    ///
    /// - Parameter keys: the keys of that role, which sign the groups as well.
    func delegations(keys: Quorum) throws -> Delegations {
        guard isSplit, let ours = TeamQuorum(keys) else {
            return try Self.delegations(own + teams.map { ($0.name.rawValue, $0.quorum) })
        }
        var roles = try Self.delegations(own)
        let ring = roles.keys.listed.map(\.key) + ours.keys
        roles.keys = KeyRing(ring.sorted { $0.id < $1.id })
        for (group, members) in members.sorted(by: { $0.key < $1.key }) {
            roles.roles.append(
                Delegation(
                    name: try RoleName(slug: group), keys: try RoleKeys(ours.keys.map(\.id), threshold: ours.threshold),
                    paths: members.map { PathPattern("\($0.name)/*") }))
        }
        return roles
    }

    /// What each group delegates.
    var groups: [(name: String, delegations: Delegations)] {
        get throws {
            guard isSplit else { return [] }
            return try members.sorted { $0.key < $1.key }.map { group, members in
                (group, try Self.delegations(members.map { ($0.name.rawValue, $0.quorum) }))
            }
        }
    }

    private var members: [String: [(name: TeamName, quorum: TeamQuorum)]] {
        Dictionary(grouping: teams) { TeamGroup.name(of: $0.name) }
    }

    private static func delegations(_ delegates: [(name: String, quorum: TeamQuorum)]) throws -> Delegations {
        let roles = try delegates.map { name, quorum in
            Delegation(
                name: try RoleName(slug: name),
                keys: try RoleKeys(quorum.keys.map(\.id), threshold: quorum.threshold),
                paths: [PathPattern("\(name)/*")])
        }
        let keys = delegates.flatMap(\.quorum.keys).sorted { $0.id < $1.id }
        return try Delegations(keys: KeyRing(keys), roles: roles)
    }
}
