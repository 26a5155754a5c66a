import Problems

/// Why a private PostgreSQL could not be started or used.
package struct PrivatePostgresError: Problem {
    package enum Code: String, Sendable {
        /// The system has no PostgreSQL that fits.
        case notInstalled = "not-installed"
        /// A directory on the way cannot be entered by the user that PostgreSQL runs as.
        case unreachable
        /// A directory belongs to somebody else or lets others in.
        case exposed
        /// The socket's path is longer than the system takes.
        case socketPath = "socket-path"
        /// Another program uses the same state directory.
        case inUse = "in-use"
        /// initdb failed.
        case initialise
        /// The server ended or did not answer while it was started.
        case start
        /// A call of the system failed.
        case system
    }

    package static let module = "private-postgres"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
