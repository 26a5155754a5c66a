import Synchronization

/// Gives every caller its share: a bucket that holds a minute's worth and fills evenly.
final class CallerLimiter: Sendable {
    private struct Bucket {
        var left: Double
        var at: ContinuousClock.Instant
    }

    private let perMinute: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    init(perMinute: Int) { self.perMinute = Double(perMinute) }

    /// - Throws: `.rateLimit` when nothing is left.
    func take(_ caller: String, now: ContinuousClock.Instant = .now) throws(SignerError) {
        let isAllowed = buckets.withLock { buckets in
            var bucket = buckets[caller] ?? Bucket(left: perMinute, at: now)
            bucket.left = min(perMinute, bucket.left + (now - bucket.at) / .seconds(60) * perMinute)
            bucket.at = now
            defer { buckets[caller] = bucket }
            guard bucket.left >= 1 else { return false }
            bucket.left -= 1
            return true
        }
        guard isAllowed else {
            throw SignerError(.rateLimit, "\(caller) has asked for more than \(Int(perMinute)) in a minute")
        }
    }
}
