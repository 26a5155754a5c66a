/// How far a transaction is kept apart from others, and whether it may write.
package struct TransactionMode: Sendable, Hashable {
    package enum Isolation: String, Sendable {
        case readCommitted = "READ COMMITTED"
        case repeatableRead = "REPEATABLE READ"
        case serializable = "SERIALIZABLE"
    }

    package enum Access: String, Sendable {
        case readWrite = "READ WRITE"
        case readOnly = "READ ONLY"
    }

    package let isolation: Isolation
    package let access: Access
    package let setting: LocalSetting?

    package init(
        _ isolation: Isolation = .readCommitted, _ access: Access = .readWrite, setting: LocalSetting? = nil
    ) {
        self.isolation = isolation
        self.access = access
        self.setting = setting
    }

    /// One script, so that the setting costs no round trip of its own.
    var beginning: String {
        let begin = "BEGIN ISOLATION LEVEL \(isolation.rawValue) \(access.rawValue)"
        return setting.map { "\(begin); SET LOCAL \($0.name) = '\($0.value)'" } ?? begin
    }
}

/// A parameter that holds from the beginning of a transaction to its end, such as whom row-level security asks about.
package struct LocalSetting: Sendable, Hashable {
    let name: String
    let value: Int64

    package init(_ name: StaticString, _ value: Int64) {
        self.name = "\(name)"
        self.value = value
    }
}

/// An open transaction: what its closure does becomes visible as a whole or not at all. Useless after the closure's end.
package struct Transaction: StatementRunner {
    fileprivate let connection: Connection
    fileprivate let number: UInt64

    @discardableResult
    package func rows(running sql: String, _ bindings: [Binding]) async throws -> RowSet {
        try await connection.rows(running: sql, bindings, in: number)
    }

    /// Runs several statements without parameters.
    package func run(script: String) async throws { try await connection.run(script: script, in: number) }

    /// Sets a session parameter until the transaction ends, such as the principal that row-level security reads.
    package func setLocal(_ name: String, to value: String) async throws {
        try await rows("SELECT set_config($1, $2, true)", [.text(name), .text(value)])
    }
}

extension Connection {
    /// Runs the closure in a transaction: COMMIT at its end, ROLLBACK when it throws. Nothing is retried.
    package nonisolated func withTransaction<Result>(
        isolation: TransactionMode.Isolation = .readCommitted, access: TransactionMode.Access = .readWrite,
        setting: LocalSetting? = nil, _ body: (Transaction) async throws -> Result
    ) async throws -> Result {
        let mode = TransactionMode(isolation, access, setting: setting)
        let transaction = Transaction(connection: self, number: try await begin(mode))
        do {
            let result = try await body(transaction)
            try await commit(transaction.number)
            return result
        } catch {
            await rollback(transaction.number)
            throw error
        }
    }
}
