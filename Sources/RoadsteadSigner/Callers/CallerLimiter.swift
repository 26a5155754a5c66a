import Synchronization

/// Gives every caller its share: a bucket that holds a minute's worth and fills evenly.
final class CallerLimiter: Sendable {
    private struct Bucket {
        var left: Double
        var at: ContinuousClock.Instant
    }

    private let perMinute: Double
    private let things: String
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameter things: what is limited, for the refusal.
    init(perMinute: Int, of things: String = "requests") {
        self.perMinute = Double(perMinute)
        self.things = things
    }

    /// - Throws: `.rateLimit` when nothing is left.
    func take(_ caller: String, now: ContinuousClock.Instant = .now) throws(SignerError) {
        try draw(1, caller, now)
    }

    /// Takes nothing.
    ///
    /// - Throws: `.rateLimit` when nothing is left.
    func check(_ caller: String, now: ContinuousClock.Instant = .now) throws(SignerError) { try draw(0, caller, now) }

    private func draw(_ count: Double, _ caller: String, _ now: ContinuousClock.Instant) throws(SignerError) {
        let isAllowed = buckets.withLock { buckets in
            var bucket = buckets[caller] ?? Bucket(left: perMinute, at: now)
            bucket.left = min(perMinute, bucket.left + (now - bucket.at) / .seconds(60) * perMinute)
            bucket.at = now
            defer { buckets[caller] = bucket }
            guard bucket.left >= 1 else { return false }
            bucket.left -= count
            return true
        }
        guard isAllowed else {
            throw SignerError(
                .rateLimit, "\(caller) has asked for more than \(Int(perMinute)) \(things) in a minute",
                hint: "wait a little")
        }
    }
}
