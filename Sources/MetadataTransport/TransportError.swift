import Problems

/// Why no whole answer could be had from a server.
package struct TransportError: Problem {
    package enum Code: String, Sendable {
        /// The server cannot be reached, or the connection broke.
        case unreachable
        /// The whole answer did not come within the time that was given.
        case deadline
        /// The answer's body is larger than what is taken.
        case tooLarge = "too-large"
        /// The answer's body is compressed, which nobody asked for.
        case encoded
        /// The address is not one of HTTP.
        case address
        /// The file with the CA certificates to believe cannot be used.
        case authority
    }

    package static let module = "transport"
    package let code: Code
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
