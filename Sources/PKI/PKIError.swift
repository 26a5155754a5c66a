import Problems

/// Why a certificate, a name, a chain, a revocation list or a timestamp could not be taken in, or one could not be made.
package struct PKIError: Problem {
    package enum Code: String, Sendable {
        /// The bytes are no certificate, or one that does not follow its encoding rules.
        case malformed
        /// There is nothing in the file.
        case empty
        /// The file holds something else than a certificate: a key, a request, a revocation list.
        case notACertificate = "not-a-certificate"
        /// A distinguished name does not follow RFC 4514, or uses a form that is not supported.
        case name
        /// The input is larger than any honest one.
        case limit
        /// A certificate that is to be made would break the rules that its kind has to keep.
        case refused
        /// A revocation list says nothing of the certificates in question: another issuer's, a part of a list, not in force.
        case revocationList = "revocation-list"
        /// A time-stamping authority did not give a timestamp, and says so.
        case timestampRefused = "timestamp-refused"
        /// A timestamp is for other bytes, or answers another request.
        case timestampMismatch = "timestamp-mismatch"
        /// A timestamp's signature, or what binds it to its signer, does not hold.
        case timestampSignature = "timestamp-signature"
        /// The signer of a timestamp is not one to believe: its chain, its purpose, or the time of its certificates.
        case timestampUntrusted = "timestamp-untrusted"
    }

    package static let module = "pki"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
