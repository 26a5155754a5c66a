package import Codecs

/// What happens when people are to say again whether something is still needed.
package enum Recertification {
    /// The answer about one anchor or one use of a vendor.
    package enum Answer: String, Sendable, Codable, CaseIterable { case open, confirmed, removal }

    /// Whose business an unanswered item is: it goes up as the end comes nearer, and never ends by itself.
    package enum Level: Int, Sendable, Comparable, CaseIterable {
        /// Who proposed it.
        case owner
        /// Everybody of the team.
        case team
        case teamAdmins
        case trustAdmins

        package static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    /// Days before the end from which an item is the team's business, and its administrators'.
    package static let teamDays: Int64 = 7
    package static let teamAdminDays: Int64 = 3
    /// A review holds no longer than that.
    package static let longestReviewDays: Int64 = 400

    package static func level(due: UTCDate, now: UTCDate) -> Level {
        if now >= due { return .trustAdmins }
        if now >= due.adding(days: -teamAdminDays) { return .teamAdmins }
        return now >= due.adding(days: -teamDays) ? .team : .owner
    }

    /// Whether an item is shown to a person: to those of its level, and to whom it was shown before.
    package static func concerns(
        _ level: Level, isOwner: Bool, bindings: [RoleBinding], team: TeamName
    ) -> Bool {
        if isOwner { return true }
        let roles = Set(bindings.filter { $0.reach.covers(.team(team)) }.map(\.role))
        if level >= .team, !roles.isDisjoint(with: [.teamMember, .teamAdmin]) { return true }
        if level >= .teamAdmins, roles.contains(.teamAdmin) { return true }
        return level >= .trustAdmins && roles.contains(.trustAdmin)
    }
}
