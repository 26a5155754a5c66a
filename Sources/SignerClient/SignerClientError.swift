import Problems

/// Why a signing service gave no signature.
package struct SignerClientError: Problem {
    package enum Code: String, Sendable {
        /// The URI or the settings make no sense.
        case configuration
        /// The service does not know who asks.
        case unauthenticated
        /// The service refused the request for its form.
        case refused
        /// The service or the key behind it is away, or has too much to do.
        case away
        /// The service answered something that is no answer.
        case answer
    }

    package static let module = "signer-client"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
