import Synchronization

/// A fixed number of permits, given to those who wait in the order in which they came.
package final class PermitQueue: Sendable {
    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var free: Int
        var waiters: [Waiter] = []
        var nextID: UInt64 = 0
        var isClosed = false
    }

    private let state: Mutex<State>

    package init(count: Int) { state = Mutex(State(free: count)) }

    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Takes a permit if one is free and nobody waits for it.
    package func tryAcquire() -> Bool {
        state.withLock { state in
            guard !state.isClosed, state.free > 0, state.waiters.isEmpty else { return false }
            state.free -= 1
            return true
        }
    }

    /// Waits for a permit; cancellation ends the wait and costs nobody a place.
    package func acquire() async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { enqueue(Waiter(id: id, continuation: $0)) }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    package func release() {
        let next: Waiter? = state.withLock { state in
            guard !state.waiters.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.continuation.resume()
    }

    /// Turns everybody away, from now on and those who wait.
    func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(throwing: Self.closed) }
    }

    private func enqueue(_ waiter: Waiter) {
        let answer: Result<Void, any Error>? = state.withLock { state in
            if state.isClosed { return .failure(Self.closed) }
            if Task.isCancelled { return .failure(CancellationError()) }
            guard state.free > 0, state.waiters.isEmpty else {
                state.waiters.append(waiter)
                return nil
            }
            state.free -= 1
            return .success(())
        }
        if let answer { waiter.continuation.resume(with: answer) }
    }

    static var closed: PostgresError {
        PostgresError(.poolClosed, "the pool of connections is closed", hint: "the program is shutting down")
    }
}
