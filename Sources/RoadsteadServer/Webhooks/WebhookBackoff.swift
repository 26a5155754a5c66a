import Codecs

/// When a delivery that failed is tried again: soon at first, ever more seldom, and for a day in all.
enum WebhookBackoff {
    static let delays: [Int64] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600]
    static let seconds: Int64 = 86_400

    /// - Parameter attempts: those before the one that failed just now.
    /// - Returns: nil when it is given up.
    static func next(after attempts: Int, created: UTCDate, now: UTCDate) -> UTCDate? {
        let end = created.adding(seconds: seconds)
        guard now < end else { return nil }
        return min(now.adding(seconds: delays[min(attempts, delays.count - 1)]), end)
    }
}
