import Codecs

/// A team's targets as they were verified: the bytes of its policy and of its stores.
package struct TeamTargets: Sendable, Equatable {
    /// How many bytes a team's targets have together at most: some hundreds of anchors, and few enough that all teams
    /// of a fleet fit into what a host reads back.
    package static let byteLimit: Int64 = 1 << 20

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

    /// The same less the anchors that newer content no longer has in the same store. Nothing is added, and the policy stays.
    package func less(removedIn newest: TeamTargets) -> TeamTargets {
        let kept = stores.map { id, pem in (id, Self.common(pem, newest.stores[id] ?? [])) }
        return TeamTargets(team: team, policy: policy, stores: Dictionary(uniqueKeysWithValues: kept))
    }

    /// Of a text that cannot be read nothing is known to be removed.
    private static func common(_ pem: [UInt8], _ newest: [UInt8]) -> [UInt8] {
        guard let held = try? PEM.decode(pem), let listed = try? PEM.decode(newest) else { return pem }
        let common = held.filter { block in listed.contains { $0.bytes == block.bytes } }
        return common.count == held.count ? pem : Array(common.map(\.text).joined().utf8)
    }

    /// Why a host does not take targets of these lengths from one team; nil when it does.
    package static func refusal(ofLengths lengths: [Int64]) -> String? {
        var total: Int64 = 0
        for length in lengths {
            let (sum, overflows) = total.addingReportingOverflow(length)
            guard !overflows, length >= 0, sum <= byteLimit else {
                return "its targets have more than the \(byteLimit) bytes that a host takes from one team"
            }
            total = sum
        }
        return nil
    }
}

/// What there is of a team at the time of a merge.
package enum TeamState: Sendable {
    /// Its role and every target of it were verified.
    case verified(TeamTargets)
    /// Its role or a target could not be had, or is not valid; the sentence says why.
    case unavailable(String)
}
