/// What a token may be used for.
package enum TokenAccess: String, Codable, Sendable, Hashable, CaseIterable { case read, write }

/// What a token lets its holder use of the roles that the holder has; never more than those.
package struct TokenLimits: Sendable, Hashable {
    /// Whether a person or a program holds the token. Machines propose on behalf of their person and never approve.
    package enum Holder: String, Sendable, Codable, CaseIterable { case person, machine }

    package let access: TokenAccess
    package let holder: Holder
    /// The one team that the token is good for; absent for all that the person reaches.
    package let team: TeamName?

    package init(access: TokenAccess, holder: Holder, team: TeamName? = nil) {
        self.access = access
        self.holder = holder
        self.team = team
    }

    package static let unlimited = TokenLimits(access: .write, holder: .person)
}

/// Whether somebody may do something, and by which role or why not.
package enum AuthorizationDecision: Sendable, Equatable {
    case allowed(by: RoleBinding)
    case denied(reason: String, hint: String?)

    package var isAllowed: Bool {
        if case .allowed = self { true } else { false }
    }
}

/// Decides from roles and token limits alone; nothing is allowed that no role holds.
package enum Authorization {
    package static func decide(
        _ permission: Permission, bindings: [RoleBinding], limits: TokenLimits = .unlimited
    ) -> AuthorizationDecision {
        if let refusal = refusal(of: permission, by: limits) { return refusal }
        let holding = bindings.filter {
            permission.roles.contains($0.role) && $0.reach.covers(permission.target)
        }
        // The narrowest role that suffices is the one to name.
        if let binding = holding.first(where: { $0.reach != .everything }) ?? holding.first {
            return .allowed(by: binding)
        }
        let roles = permission.roles.map(\.title).joined(separator: ", ")
        let reach = permission.target == .everything ? "everything" : "everything or \(permission.target)"
        return .denied(
            reason: "none of your roles lets you \(permission)", hint: "it takes one of: \(roles), on \(reach)")
    }

    /// Whether the person would be let in with an unlimited token: what counts for approvals given earlier.
    package static func holds(_ permission: Permission, bindings: [RoleBinding]) -> Bool {
        decide(permission, bindings: bindings).isAllowed
    }

    private static func refusal(of permission: Permission, by limits: TokenLimits) -> AuthorizationDecision? {
        if limits.access == .read, !permission.isRead {
            return .denied(
                reason: "this token may only read, so it cannot \(permission)", hint: "use a token with write access")
        }
        if let team = limits.team, permission.target != .team(team) {
            return .denied(
                reason: "this token is limited to team \(team), so it cannot \(permission)",
                hint: "use a token without that limit")
        }
        if limits.holder == .machine, permission.isApproval {
            return .denied(
                reason: "this token belongs to a machine, and machines never approve",
                hint: "approve with a person's own token")
        }
        return nil
    }
}
