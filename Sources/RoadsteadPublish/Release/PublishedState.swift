package import TrustModel

/// What a fleet has published: the signed bytes as they left, from which the next release follows.
package struct PublishedState: Sendable, Equatable {
    /// Every root in order, the one that hosts were pinned to first.
    package var roots: [[UInt8]]
    package var timestamp: [UInt8]?
    package var snapshot: [UInt8]?
    package var targets: [UInt8]?
    /// Current bytes of each delegated role by name: deny, revocation, ops, the groups of teams and the teams.
    ///
    /// Those of removed teams may be among them.
    package var delegated: [String: [UInt8]]
    /// The highest version ever given out by role name, those of void drafts and of teams in other fleets among them.
    package var counters: [String: Int64]
    /// Of each team the newest signed role with this fleet's content, in whatever fleet it was published first.
    package var teamRoles: [TeamName: SignedTeamRole]
    /// A root whose ceremony has closed and that no host has seen yet: it comes out with the next release.
    package var pendingRoot: [UInt8]?
    /// What the newest ceremony has made of the fleet's own role, where its keys are not on the server.
    package var signedTargets: SignedTargets?

    package init(
        roots: [[UInt8]], timestamp: [UInt8]? = nil, snapshot: [UInt8]? = nil, targets: [UInt8]? = nil,
        delegated: [String: [UInt8]] = [:], counters: [String: Int64] = [:],
        teamRoles: [TeamName: SignedTeamRole] = [:], pendingRoot: [UInt8]? = nil, signedTargets: SignedTargets? = nil
    ) {
        self.roots = roots
        self.timestamp = timestamp
        self.snapshot = snapshot
        self.targets = targets
        self.delegated = delegated
        self.counters = counters
        self.teamRoles = teamRoles
        self.pendingRoot = pendingRoot
        self.signedTargets = signedTargets
    }
}
