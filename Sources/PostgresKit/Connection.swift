/// One session with the server, used by one task at a time; it blocks a thread of its own, never a cooperative one.
///
/// Every statement ends by the settings' deadline. A connection that is lost or late is closed for good.
package actor Connection: StatementRunner {
    private let executor: BlockingExecutor
    private let settings: ConnectionSettings
    private var handle = ConnectionHandle()
    private var prepared: [PreparedKey: PreparedStatement] = [:]
    private var namesGiven = 0
    private var openTransaction: UInt64?
    private var transactionsBegun: UInt64 = 0

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private init(settings: ConnectionSettings) {
        executor = BlockingExecutor(label: "roadstead.postgres")
        self.settings = settings
    }

    /// Connects within the settings' deadline, or within a shorter one.
    package static func open(_ settings: ConnectionSettings, within limit: Duration? = nil) async throws -> Connection {
        let connection = Connection(settings: settings)
        let deadline = min(settings.connectDeadline, limit ?? settings.connectDeadline)
        try await connection.connect(until: .now + deadline)
        return connection
    }

    package func close() {
        handle.close()
        prepared = [:]
    }

    /// Runs one statement outside of any transaction.
    @discardableResult
    package func rows(running sql: String, _ bindings: [Binding]) throws -> RowSet {
        guard openTransaction == nil else {
            throw PostgresError(.transaction, "a transaction is open on this connection", hint: "use the transaction")
        }
        return try run(sql, bindings)
    }

    /// Runs several statements without parameters; they are one transaction unless the text says otherwise.
    package func run(script: String) throws {
        guard openTransaction == nil else {
            throw PostgresError(.transaction, "a transaction is open on this connection", hint: "use the transaction")
        }
        try runScript(script)
    }

    /// Asks the server to check a statement against the schema without running it, and says how many bindings it takes.
    package func check(_ statement: any Statement.Type) throws -> Int {
        try prepare(PreparedKey(sql: statement.sql, types: [])).parameterCount
    }
}

extension Connection {
    private func connect(until end: ContinuousClock.Instant) throws {
        try handle.connect(settings, until: end)
    }

    private var statementEnd: ContinuousClock.Instant { .now + settings.statementDeadline + ConnectionSettings.grace }

    private func run(_ sql: String, _ bindings: [Binding]) throws -> RowSet {
        try Task.checkCancellation()
        do {
            return try runPrepared(sql, bindings)
        } catch let error as PostgresError where isStale(error) {
            prepared = [:]
            return try runPrepared(sql, bindings)
        }
    }

    /// Whether the schema changed below a prepared statement, and nothing is lost by preparing it again.
    private func isStale(_ error: PostgresError) -> Bool {
        let states = ["0A000", "26000"]
        return openTransaction == nil && !prepared.isEmpty && states.contains(error.sqlState ?? "") && handle.isOpen
    }

    private func runPrepared(_ sql: String, _ bindings: [Binding]) throws -> RowSet {
        let statement = try prepare(PreparedKey(sql: sql, types: bindings.map(\.type)))
        guard statement.parameterCount == bindings.count else {
            throw PostgresError(
                .binding, "the statement takes \(statement.parameterCount) bindings and was given \(bindings.count)",
                detail: sql)
        }
        return RowSet(table: try handle.run(prepared: statement.name, sql, bindings, until: statementEnd))
    }

    private func prepare(_ key: PreparedKey) throws -> PreparedStatement {
        if let known = prepared[key] { return known }
        if prepared.count >= Self.statementLimit {
            _ = try handle.run(script: "DEALLOCATE ALL", until: statementEnd)
            prepared = [:]
        }
        namesGiven += 1
        let name = "s\(namesGiven)"
        let description = try handle.prepare(name, key.sql, key.types, until: statementEnd)
        let statement = PreparedStatement(name: name, parameterCount: description.parameterCount)
        prepared[key] = statement
        return statement
    }

    @discardableResult
    private func runScript(_ script: String) throws -> ResultTable {
        guard !script.utf8.contains(0) else {
            throw PostgresError(.binding, "a script contains a NUL byte")
        }
        return try handle.run(script: script, until: statementEnd)
    }

    /// Prepared statements kept on the server for one connection; the memory there is per session.
    private static var statementLimit: Int { 500 }
}

extension Connection {
    /// Begins a transaction and gives the number that its statements must show.
    func begin(_ mode: TransactionMode) throws -> UInt64 {
        guard openTransaction == nil else {
            throw PostgresError(.transaction, "a transaction is open on this connection already")
        }
        try Task.checkCancellation()
        try runScript(mode.beginning)
        transactionsBegun += 1
        openTransaction = transactionsBegun
        return transactionsBegun
    }

    func rows(running sql: String, _ bindings: [Binding], in transaction: UInt64) throws -> RowSet {
        try belongs(transaction)
        return try run(sql, bindings)
    }

    func run(script: String, in transaction: UInt64) throws {
        try belongs(transaction)
        try Task.checkCancellation()
        try runScript(script)
    }

    func commit(_ transaction: UInt64) throws {
        try belongs(transaction)
        openTransaction = nil
        let result: ResultTable
        do {
            result = try runScript("COMMIT")
        } catch let error as PostgresError where error.code == .connectionLost || error.code == .deadline {
            throw PostgresError(
                .commitUnknown, "the connection ended during COMMIT: whether the transaction took effect is unknown",
                hint: "read what it should have changed before trying again", detail: error.debugDescription)
        }
        guard result.command == "COMMIT" else {
            throw PostgresError(
                .transaction, "the transaction was rolled back, because one of its statements had failed",
                hint: "let the error of a statement end the transaction")
        }
    }

    /// Rolls back as well as it can: a connection that cannot is closed, and the server rolls back by itself.
    func rollback(_ transaction: UInt64) {
        guard openTransaction == transaction else { return }
        openTransaction = nil
        guard handle.isOpen else { return }
        do { try runScript("ROLLBACK") } catch { close() }
    }

    private func belongs(_ transaction: UInt64) throws {
        guard openTransaction == transaction else {
            throw PostgresError(.transaction, "the transaction has ended", hint: "do not keep it past its closure")
        }
    }
}

extension Connection {
    /// Whether nothing is known against giving the connection to somebody else: no round trip.
    func isUsable() -> Bool { handle.isQuiet() && handle.isIdle && openTransaction == nil }

    /// Whether the server answers within a second.
    func answers() -> Bool {
        guard handle.isAlive(), handle.isIdle else { return false }
        return (try? handle.run(script: "SELECT 1", until: .now + .seconds(1))) != nil
    }

    /// The next notification that came before the deadline or the ring; nil when none did.
    func notification(until end: ContinuousClock.Instant, or wake: WakeUp) throws -> ChannelNotification? {
        if let ready = handle.nextNotification() { return ready }
        try handle.waitForInput(until: end, or: wake)
        guard handle.isAlive() else { throw PostgresError.lost("waiting for notifications") }
        return handle.nextNotification()
    }
}

private struct PreparedKey: Hashable {
    let sql: String
    let types: [ColumnType]
}

private struct PreparedStatement {
    let name: String
    let parameterCount: Int
}
