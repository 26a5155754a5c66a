package import Codecs

/// What the publisher found when it last looked at a fleet: kept in the database, so that every replica can show it.
package struct FleetNote: Codable, Sendable, Equatable {
    /// When metadata ends that this server cannot sign anew.
    package struct Expiry: Codable, Sendable, Equatable {
        /// `root`, `targets`, or a team that is in its own custody.
        package let role: String
        package let expires: UTCDate
        /// The stage of warning that was reached when this was written; nil for none.
        package let stage: Int?

        package init(role: String, expires: UTCDate, stage: Int? = nil) {
            self.role = role
            self.expires = expires
            self.stage = stage
        }
    }

    /// A team that stays as it is published, or out of the fleet, and why.
    package struct Held: Codable, Sendable, Equatable {
        package let team: TeamName
        package let reason: String
        package let isListed: Bool

        package init(team: TeamName, reason: String, isListed: Bool) {
            self.team = team
            self.reason = reason
            self.isListed = isListed
        }
    }

    /// A key of the server, in a token or a service, that cannot be used.
    package struct UnusableKey: Codable, Sendable, Equatable {
        /// A role of the fleet, or a team.
        package let role: String
        package let reason: String
        /// When what it signed last ends; nil for what is not published.
        package let ends: UTCDate?

        package init(role: String, reason: String, ends: UTCDate?) {
            self.role = role
            self.reason = reason
            self.ends = ends
        }
    }

    package let expiries: [Expiry]
    package let held: [Held]
    /// What hosts will not learn before people have held a ceremony.
    package let waiting: [String]
    /// Why nothing can be published at all; nil when it can.
    package let failure: String?
    /// Teams for which hosts believe other keys than was agreed, until a ceremony says so; nil when that is not known.
    package let otherKeys: [TeamName]?
    /// Absent while every key can be used.
    package let unusableKeys: [UnusableKey]?

    package init(
        expiries: [Expiry], held: [Held] = [], waiting: [String] = [], failure: String? = nil,
        otherKeys: [TeamName]? = nil, unusableKeys: [UnusableKey] = []
    ) {
        self.expiries = expiries
        self.held = held
        self.waiting = waiting
        self.failure = failure
        self.otherKeys = otherKeys
        self.unusableKeys = unusableKeys.isEmpty ? nil : unusableKeys
    }
}
