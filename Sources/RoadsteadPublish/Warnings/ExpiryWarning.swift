package import Codecs
package import TrustModel

/// Says that metadata which only people can sign anew is about to end.
package struct ExpiryWarning: Sendable, Equatable {
    /// Days before the end at which its holder is told, the first one first; design: root and targets live 400 days.
    package static let stages = [120, 90, 60, 30, 14, 7, 3, 1]

    /// `root`, `targets`, or a team that is in its own custody.
    package let role: String
    package let expires: UTCDate
    /// Whole days that are left; 0 on the last day and after it.
    package let daysLeft: Int64
    /// The last of `stages` that was reached; 0 once it has expired.
    package let stage: Int

    /// - Returns: nil while the end is more than `stages.first` days away.
    package init?(role: String, expires: UTCDate, now: UTCDate) {
        guard let stage = Self.stage(expires: expires, now: now) else { return nil }
        self.role = role
        self.expires = expires
        self.stage = stage
        daysLeft = max(0, expires.seconds - now.seconds) / day
    }

    /// The stage that is reached; 0 for what has expired, nil for what is far off.
    package static func stage(expires: UTCDate, now: UTCDate) -> Int? {
        guard expires > now else { return 0 }
        return stages.last { expires.seconds - now.seconds <= Int64($0) * day }
    }

    /// The warnings there are, the worst first.
    package static func all(of expiries: [FleetNote.Expiry], now: UTCDate) -> [ExpiryWarning] {
        expiries.compactMap { ExpiryWarning(role: $0.role, expires: $0.expires, now: now) }
            .sorted { ($0.expires, $0.role) < ($1.expires, $1.role) }
    }
}

private let day: Int64 = 86_400
