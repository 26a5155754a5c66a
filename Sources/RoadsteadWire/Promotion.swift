package import Codecs
package import TrustModel

/// `PUT /v1/fleets/{fleet}/source`: where the contents of a fleet's teams are promoted from.
package struct FleetSourceRequest: Codable, Sendable, Equatable {
    /// Absent to take the newest of each team at once.
    package let promotesFrom: FleetName?

    package init(promotesFrom: FleetName?) {
        self.promotesFrom = promotesFrom
    }
}

/// `POST /v1/fleets/{fleet}/promotions`
package struct PromotionRequest: Codable, Sendable, Equatable {
    package let from: FleetName
    /// Absent for every team of the fleet.
    package let teams: [TeamName]?
    /// Whether to show only what would become of it.
    package let dryRun: Bool?

    package init(from: FleetName, teams: [TeamName]? = nil, dryRun: Bool? = nil) {
        self.from = from
        self.teams = teams
        self.dryRun = dryRun
    }
}

/// What becomes of a team in a promotion.
package enum PromotionOutcome: String, Codable, Sendable, CaseIterable {
    /// The same signed bytes go in.
    case promoted
    /// The content goes in, signed anew under a higher version.
    case signedAnew = "signed-anew"
    /// The fleet takes it already.
    case unchanged
    case refused
}

/// One team of a promotion.
package struct PromotedTeamBody: Codable, Sendable, Equatable {
    package let team: TeamName
    package let outcome: PromotionOutcome
    /// Number of the content that the fleet took before.
    package let before: Int64
    /// Number of the content that the source publishes.
    package let content: Int64?
    /// Version of the team's role that the source publishes.
    package let version: Int64?
    /// How the contents differ, a line each.
    package let difference: [String]
    /// Why it is signed anew or refused.
    package let reason: String?
    package let hint: String?

    package init(
        team: TeamName, outcome: PromotionOutcome, before: Int64, content: Int64?, version: Int64?,
        difference: [String], reason: String? = nil, hint: String? = nil
    ) {
        self.team = team
        self.outcome = outcome
        self.before = before
        self.content = content
        self.version = version
        self.difference = difference
        self.reason = reason
        self.hint = hint
    }
}

/// What was, or would be, promoted.
package struct PromotionBody: Codable, Sendable, Equatable {
    package let from: FleetName
    package let to: FleetName
    package let dryRun: Bool
    package let teams: [PromotedTeamBody]

    package init(from: FleetName, to: FleetName, dryRun: Bool, teams: [PromotedTeamBody]) {
        self.from = from
        self.to = to
        self.dryRun = dryRun
        self.teams = teams
    }
}

/// `POST /v1/fleets/{fleet}/hot-fixes`
package struct HotFixRequest: Codable, Sendable, Equatable {
    /// The number of a published change.
    package let change: Int64
    /// Whether to show only what would become of it.
    package let dryRun: Bool?

    package init(change: Int64, dryRun: Bool? = nil) {
        self.change = change
        self.dryRun = dryRun
    }
}

/// What was, or would be, a hot fix.
package struct HotFixBody: Codable, Sendable, Equatable {
    package let fleet: FleetName
    package let change: Int64
    package let team: TeamName
    /// Number of the content that the fleet took before.
    package let before: Int64
    /// Number of the content that was made for the fleet; absent in a dry run.
    package let content: Int64?
    /// How it differs from the one before, a line each.
    package let difference: [String]

    package init(
        fleet: FleetName, change: Int64, team: TeamName, before: Int64, content: Int64?, difference: [String]
    ) {
        self.fleet = fleet
        self.change = change
        self.team = team
        self.before = before
        self.content = content
        self.difference = difference
    }
}

/// Metadata that only people can sign anew, and that is about to end.
package struct ExpiryWarningBody: Codable, Sendable, Equatable {
    /// `root`, `targets`, or a team that is in its own custody.
    package let role: String
    package let expires: UTCDate
    package let daysLeft: Int64
    /// The last stage reached: 120, 90, 60, 30, 14, 7, 3 or 1 days, and 0 once it has expired.
    package let stage: Int

    package init(role: String, expires: UTCDate, daysLeft: Int64, stage: Int) {
        self.role = role
        self.expires = expires
        self.daysLeft = daysLeft
        self.stage = stage
    }
}

/// A team that stays as it is published, or out of the fleet.
package struct HeldTeamBody: Codable, Sendable, Equatable {
    package let team: TeamName
    package let reason: String
    /// Whether hosts have the team as it was before; otherwise they do not know it yet.
    package let isListed: Bool

    package init(team: TeamName, reason: String, isListed: Bool) {
        self.team = team
        self.reason = reason
        self.isListed = isListed
    }
}

/// A key of the server, in a token or a service, that cannot be used.
package struct UnusableKeyBody: Codable, Sendable, Equatable {
    /// A role of the fleet, or a team.
    package let role: String
    package let reason: String
    /// When what it signed last ends.
    package let ends: UTCDate?

    package init(role: String, reason: String, ends: UTCDate? = nil) {
        self.role = role
        self.reason = reason
        self.ends = ends
    }
}

/// `GET /v1/fleets/{fleet}/warnings`: what needs people, the worst first in each list.
package struct FleetWarningsBody: Codable, Sendable, Equatable {
    package let fleet: FleetName
    /// Why publishing was stopped; absent while it goes on.
    package let halt: String?
    /// Why nothing can be published; absent when it can.
    package let failure: String?
    package let expiring: [ExpiryWarningBody]
    package let held: [HeldTeamBody]
    /// What hosts will not learn before people have held a ceremony.
    package let waiting: [String]
    /// Absent while the server can use every key that it signs with.
    package let unusableKeys: [UnusableKeyBody]?

    package init(
        fleet: FleetName, halt: String? = nil, failure: String? = nil, expiring: [ExpiryWarningBody],
        held: [HeldTeamBody], waiting: [String], unusableKeys: [UnusableKeyBody]? = nil
    ) {
        self.fleet = fleet
        self.halt = halt
        self.failure = failure
        self.expiring = expiring
        self.held = held
        self.waiting = waiting
        self.unusableKeys = unusableKeys
    }
}
