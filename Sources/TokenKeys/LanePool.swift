import Synchronization
import TokenWire

/// Lends out the lanes of a connection, the lowest free one first, so that one caller alone uses one session only.
final class LanePool: Sendable {
    private let state: Mutex<State>

    /// Callers who may wait; above that the token is hopelessly behind.
    static let maximumWaiting = 1_000

    private struct State {
        var free: [Int]
        var waiting: [CheckedContinuation<Int, Never>] = []
    }

    init(count: Int) { state = Mutex(State(free: Array((0..<count).reversed()))) }

    /// Runs a body that has a lane to itself, and waits for one where all are lent.
    func withLane<Value>(_ body: (Int) async throws -> Value) async throws -> Value {
        let lane = try await take()
        defer { giveBack(lane) }
        return try await body(lane)
    }

    private func take() async throws -> Int {
        if let lane = state.withLock({ $0.free.popLast() }) { return lane }
        guard state.withLock({ $0.waiting.count }) < Self.maximumWaiting else {
            throw TokenError(.failed, "\(Self.maximumWaiting) signatures wait for the token already")
        }
        return await withCheckedContinuation { continuation in
            let lane = state.withLock { state -> Int? in
                if let lane = state.free.popLast() { return lane }
                state.waiting.append(continuation)
                return nil
            }
            if let lane { continuation.resume(returning: lane) }
        }
    }

    private func giveBack(_ lane: Int) {
        let next = state.withLock { state -> CheckedContinuation<Int, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free.append(lane)
            state.free.sort(by: >)
            return nil
        }
        next?.resume(returning: lane)
    }
}
