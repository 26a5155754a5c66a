import Problems

/// Why the signing service refuses a request, or to start.
package struct SignerError: Problem {
    package enum Code: String, Sendable {
        /// No credential, or one that does not count.
        case unauthenticated
        /// The key's criteria do not hold.
        case denied
        /// There is no such key, or it is not this caller's.
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        /// The request's form is wrong.
        case request
        /// The bytes to be signed are not what this key signs.
        case toBeSigned = "to-be-signed"
        case bodyTooLarge = "body-too-large"
        /// A caller asks for more than its share.
        case rateLimit = "rate-limit"
        /// Too much that proves no caller was shown.
        case tooManyStrangers = "too-many-strangers"
        /// The issuer of a token cannot be asked for its keys.
        case issuerAway = "issuer-away"
        /// More requests wait for a key than may.
        case overload
        /// The key is away, or did not answer in time.
        case keyAway = "key-away"
        /// A decision could not be recorded, so nothing was given out.
        case log
        /// The decision log was changed.
        case brokenLog = "broken-log"
        case configuration
        case `internal`
    }

    package static let module = "signer"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
