import Problems

/// Why something could not be had from a registry, or not be put there.
package struct RegistryError: Problem {
    package enum Code: String, Sendable, CaseIterable {
        /// An address that is not taken: plain HTTP off loopback, or one that an answer names and that leads elsewhere.
        case address
        /// No answer, or none in time, however often it was asked for.
        case unreachable
        /// The server does not prove who it is.
        case untrusted
        /// The registry wants credentials, or other ones.
        case unauthorized
        /// There is no such image, manifest or blob.
        case notFound = "not-found"
        /// The answer is not what the distribution specification says.
        case answer
        /// More bytes than are taken.
        case limit
        /// The file with credentials, or the program that keeps them, cannot be used.
        case credentials
        /// The configuration of registries cannot be used.
        case configuration
        /// Others keep changing the list of an artifact's signatures at the same time.
        case race
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
