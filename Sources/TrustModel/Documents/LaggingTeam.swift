package import Codecs

/// A team whose newest content is not in force on a host: what is in its place, since when, and why.
package struct LaggingTeam: Sendable, Codable, Equatable {
    package enum State: String, Sendable, Codable {
        /// Its last good content, less the denials.
        case lastGood = "last-good"
        /// Nothing: its scopes reject.
        case rejecting
    }

    /// Longest reason that is kept.
    package static let reasonLimit = 300

    package let team: TeamName
    package let state: State
    /// When this host first could not use what the fleet publishes of the team; the grace period counts from here.
    package let since: UTCDate
    package let reason: String

    package init(team: TeamName, state: State, since: UTCDate, reason: String) {
        self.team = team
        self.state = state
        self.since = since
        self.reason = String(reason.prefix(Self.reasonLimit))
    }

    /// The sentence that people read about it.
    package var warning: TrustWarning {
        switch state {
        case .lastGood: TrustWarning(.keptBack, team: team, "its last good content stays in force: \(reason)")
        case .rejecting: TrustWarning(.noContent, team: team, "its scopes reject, nothing of it can be used: \(reason)")
        }
    }
}
