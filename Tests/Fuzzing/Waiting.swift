import Dispatch

/// Runs async work from the synchronous start of the program; false when it failed, with the reason printed.
func waiting(_ body: @escaping @Sendable () async throws -> Void) -> Bool {
    let done = DispatchSemaphore(value: 0)
    let result = Outcome()
    Task {
        do {
            try await body()
            result.succeeded = true
        } catch { print("\(error)") }
        done.signal()
    }
    done.wait()
    return result.succeeded
}

/// Written before the semaphore is signalled and read after it.
private final class Outcome: @unchecked Sendable {
    var succeeded = false
}
