/// A team's targets as they were verified: the bytes of its policy and of its stores.
package struct TeamTargets: Sendable, Equatable {
    package let team: TeamName
    /// `<team>/policy.json`; nil when the team's role lists none.
    package let policy: [UInt8]?
    /// `<team>/<kind>.<store>.pem` by store.
    package let stores: [TrustStoreID: [UInt8]]

    package init(team: TeamName, policy: [UInt8]?, stores: [TrustStoreID: [UInt8]]) {
        self.team = team
        self.policy = policy
        self.stores = stores
    }
}

/// What there is of a team at the time of a merge.
package enum TeamState: Sendable {
    /// Its role and every target of it were verified.
    case verified(TeamTargets)
    /// Its role or a target could not be had, or is not valid; the sentence says why.
    case unavailable(String)
}
