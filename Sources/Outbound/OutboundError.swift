import Problems

/// Why a request was not sent, or brought no whole answer.
package struct OutboundError: Problem {
    package enum Code: String, Sendable {
        /// The address is not a plain http or https URL.
        case url
        /// The operator did not allow what was asked for: the scheme, the port, or where the name leads.
        case refused
        /// The name has no address.
        case unresolved
        /// Nobody answers there, TLS failed, or the connection broke.
        case unreachable
        /// The whole answer did not come in time.
        case deadline
        /// The answer is larger than what is taken.
        case tooLarge = "too-large"
        /// The answer is not HTTP, or is encoded in a way nobody asked for.
        case answer
        /// There were too many redirects, or one that is not followed.
        case redirect
        /// A setting of the operator cannot be used.
        case configuration
    }

    package static let module = "outbound"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
