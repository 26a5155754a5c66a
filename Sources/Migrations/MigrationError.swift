import Problems

/// Why the schema of a database is not the one that this program needs, or could not be made so.
package struct MigrationError: Problem {
    package enum Code: String, Sendable {
        /// A migration in the program is not well-formed: name, number, first line.
        case malformed
        /// The database lacks migrations that the program has.
        case pending
        /// A migration was changed after it was applied.
        case altered
        /// The database has migrations that the program does not know: it is newer.
        case unknown
        /// The connection does not act as the role that this needs.
        case role
        /// Somebody else migrates the same database now.
        case busy
        /// The database refused a migration; nothing of it remains.
        case refused
    }

    package static let module = "migrations"
    package let code: Code
    package let reason: String
    package let hint: String?
    /// What the database said; may hold values.
    package let cause: (any Error)?

    package init(_ code: Code, _ reason: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
        self.cause = cause
    }
}
