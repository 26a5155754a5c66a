import Problems

/// Why a command that talks to a server did not do what was asked.
struct RemoteError: Problem {
    enum Code: String, Sendable {
        /// The command line names something that cannot be.
        case usage
        /// Nobody is signed in at the server.
        case notSignedIn = "not-signed-in"
        /// The server cannot be reached, or does not answer in time.
        case unreachable
        /// The server refused, with its reason.
        case refused
        /// The server's answer is not what it should be.
        case answer
        /// What the server shows differs from what was signed or pinned here.
        case mismatch
        case file
    }

    static let module = "remote"
    let code: Code
    let reason: String
    let hint: String?

    init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
