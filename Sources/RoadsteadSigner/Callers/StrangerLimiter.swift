import NIOCore
import Outbound
import Synchronization

/// Bounds what those who have proved nothing may have looked at: a bucket for each address and one for all, which hold a
/// minute's worth and fill evenly. Whoever turns out to be a caller is not counted.
final class StrangerLimiter: Sendable {
    /// An address, or for IPv6 the network of 64 bits that one machine can choose its own from.
    typealias Origin = [UInt8]

    static let mostOrigins = 4_096

    private struct Bucket {
        var left: Double
        var at: ContinuousClock.Instant

        mutating func fill(_ size: Double, _ now: ContinuousClock.Instant) {
            left = min(size, left + (now - at) / .seconds(60) * size)
            at = now
        }
    }

    private struct State {
        var origins: [Origin: Bucket] = [:]
        var all: Bucket
    }

    private let perOrigin: Double
    private let total: Double
    private let state: Mutex<State>

    init(perOrigin: Int, total: Int, now: ContinuousClock.Instant = .now) {
        (self.perOrigin, self.total) = (Double(perOrigin), Double(total))
        state = Mutex(State(all: Bucket(left: Double(total), at: now)))
    }

    /// Takes one look.
    ///
    /// - Throws: `.tooManyStrangers` when none is left.
    func admit(_ origin: Origin, now: ContinuousClock.Instant = .now) throws(SignerError) {
        let isAllowed = state.withLock { state in
            if state.origins.count >= Self.mostOrigins, state.origins[origin] == nil { forget(&state, now) }
            var bucket = state.origins[origin] ?? Bucket(left: perOrigin, at: now)
            bucket.fill(perOrigin, now)
            state.all.fill(total, now)
            let isAllowed = bucket.left >= 1 && state.all.left >= 1
            if isAllowed {
                bucket.left -= 1
                state.all.left -= 1
            }
            state.origins[origin] = bucket
            return isAllowed
        }
        guard isAllowed else {
            throw SignerError(
                .tooManyStrangers, "too much that proves no caller was shown, here or from this address",
                hint: "wait a minute; a client certificate or a token that counted before is looked at even now")
        }
    }

    /// Gives back what a caller took before it was known to be one.
    func giveBack(_ origin: Origin) {
        state.withLock { state in
            state.origins[origin]?.left += 1
            state.all.left += 1
        }
    }

    private func forget(_ state: inout State, _ now: ContinuousClock.Instant) {
        state.origins = state.origins.filter { _, bucket in
            var bucket = bucket
            bucket.fill(perOrigin, now)
            return bucket.left < perOrigin
        }
        if state.origins.count >= Self.mostOrigins { state.origins.removeAll() }
    }

    /// Where a connection comes from; all that have no address are one.
    static func origin(of channel: any Channel) -> Origin {
        let all = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }?.bytes ?? []
        guard all.count == 16 else { return all }
        let isMapped = all.prefix(10).allSatisfy { $0 == 0 } && all[10..<12].allSatisfy { $0 == 0xFF }
        return isMapped ? Array(all[12...]) : Array(all.prefix(8))
    }
}
