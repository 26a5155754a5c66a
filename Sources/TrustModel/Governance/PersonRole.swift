/// What a person may do, as a role that is bound to a reach.
package enum PersonRole: String, Sendable, Hashable, Codable, CaseIterable, Comparable, CustomStringConvertible {
    case trustAdmin = "trust-admin"
    case securityOfficer = "security-officer"
    case teamAdmin = "team-admin"
    case teamMember = "team-member"
    case fleetOperator = "fleet-operator"
    case auditor

    /// How the role is written in sentences.
    package var title: String {
        switch self {
        case .trustAdmin: "trust administrator"
        case .securityOfficer: "security officer"
        case .teamAdmin: "team administrator"
        case .teamMember: "team member"
        case .fleetOperator: "fleet operator"
        case .auditor: "auditor"
        }
    }

    package var description: String { rawValue }

    package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// How far a role reaches: everything, one team or one fleet. Its text is `everything`, `team:acme` or `fleet:prod`.
package enum RoleReach: Sendable, Hashable, CustomStringConvertible {
    case everything
    case team(TeamName)
    case fleet(FleetName)

    package init(_ text: String) throws(TrustModelError) {
        if text == "everything" {
            self = .everything
        } else if text.hasPrefix("team:") {
            self = .team(try TeamName(String(text.dropFirst("team:".count))))
        } else if text.hasPrefix("fleet:") {
            self = .fleet(try FleetName(String(text.dropFirst("fleet:".count))))
        } else {
            throw TrustModelError(
                .name, "the reach \"\(text.prefix(80))\" of a role means nothing",
                hint: "everything, team:NAME or fleet:NAME")
        }
    }

    package var description: String {
        switch self {
        case .everything: "everything"
        case .team(let team): "team:\(team)"
        case .fleet(let fleet): "fleet:\(fleet)"
        }
    }

    /// Whether a role bound here may act there.
    package func covers(_ other: RoleReach) -> Bool { self == .everything || self == other }
}

extension RoleReach: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// One role that a person holds, and where.
package struct RoleBinding: Sendable, Hashable, Codable, CustomStringConvertible {
    package let role: PersonRole
    package let reach: RoleReach

    /// - Throws: `TrustModelError(.name)` when the role cannot be bound to that reach, such as a team role to a fleet.
    package init(_ role: PersonRole, _ reach: RoleReach) throws(TrustModelError) {
        guard Self.isMeaningful(role, reach) else {
            throw TrustModelError(
                .name, "the role \(role) cannot be bound to \(reach)",
                hint: "trust-admin: everything; security-officer: everything or a team; team roles: a team; "
                    + "fleet-operator: everything or a fleet")
        }
        self.role = role
        self.reach = reach
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            try container.decode(PersonRole.self, forKey: .role),
            try container.decode(RoleReach.self, forKey: .reach))
    }

    package var description: String { "\(role) on \(reach)" }

    private static func isMeaningful(_ role: PersonRole, _ reach: RoleReach) -> Bool {
        switch (role, reach) {
        case (.trustAdmin, .everything), (.auditor, _): true
        case (.securityOfficer, .everything), (.securityOfficer, .team): true
        case (.teamAdmin, .team), (.teamMember, .team): true
        case (.fleetOperator, .everything), (.fleetOperator, .fleet): true
        default: false
        }
    }
}
