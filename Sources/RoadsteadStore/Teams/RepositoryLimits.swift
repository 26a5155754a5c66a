import TrustModel

/// How many repositories the fleets know at most, since every host is given all that its teams own.
///
/// A team's count is exact, as its row is locked meanwhile. Teams that add at the same moment may pass the total by
/// as many as they are.
enum RepositoryLimits {
    static let ofTeam = 2_000
    static let everywhere = 10_000

    /// Refuses counts that a repository just added has brought above the limits.
    static func check(everywhere: Int, ofTeam: Int, team: TeamName) throws {
        guard ofTeam <= Self.ofTeam else {
            throw StoreError(
                .conflict, "team \"\(team)\" has \(Self.ofTeam) repositories, the most that a team may have",
                hint: "an administrator gives a longer scope, and with it its repositories, to another team")
        }
        guard everywhere <= Self.everywhere else {
            throw StoreError(
                .conflict, "there are \(Self.everywhere) repositories, the most that this server keeps",
                hint: "delete the rows of the table repository that are out of use, as the owner of the database")
        }
    }
}
