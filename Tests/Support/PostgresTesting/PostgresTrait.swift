package import Testing

/// Gives each test a database of its own, cloned from the migrated template and dropped afterwards.
package struct PostgresTrait: TestTrait, SuiteTrait, TestScoping {
    package let isRecursive = true
    let migrated: Bool

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        let cluster = try await TestCluster.running()
        let database = try await cluster.makeDatabase(migrated: migrated)
        do {
            try await TestDatabase.$current.withValue(database) { try await function() }
        } catch {
            try? await cluster.dropDatabase(database.name)
            throw error
        }
        try await cluster.dropDatabase(database.name)
    }
}

extension Trait where Self == PostgresTrait {
    /// A migrated database of its own for each test; `TestDatabase.current` names it.
    package static var postgres: PostgresTrait { PostgresTrait(migrated: true) }

    /// The same without a schema, owned by the owner's role.
    package static var emptyPostgres: PostgresTrait { PostgresTrait(migrated: false) }
}
