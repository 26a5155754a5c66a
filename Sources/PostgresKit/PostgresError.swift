import Problems

/// Why PostgreSQL could not do what was asked.
///
/// `description` names constraints, tables and SQLSTATEs, never SQL, values or the server's own wording, which quotes values.
/// `debugDescription` has them all and belongs in no log that others read.
package struct PostgresError: Problem, CustomDebugStringConvertible {
    package enum Code: String, Sendable {
        /// The settings cannot name a server.
        case settings
        /// No connection could be made.
        case connect
        /// The server does not let this user in, or the database does not exist.
        case authentication
        /// The connection ended while or before it was used.
        case connectionLost = "connection-lost"
        /// The connection ended during COMMIT: whether the transaction took effect is unknown.
        case commitUnknown = "commit-unknown"
        /// The statement or connection took longer than allowed; the connection was dropped where the server did not answer.
        case deadline
        /// No connection of the pool became free in time.
        case poolExhausted = "pool-exhausted"
        /// The pool is closed.
        case poolClosed = "pool-closed"
        /// The number or form of bindings does not fit the statement.
        case binding
        /// A column is absent, NULL, or of another type than was read.
        case column
        /// A row was required and none came.
        case noRow = "no-row"
        /// One row at most was allowed and more came.
        case manyRows = "many-rows"
        /// A transaction is used after its end, or around an open one.
        case transaction
        /// The transaction met another one's changes and can be tried again. [SQLSTATE 40001, 40P01]
        case conflict
        /// A UNIQUE or EXCLUDE constraint is violated.
        case unique
        /// A foreign key is violated.
        case foreignKey = "foreign-key"
        /// A CHECK or NOT NULL constraint, or the range of a type, is violated.
        case check
        /// The role may not do this.
        case permission
        /// A lock could not be had in time.
        case lock
        /// The server refused the statement for another reason; `sqlState` says which.
        case statement
    }

    package static let module = "postgres"
    package let code: Code
    package let reason: String
    package let hint: String?
    /// The five characters by which the server names the error, where it came from the server.
    package let sqlState: String?
    package let constraint: String?
    package let table: String?
    /// What the server said and the statement it said it about; may hold values.
    let detail: String?

    package init(
        _ code: Code, _ reason: String, hint: String? = nil, sqlState: String? = nil, constraint: String? = nil,
        table: String? = nil, detail: String? = nil
    ) {
        self.code = code
        self.reason = reason
        self.hint = hint
        self.sqlState = sqlState
        self.constraint = constraint
        self.table = table
        self.detail = detail
    }

    package var debugDescription: String {
        guard let detail else { return "\(identifier): \(description)" }
        return "\(identifier): \(description): \(detail)"
    }

    /// Whether the same transaction may succeed when it is run again from its start.
    package var isConflict: Bool { code == .conflict }

    /// Whether the server did not answer at all, as opposed to having stopped the statement itself.
    var isUnanswered: Bool { code == .deadline && sqlState == nil }

    static func lost(_ doing: String, detail: String? = nil) -> PostgresError {
        PostgresError(
            .connectionLost, "the connection to PostgreSQL ended while \(doing)",
            hint: "see whether the server runs; new connections are made by themselves", detail: detail)
    }

    static func late(_ doing: String) -> PostgresError {
        PostgresError(
            .deadline, "PostgreSQL did not answer in time while \(doing), so the connection was dropped",
            hint: "see whether the server is overloaded or frozen")
    }
}
