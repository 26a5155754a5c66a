import Problems

/// Why a provider's token does not count. The caller is told no more than that; the log has the reason.
struct IdentityTokenError: Problem {
    enum Code: String, Sendable, CaseIterable {
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

    static let module = "identity-token"
    let code: Code
    let reason: String

    init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
