import Synchronization

/// Runs work and gives up waiting when time is up or the task is cancelled; what was begun may still end, and is then not
/// looked at.
func withDeadline<Value: Sendable>(
    _ limit: Duration, _ late: @escaping @Sendable () -> any Error, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let race = Race<Value>()
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            race.begin(continuation)
            let alarm = Task {
                try await Task.sleep(for: limit)
                race.end(.failure(late()))
            }
            Task {
                do { race.end(.success(try await work())) } catch { race.end(.failure(error)) }
                alarm.cancel()
            }
        }
    } onCancel: {
        race.end(.failure(CancellationError()))
    }
}

/// Hands on the first of several ends; one may come before anybody waits.
private final class Race<Value: Sendable>: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Value, any Error>)
        case over(Result<Value, any Error>)
    }

    private let state = Mutex(State.new)

    func begin(_ continuation: CheckedContinuation<Value, any Error>) {
        let early = state.withLock { state -> Result<Value, any Error>? in
            if case .over(let result) = state { return result }
            state = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(with: early) }
    }

    func end(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            if case .over = state { return nil }
            defer { state = .over(result) }
            guard case .waiting(let continuation) = state else { return nil }
            return continuation
        }
        waiting?.resume(with: result)
    }
}
