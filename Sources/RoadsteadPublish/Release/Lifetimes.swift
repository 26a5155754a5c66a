import Codecs
package import TrustModel

/// How long a role's metadata lives and when it is signed again although nothing changed, in seconds.
package struct Lifetime: Sendable, Equatable {
    package let seconds: Int64
    /// It is signed again this long after it was signed.
    package let renewAfter: Int64

    func expiry(from now: UTCDate) -> UTCDate { now.adding(seconds: seconds) }

    /// Whether metadata that expires then has to be signed again.
    func isDue(_ expires: UTCDate, at now: UTCDate) -> Bool { due(expires) <= now }

    /// The moment from which metadata that expires then is signed again.
    func due(_ expires: UTCDate) -> UTCDate { expires.adding(seconds: renewAfter - seconds) }
}

/// The lifetimes of one profile: profiles, not knobs.
package struct Lifetimes: Sendable, Equatable {
    package let root: Lifetime
    package let targets: Lifetime
    package let snapshot: Lifetime
    package let timestamp: Lifetime
    /// deny, revocation and ops.
    package let online: Lifetime
    /// A team's role in the server's custody. It is promoted only while it lives 30 days more, so it gets 45.
    package let team: Lifetime
    /// A team's role in the team's own custody: renewing it is certifying it again.
    package let teamCustody: Lifetime
}

extension FleetProfile {
    package var lifetimes: Lifetimes {
        let year = Lifetime(seconds: 400 * day, renewAfter: 280 * day)
        let team = Lifetime(seconds: 45 * day, renewAfter: day)
        switch self {
        case .standard, .high:
            let week = Lifetime(seconds: 7 * day, renewAfter: day)
            let timestamp =
                self == .high
                ? Lifetime(seconds: 6 * hour, renewAfter: hour / 4) : Lifetime(seconds: 24 * hour, renewAfter: hour)
            return Lifetimes(
                root: year, targets: year, snapshot: week, timestamp: timestamp, online: week, team: team,
                teamCustody: year)
        case .airgap:
            let carried = Lifetime(seconds: 45 * day, renewAfter: day)
            return Lifetimes(
                root: year, targets: year, snapshot: carried, timestamp: carried, online: carried, team: team,
                teamCustody: year)
        }
    }
}

private let hour: Int64 = 3_600
private let day: Int64 = 86_400
