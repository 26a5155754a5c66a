import Problems

/// Why a command could not be carried out.
package struct CommandError: Problem {
    package enum Code: String, Sendable {
        /// The command line is wrong.
        case usage
        /// A file, a key or the host is not as the command needs it.
        case environment
        /// A rule of this installation forbids it.
        case refused
    }

    package static let module = "command"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
