import Problems

/// Why a key in a key service could not be found or used.
package struct CloudKeyError: Problem {
    package enum Code: String, Sendable {
        /// The URI does not name a key of this service in a form that is known.
        case name
        /// A variable or file that says where the service is, or who is calling, is missing or malformed.
        case configuration
        /// An address is one to which nothing may be sent, such as plain http beyond this machine.
        case address
        /// The service does not take who is calling, or the token has expired.
        case credentials
        /// Who is calling is known and may not do this.
        case denied
        /// There is no such key.
        case notFound = "not-found"
        /// There is a key of this name already.
        case exists
        /// The key is disabled, waits for its deletion, or is not for signing.
        case unusable
        /// The service used another key, or another version of it, than was opened.
        case rotated
        /// The service is sealed and answers nobody until a person unseals it.
        case sealed
        /// This machine's clock and the service's are too far apart.
        case clock
        /// The service wants to be asked less often.
        case throttled
        /// The service says that it has failed.
        case unavailable
        /// The service cannot be reached, or the connection broke.
        case unreachable
        /// No whole answer came within the time that was given.
        case deadline
        /// The answer is not what the service's protocol says.
        case answer
        /// The service refused the request as such.
        case request
    }

    package static let module = "cloud-keys"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }

    /// Whether the same request may well be answered a moment later.
    var isPassing: Bool {
        switch code {
        case .throttled, .unavailable, .unreachable: true
        default: false
        }
    }
}
