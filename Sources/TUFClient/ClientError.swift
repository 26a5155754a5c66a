import Problems

/// Why the TUF client could not do what it was asked.
package struct ClientError: Problem {
    package enum Code: String, Sendable {
        /// The command line does not say what is needed.
        case usage
        /// The metadata directory holds no root to start from.
        case notInitialised = "not-initialised"
        /// Another refresh works in the metadata directory.
        case busy
        /// The server does not answer as a repository does.
        case unavailable
        /// The time or the bytes for the whole run are used up.
        case budget
        /// No role that speaks for the target lists it.
        case noTarget = "no-target"
        /// Something other than a file of ours is in a target's place.
        case obstructed
    }

    package static let module = "tuf-client"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
