import Problems

/// Why a key could not be taken in or used.
package struct KeyError: Problem {
    package enum Code: String, Sendable {
        /// The bytes are no key, or are one in an encoding that is not canonical.
        case malformed
        /// The bytes are something else than a key of the kind that belongs there.
        case notAKey = "not-a-key"
        /// A URI names no key, or in a form that is not known.
        case name
        /// The signing policy does not allow the key.
        case refused
        /// A signing service's criteria do not hold.
        case denied
        /// The key would sign; it was only asked whether it would.
        case dryRun = "dry-run"
        /// The type, curve or encryption of the key is none that is supported.
        case unsupported
        /// The key is of a supported type but too small, too large or of small order.
        case weak
        /// The key is encrypted and no passphrase was given.
        case passphraseMissing = "passphrase-missing"
        /// The passphrase does not open the key.
        case passphraseWrong = "passphrase-wrong"
        /// The passphrase is not fit to protect a key.
        case passphraseRefused = "passphrase-refused"
        /// The key cannot make or check signatures of this scheme.
        case scheme
        /// A signer returned something that its public key does not confirm.
        case unconfirmedSignature = "unconfirmed-signature"
        /// The place where the key lives does not answer, or not in time.
        case unavailable
        /// Sealed bytes do not open: another key, another context, or changed.
        case sealed
        /// The cryptographic library failed although the input was fine.
        case failed
    }

    package static let module = "keys"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }
}
