import Problems

/// Why metadata was refused, an update was stopped or something could not be signed.
package struct TUFError: Problem {
    package enum Code: String, Sendable {
        /// The bytes are not metadata of the expected form.
        case malformed
        /// The metadata is of another role or of another major version of the specification.
        case wrongType = "wrong-type"
        /// A name, version, threshold or other value is outside its range.
        case value
        /// Something is larger than allowed.
        case tooLarge = "too-large"
        /// Fewer distinct keys than the threshold have signed.
        case unsigned
        /// A version is lower than one already trusted, or a role is no longer listed.
        case rollback
        /// The version differs from the one that was asked for.
        case versionMismatch = "version-mismatch"
        /// Length or hash differ from what signed metadata says.
        case contentMismatch = "content-mismatch"
        /// The metadata has expired.
        case expired
        /// The metadata belongs to another fleet, or names none where one is expected.
        case wrongFleet = "wrong-fleet"
        /// The root is not the pinned one.
        case wrongRoot = "wrong-root"
        /// The repository does not have the file.
        case notFound = "not-found"
        /// The file could not be fetched.
        case unavailable
        /// No delegation leads to the role or target.
        case notDelegated = "not-delegated"
        /// The caller answered an action with something that does not belong to it.
        case misuse
        /// A key cannot be used for TUF, or a signature does not verify with it.
        case key
    }

    package static let module = "tuf"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }

    /// The same error with the file it was found in.
    package func inside(_ place: String) -> TUFError { TUFError(code, "\(place): \(reason)", hint: hint) }
}
