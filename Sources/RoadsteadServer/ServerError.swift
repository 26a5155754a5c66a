import Problems

/// Why the server refuses a request, or to start.
package struct ServerError: Problem {
    package enum Code: String, Sendable {
        /// No credential, or one that does not count.
        case unauthenticated
        /// Too many credentials were refused for this address.
        case tooManyAttempts = "too-many-attempts"
        /// A credential or an address asks for more than its share.
        case rateLimit = "rate-limit"
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        /// The request's form is wrong: a parameter, a header, a media type.
        case request
        case bodyTooLarge = "body-too-large"
        case mediaType = "media-type"
        /// A key that cannot sign, or that its holder gave no proof of.
        case unusableKey = "unusable-key"
        /// A change was asked for without saying which version it is of.
        case preconditionRequired = "precondition-required"
        /// The key was used for another request before.
        case idempotencyKey = "idempotency-key"
        /// Something that the answer needs is away for the moment.
        case unavailable
        /// A file that was published is not there.
        case published
        /// The configuration cannot be used.
        case configuration
        /// Plain HTTP off loopback without a trusted proxy.
        case exposed
        /// Nothing that was published is newer than the database.
        case nothingNewer = "nothing-newer"
        /// What was published cannot be taken in as it is.
        case recovery
        /// A program error; the detail is in the log.
        case `internal`
    }

    package static let module = "server"
    package let code: Code
    package let reason: String
    package let hint: String?
    /// Seconds after which it may go better.
    let retryAfter: Int?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.init(code, reason, hint: hint, retryAfter: nil)
    }

    init(_ code: Code, _ reason: String, hint: String?, retryAfter: Int?) {
        self.code = code
        self.reason = reason
        self.hint = hint
        self.retryAfter = retryAfter
    }
}
