import PostgresKit
import TrustModel

/// The API's connections as one person uses them: every transaction names that person to row-level security, which shows
/// nothing of any team to nobody.
struct PersonalPool: StatementRunner {
    let pool: ConnectionPool
    let person: PersonID?

    private var setting: LocalSetting? { person.map { LocalSetting("roadstead.person", $0.rawValue) } }

    func withTransaction<Result>(
        isolation: TransactionMode.Isolation = .readCommitted, access: TransactionMode.Access = .readWrite,
        attempts: Int = 1, _ body: (Transaction) async throws -> Result
    ) async throws -> Result {
        try await pool.withTransaction(
            isolation: isolation, access: access, setting: setting, attempts: attempts, body)
    }

    @discardableResult
    func rows(running sql: String, _ bindings: [Binding]) async throws -> RowSet {
        guard person != nil else { return try await pool.rows(running: sql, bindings) }
        return try await withTransaction { try await $0.rows(running: sql, bindings) }
    }
}
