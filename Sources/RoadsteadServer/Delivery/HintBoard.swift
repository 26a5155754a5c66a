import Synchronization
import TrustModel

/// Who waits for a fleet's next publication. At most `mostWaiting` wait at a time.
final class HintBoard: Sendable {
    static let mostWaiting = 20_000
    static let longestWait = Duration.seconds(55)

    private struct Waiter {
        let fleet: FleetName
        let after: Int64
        let end: ContinuousClock.Instant
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var waiters: [UInt64: Waiter] = [:]
        var cancelled: Set<UInt64> = []
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Returns when the fleet's timestamp is newer than `after`, the time is over or the task is cancelled.
    ///
    /// - Throws: `.unavailable` when too many wait already.
    func wait(_ fleet: FleetName, after: Int64, for limit: Duration = longestWait) async throws {
        let id = try state.withLock { state in
            guard state.waiters.count < Self.mostWaiting else {
                throw ServerError(.unavailable, "too many hosts wait for a hint", hint: "poll the timestamp instead")
            }
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter = Waiter(fleet: fleet, after: after, end: .now + limit, continuation: continuation)
                let isCancelled = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return true }
                    state.waiters[id] = waiter
                    return false
                }
                if isCancelled { continuation.resume() }
            }
        } onCancel: {
            cancel(id)
        }
        state.withLock { _ = $0.cancelled.remove(id) }
    }

    /// Lets go of those who wait for less than a fleet's timestamp version, and of those whose time is over.
    func wake(_ versions: [FleetName: Int64], now: ContinuousClock.Instant = .now) {
        let woken = state.withLock { state in
            let ids = state.waiters.filter { $0.value.end <= now || $0.value.after < versions[$0.value.fleet] ?? 0 }
            for id in ids.keys { state.waiters[id] = nil }
            return ids.values
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state in
            let waiter = state.waiters.removeValue(forKey: id)
            if waiter == nil { state.cancelled.insert(id) }
            return waiter
        }
        waiter?.continuation.resume()
    }
}
