package import TrustModel

/// What a fleet has published: the signed bytes as they left, from which the next release follows.
package struct PublishedState: Sendable, Equatable {
    /// Every root in order, the one that hosts were pinned to first.
    package var roots: [[UInt8]]
    package var timestamp: [UInt8]?
    package var snapshot: [UInt8]?
    package var targets: [UInt8]?
    /// Current bytes of each delegated role by name: deny, revocation, ops and the teams now in the fleet.
    package var delegated: [String: [UInt8]]
    /// Versions given out so far, where they are higher than those of the bytes, such as after a recovery; by role name.
    package var counters: [String: Int64]
    /// The newest signed role of each team, in whatever fleet it was published first.
    package var teamRoles: [TeamName: SignedTeamRole]

    package init(
        roots: [[UInt8]], timestamp: [UInt8]? = nil, snapshot: [UInt8]? = nil, targets: [UInt8]? = nil,
        delegated: [String: [UInt8]] = [:], counters: [String: Int64] = [:],
        teamRoles: [TeamName: SignedTeamRole] = [:]
    ) {
        self.roots = roots
        self.timestamp = timestamp
        self.snapshot = snapshot
        self.targets = targets
        self.delegated = delegated
        self.counters = counters
        self.teamRoles = teamRoles
    }
}
