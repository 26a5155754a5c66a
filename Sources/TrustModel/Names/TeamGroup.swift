import SigningKeys

/// The groups that teams fall into in a fleet of many: between the fleet's own role and the teams' there is one role for
/// each group, so that a team's new keys change one small file and not the one that every host reads.
///
/// A team's group follows from its name alone and never changes.
package enum TeamGroup {
    /// How many groups there are.
    package static let count = 32
    /// Up to so many teams a fleet has no groups.
    package static let threshold = 200

    /// The role of a team's group: `teams-00` to `teams-31`.
    package static func name(of team: TeamName) -> String {
        let digest = HashAlgorithm.sha256.digest(of: Array(team.rawValue.utf8))
        let number = digest.first.map { Int($0) % count } ?? 0
        return "\(prefix)\(number / 10)\(number % 10)"
    }

    /// Whether a role's name has the form of a group's; no team has such a name.
    package static func isName(_ text: String) -> Bool {
        let digits = text.utf8.dropFirst(prefix.utf8.count)
        return text.utf8.starts(with: prefix.utf8) && digits.count == 2 && digits.allSatisfy(isDigit)
    }

    private static let prefix = "teams-"
}
