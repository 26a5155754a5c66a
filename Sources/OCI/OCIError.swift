import Problems

/// Why OCI content could not be read, or a reference not be understood.
package struct OCIError: Problem {
    package enum Code: String, Sendable {
        /// A digest is not of the form `algorithm:hex` of a known algorithm.
        case digest
        /// A reference to an image is malformed.
        case reference
        /// A descriptor, manifest or index does not follow the image specification.
        case malformed
        /// A document is larger than what is read.
        case limit
        /// The content that a descriptor names is not there.
        case notFound = "not-found"
        /// Content does not have the digest or size by which it was asked for.
        case mismatch
        /// A directory is not an OCI image layout.
        case layout
    }

    package static let module = "oci"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
