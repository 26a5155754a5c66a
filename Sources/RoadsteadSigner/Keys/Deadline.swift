import Synchronization

/// Runs work and gives up waiting when time is up; what was begun may still end, and is then not looked at.
func withDeadline<Value: Sendable>(
    _ limit: Duration, _ late: @escaping @Sendable () -> any Error, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let isAnswered = Mutex(false)
    let first: @Sendable () -> Bool = {
        isAnswered.withLock { answered in
            defer { answered = true }
            return !answered
        }
    }
    return try await withCheckedThrowingContinuation { continuation in
        let alarm = Task {
            try await Task.sleep(for: limit)
            if first() { continuation.resume(throwing: late()) }
        }
        Task {
            let result: Result<Value, any Error>
            do { result = .success(try await work()) } catch { result = .failure(error) }
            alarm.cancel()
            if first() { continuation.resume(with: result) }
        }
    }
}
