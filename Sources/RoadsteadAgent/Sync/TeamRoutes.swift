import TUF
import TrustModel

/// By which delegations each team of the fleet's settings is reached: from `targets` directly, or through one group
/// `teams-00` … `teams-31` whose patterns name the team. Nothing deeper is followed, and no other role is loaded.
struct TeamRoutes: Sendable {
    /// Groups are what a large fleet splits its delegations into. [docs/tuf-layout.md]
    static let groupCount = 32
    /// Roles beside the teams, in the order in which a fleet delegates to them.
    static let others = ["deny", "revocation", "ops"]

    private var delegators: [TeamName: Role] = [:]
    private var groups: [RoleName: Set<RoleName>] = [:]
    private var direct: Set<RoleName> = []

    /// The first delegation of `targets` that covers a team's files is the one that counts: it ends the search.
    init(_ settings: FleetSettings, _ targets: Targets) throws {
        let delegations = targets.delegations?.roles ?? []
        for team in settings.teams where !Self.isGroup(team.name.rawValue) {
            let name = try RoleName(team.name.rawValue)
            let policy = try TargetName("\(team.name)/\(TeamPolicy.fileName)")
            guard let first = delegations.first(where: { $0.covers(policy) }) else { continue }
            if first.name == name {
                direct.insert(name)
                delegators[team.name] = .targets
            } else if Self.isGroup(first.name.text) {
                groups[first.name, default: []].insert(name)
                delegators[team.name] = .delegated(first.name)
            }
        }
    }

    /// Whether a delegation leads to something that this host needs.
    func isWanted(_ delegator: Role, _ delegation: Delegation) -> Bool {
        switch delegator {
        case .targets:
            direct.contains(delegation.name) || groups[delegation.name] != nil
                || Self.others.contains(delegation.name.text)
        case .delegated(let group): groups[group]?.contains(delegation.name) ?? false
        default: false
        }
    }

    /// The delegation that leads to a team; nil when the fleet does not delegate to it.
    func edge(to team: TeamName) -> DelegationEdge? {
        guard let delegator = delegators[team], let name = try? RoleName(team.rawValue) else { return nil }
        return DelegationEdge(delegator: delegator, name: name)
    }

    /// The role that must be there before the team's own, when there is one.
    func group(of team: TeamName) -> RoleName? {
        guard case .delegated(let name)? = delegators[team] else { return nil }
        return name
    }

    static func isGroup(_ name: String) -> Bool {
        guard name.hasPrefix("teams-"), name.utf8.count == 8, let number = Int(name.dropFirst(6)) else { return false }
        return (0..<groupCount).contains(number) && name.utf8.suffix(2).allSatisfy { (0x30...0x39).contains($0) }
    }
}
