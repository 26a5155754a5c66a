/// Whose things somebody may read: everybody's, or those of the ones that are named.
package enum Readable<Name: Hashable & Sendable>: Sendable, Hashable {
    case everything
    case only(Set<Name>)

    package static var nothing: Readable { .only([]) }

    package func contains(_ name: Name) -> Bool {
        switch self {
        case .everything: true
        case .only(let names): names.contains(name)
        }
    }

    /// The names to select by; nil where nothing has to be left out.
    package var names: Set<Name>? {
        switch self {
        case .everything: nil
        case .only(let names): names
        }
    }
}

extension Authorization {
    /// The teams whose anchors, changes and keys somebody may read.
    package static func readableTeams(bindings: [RoleBinding], limits: TokenLimits) -> Readable<TeamName> {
        let holding = bindings.filter { Permission.teamReaders.contains($0.role) }
        let isEverything = holding.contains { $0.reach == .everything }
        if let team = limits.team {
            return decide(.readTeam(team), bindings: bindings, limits: limits).isAllowed ? .only([team]) : .nothing
        }
        return isEverything ? .everything : .only(Set(holding.compactMap(\.reach.team)))
    }

    /// The teams in which somebody holds a permission that is about one team.
    package static func teams(
        whose permission: (TeamName) -> Permission, bindings: [RoleBinding], limits: TokenLimits
    ) -> Readable<TeamName> {
        func isHeld(_ team: TeamName) -> Bool {
            decide(permission(team), bindings: bindings, limits: limits).isAllowed
        }
        if let team = limits.team { return isHeld(team) ? .only([team]) : .nothing }
        let named = bindings.compactMap(\.reach.team)
        let widest = bindings.filter { $0.reach == .everything }
        // Of roles on everything any team's name tells whether they do.
        if let any = (named.first ?? (try? TeamName("any"))),
            decide(permission(any), bindings: widest, limits: limits).isAllowed
        {
            return .everything
        }
        return .only(Set(named.filter(isHeld)))
    }

    /// The fleets whose hosts and releases somebody may read.
    package static func readableFleets(bindings: [RoleBinding], limits: TokenLimits) -> Readable<FleetName> {
        guard limits.team == nil else { return .nothing }
        let holding = bindings.filter { Permission.fleetReaders.contains($0.role) }
        if holding.contains(where: { $0.reach == .everything }) { return .everything }
        return .only(Set(holding.compactMap(\.reach.fleet)))
    }

    /// The parts of the audit log that somebody may read: the union of what each role opens.
    package static func readableAudit(bindings: [RoleBinding], limits: TokenLimits) -> ReadableAudit {
        ReadableAudit(
            isEverything: decide(.readAudit(.everything), bindings: bindings, limits: limits).isAllowed,
            teams: readableTeams(bindings: bindings, limits: limits),
            fleets: readableFleets(bindings: bindings, limits: limits))
    }
}

/// Parts of the audit log: all of it, or the events of some teams and of some fleets.
package struct ReadableAudit: Sendable, Hashable {
    /// Also what belongs to no team and no fleet.
    package let isEverything: Bool
    package let teams: Readable<TeamName>
    package let fleets: Readable<FleetName>

    package init(isEverything: Bool, teams: Readable<TeamName>, fleets: Readable<FleetName>) {
        self.isEverything = isEverything
        self.teams = teams
        self.fleets = fleets
    }

    package static let everything = ReadableAudit(isEverything: true, teams: .everything, fleets: .everything)
}

extension RoleReach {
    package var team: TeamName? {
        if case .team(let name) = self { name } else { nil }
    }

    package var fleet: FleetName? {
        if case .fleet(let name) = self { name } else { nil }
    }
}
