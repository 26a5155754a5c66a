import Synchronization

/// How much may be asked for in a minute. A read costs 1, a write 5, a read of everything 100.
struct RequestLimits: Sendable {
    static let range = 60...10_000_000
    static let failures = 1...10_000_000
    static let standard = RequestLimits(credentialPerMinute: 6_000, addressPerMinute: 30_000, failuresPerMinute: 20)

    /// What one credential may ask for.
    let credentialPerMinute: Int
    /// What one address may ask for, whoever it signs in as; many people and hosts can share one.
    let addressPerMinute: Int
    /// How many credentials of one address may be refused before it has to wait.
    let failuresPerMinute: Int
}

/// Gives every caller a share of the API: a bucket that holds a minute's worth and fills evenly.
///
/// Each replica counts for itself. Published files and hints are not counted: they cost next to nothing.
final class RequestLimiter: Sendable {
    enum Caller: Hashable, Sendable {
        case credential(Int64)
        case address(String)
    }

    /// Most callers kept. Those whose buckets are full again are forgotten first.
    static let mostCallers = 16_384

    private struct Bucket {
        var left: Double
        var at: ContinuousClock.Instant
    }

    private let limits: RequestLimits
    private let buckets = Mutex<[Caller: Bucket]>([:])

    init(_ limits: RequestLimits) { self.limits = limits }

    /// Takes what a request costs.
    ///
    /// - Throws: `.rateLimit` when less is left, with the seconds until it would do.
    func take(_ cost: Int, from caller: Caller, now: ContinuousClock.Instant = .now) throws(ServerError) {
        let size = Double(size(caller))
        let cost = min(Double(cost), size)
        let missing = buckets.withLock { buckets in
            if buckets.count >= Self.mostCallers, buckets[caller] == nil { forget(&buckets, now) }
            var left = buckets[caller].map { filled($0, size, now) } ?? size
            let missing = max(0, cost - left)
            if missing == 0 { left -= cost }
            buckets[caller] = Bucket(left: left, at: now)
            return missing
        }
        guard missing > 0 else { return }
        let seconds = Int((missing * 60 / size).rounded(.up))
        throw ServerError(
            .rateLimit, "\(Self.name(caller)) has asked for more than \(Int(size)) in a minute",
            hint: "wait \(seconds) s; a read costs 1, a write \(Endpoint.writeCost)", retryAfter: seconds)
    }

    private func size(_ caller: Caller) -> Int {
        switch caller {
        case .credential: limits.credentialPerMinute
        case .address: limits.addressPerMinute
        }
    }

    private func filled(_ bucket: Bucket, _ size: Double, _ now: ContinuousClock.Instant) -> Double {
        min(size, bucket.left + (now - bucket.at) / .seconds(60) * size)
    }

    private func forget(_ buckets: inout [Caller: Bucket], _ now: ContinuousClock.Instant) {
        buckets = buckets.filter { caller, bucket in
            let size = Double(size(caller))
            return filled(bucket, size, now) < size
        }
        if buckets.count >= Self.mostCallers { buckets.removeAll() }
    }

    private static func name(_ caller: Caller) -> String {
        switch caller {
        case .credential: "this credential"
        case .address: "this address"
        }
    }
}
