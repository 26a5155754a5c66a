package import TrustModel

/// A role of a fleet whose key the server holds.
package enum FleetRole: String, Sendable, Hashable, CaseIterable {
    case timestamp, snapshot, targets, deny, revocation, ops
}

/// What a key is for, the only thing it is ever used for: one role of one fleet, or one team in every fleet.
package enum KeyPurpose: Sendable, Hashable, CustomStringConvertible {
    case fleet(FleetID, FleetRole)
    case team(TeamName)

    /// Reads the form in which it is stored; no fleet means a team's key.
    package init(fleet: FleetID?, role: String) throws {
        guard let fleet else {
            self = .team(try TeamName(role))
            return
        }
        guard let role = FleetRole(rawValue: role) else {
            throw PublishError(.sealedKey, "a stored key is for a role \"\(role.prefix(40))\", which no fleet has")
        }
        self = .fleet(fleet, role)
    }

    package var fleet: FleetID? { if case .fleet(let id, _) = self { id } else { nil } }

    package var role: String {
        switch self {
        case .fleet(_, let role): role.rawValue
        case .team(let team): team.rawValue
        }
    }

    package var description: String {
        switch self {
        case .fleet(let id, let role): "role \(role.rawValue) of fleet \(id)"
        case .team(let team): "team \(team)"
        }
    }
}
