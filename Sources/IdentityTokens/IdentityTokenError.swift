import Problems

/// Why a provider's token does not count. The caller is told no more than that; the log has the reason.
package struct IdentityTokenError: Problem {
    package enum Code: String, Sendable, CaseIterable {
        /// It is no signed token in the compact form, or says something twice.
        case malformed
        /// It names an algorithm that is not taken, or not the one of its key.
        case algorithm
        /// Its key is not one of the issuer's.
        case key
        case signature
        case issuer
        case audience
        /// It is past its end, or not good yet.
        case time
        case subject
        /// It was made for another sign-in.
        case nonce
        /// The issuer cannot be asked for its keys.
        case provider
    }

    package static let module = "identity-token"
    package let code: Code
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
