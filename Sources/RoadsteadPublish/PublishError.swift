import Problems

/// Why a release, a root or a key was not made.
package struct PublishError: Problem {
    package enum Code: String, Sendable {
        /// The master key's file is missing, exposed or malformed, or it is another key than the one in use.
        case masterKey = "master-key"
        /// A sealed key does not open, or is not the key that it is kept as.
        case sealedKey = "sealed-key"
        /// A key that lives in a token or a service cannot be used now.
        case keyUnavailable = "key-unavailable"
        /// A key's name is none that the configuration gives.
        case keyName = "key-name"
        /// A key that a role needs is not there, or root lists another.
        case missingKey = "missing-key"
        /// The governed state cannot be said in signed metadata.
        case content
        /// A version would not rise, or what was published is ahead of what is known here.
        case version
        /// The clock stands before the last time that was signed.
        case clock
        /// A file is larger than what the clients of a repository take.
        case size
        /// A role has to be signed by keys that are not on this server.
        case offlineKey = "offline-key"
        /// Our own client refuses the release.
        case rejected
        /// A key may not serve in a root.
        case rootKey = "root-key"
        /// A key may not be registered for what it is proposed for.
        case keyUse = "key-use"
        /// A draft of a team's role cannot be opened, signed or closed as asked.
        case roleDraft = "role-draft"
        /// A draft of the fleet's own role cannot be opened, signed or closed as asked.
        case targetsDraft = "targets-draft"
        /// A root draft cannot be opened, signed or closed as asked.
        case rootDraft = "root-draft"
    }

    package static let module = "publish"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
