import Problems

/// Why something could not be had from a registry.
package struct RegistryError: Problem {
    package enum Code: String, Sendable, CaseIterable {
        /// An address that is not taken: plain HTTP off loopback, or a redirect to one.
        case address
        /// No answer, or none in time.
        case unreachable
        /// The registry wants credentials, or other ones.
        case unauthorized
        /// There is no such image, manifest or blob.
        case notFound = "not-found"
        /// The answer is not what the distribution specification says.
        case answer
        /// More bytes than are taken.
        case limit
        /// The file with credentials cannot be used.
        case credentials
        /// The image carries no signature that could be read.
        case unsigned
    }

    package static let module = "registry"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
