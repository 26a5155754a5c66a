import PostgresKit
import PostgresTesting
import Synchronization
import Testing

/// The database of the running test.
func database() throws -> TestDatabase { try #require(TestDatabase.current) }

/// The error of PostgresKit that the closure throws.
func failure(_ body: () async throws -> Void) async throws -> PostgresError {
    do {
        try await body()
    } catch let error as PostgresError {
        return error
    }
    throw NothingThrown()
}

/// Records an issue unless the closure throws an error of PostgresKit of this kind.
func expect(
    _ code: PostgresError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async throws {
    let error = try await failure(body)
    #expect(error.code == code, sourceLocation: sourceLocation)
}

struct NothingThrown: Error {}

/// Counts from several tasks.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .relaxed) }
    func increment() { count.add(1, ordering: .relaxed) }
}
