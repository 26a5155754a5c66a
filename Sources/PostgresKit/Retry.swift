/// Runs an operation again when it met a concurrent transaction (SQLSTATE 40001 or 40P01), up to `attempts` times in all.
///
/// The operation must begin its own transaction and have no other effect. Waits 5 to 10 ms at first, doubling to 320 ms.
package func retryingConflicts<Result>(
    attempts: Int = 5, _ operation: () async throws -> Result
) async throws -> Result {
    var attempt = 1
    while true {
        do {
            return try await operation()
        } catch let error as PostgresError where error.isConflict && attempt < attempts {
            let base = 5 << min(attempt - 1, 5)
            try await Task.sleep(for: .milliseconds(Int.random(in: base...(2 * base))))
            attempt += 1
        }
    }
}
