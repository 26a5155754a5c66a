package import TrustModel

/// A team whose role a release leaves as it is, because its newest content cannot be said in signed metadata now.
///
/// What holds one team holds no other, and no denial.
package struct HeldTeam: Sendable, Equatable {
    package let team: TeamName
    /// What is in the way, for the team and for the operator.
    package let reason: String
    /// Whether the fleet lists the team as it was before; otherwise the hosts know nothing of it yet.
    package let isListed: Bool

    package init(team: TeamName, reason: String, isListed: Bool) {
        self.team = team
        self.reason = reason
        self.isListed = isListed
    }
}
