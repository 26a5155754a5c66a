import Problems

/// Why a key on a token could not be found or used. The codes travel between the helper process and its client.
package struct TokenError: Problem {
    package enum Code: String, Sendable, CaseIterable {
        /// The key URI is malformed, or says something that a URI may not say.
        case uri
        /// Bytes between the helper and its client are not what they should be.
        case wire
        /// The PKCS#11 module is none, or cannot be loaded.
        case module
        /// No token, or more than one, fits the URI.
        case token
        /// No key, or more than one, fits the URI.
        case key
        /// A key of that name exists already.
        case exists
        /// The token wants a PIN and none was given.
        case pinMissing = "pin-missing"
        /// The token refused the PIN; it is not tried again.
        case pinWrong = "pin-wrong"
        /// The token takes no PIN any more.
        case pinLocked = "pin-locked"
        /// The token says that few tries are left, and nobody allowed one.
        case pinTries = "pin-tries"
        /// The token or the key does not do what was asked, or its kind is not supported here.
        case unsupported
        /// The token, its session or its module is gone; a new helper may find it again.
        case lost
        /// The helper process ended by itself.
        case crashed
        /// The helper process did not answer in time and was ended.
        case deadline
        /// The helper process cannot be started.
        case start
        /// The token failed in another way.
        case failed
    }

    package static let module = "tokens"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
