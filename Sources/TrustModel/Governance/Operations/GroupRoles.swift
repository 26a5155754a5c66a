/// Lets the members of a group at an issuer hold a role.
package struct SetGroupRole: GovernedOperation {
    package static let kind = OperationKind.setGroupRole
    package static let concern = ChangeConcern.administration

    package let issuer: IssuerURL
    package let group: GroupName
    package let role: PersonRole
    package let reach: RoleReach

    package init(issuer: IssuerURL, group: GroupName, binding: RoleBinding) {
        self.issuer = issuer
        self.group = group
        (role, reach) = (binding.role, binding.reach)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            issuer: try container.decode(IssuerURL.self, forKey: .issuer),
            group: try container.decode(GroupName.self, forKey: .group),
            binding: try RoleBinding(
                try container.decode(PersonRole.self, forKey: .role),
                try container.decode(RoleReach.self, forKey: .reach)))
    }

    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package var summary: String { "gives members of the group \(group) at \(issuer) the role \(role) on \(reach)" }
}

/// Takes from the members of a group at an issuer the role that it brings.
package struct RemoveGroupRole: GovernedOperation {
    package static let kind = OperationKind.removeGroupRole
    package static let concern = ChangeConcern.administration

    package let issuer: IssuerURL
    package let group: GroupName
    package let role: PersonRole
    package let reach: RoleReach

    package init(issuer: IssuerURL, group: GroupName, binding: RoleBinding) {
        self.issuer = issuer
        self.group = group
        (role, reach) = (binding.role, binding.reach)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            issuer: try container.decode(IssuerURL.self, forKey: .issuer),
            group: try container.decode(GroupName.self, forKey: .group),
            binding: try RoleBinding(
                try container.decode(PersonRole.self, forKey: .role),
                try container.decode(RoleReach.self, forKey: .reach)))
    }

    package var adds: Bool { false }
    package func proposal(in team: TeamName?) -> [Permission] { [.administer] }
    package func approval(in team: TeamName?) -> Permission { .approveAdministration }
    package func alone(in team: TeamName?) -> Permission? { .administer }
    package var summary: String { "takes the role \(role) on \(reach) from the group \(group) at \(issuer)" }
}
