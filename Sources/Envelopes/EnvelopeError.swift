import Problems

/// Why a signature envelope could not be read, did not verify, or was not written.
package struct EnvelopeError: Problem {
    package enum Code: String, Sendable {
        /// The bytes are not an envelope of the format they are said to have.
        case malformed
        /// The envelope is larger than what is read.
        case limit
        /// The signature algorithm is not one of the six, or not the one that follows from the leaf's key.
        case algorithm
        /// A critical attribute is missing, or is one that nobody here understands.
        case critical
        /// The envelope asks for a verification plugin.
        case plugin
        /// The signing scheme is unknown, or the times that it requires are not there.
        case scheme
        /// The certificate chain breaks a rule.
        case chain
        /// The signature does not belong to these bytes and this key.
        case signature
        /// The payload is not a Notary Project payload.
        case payload
        /// The key does not fit what should be signed.
        case key
        /// The timestamp is not for this signature, or not of a time at which its certificates were valid.
        case timestamp
    }

    package static let module = "envelopes"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
