/// A rule of the Notary signature specification's certificate requirements that a chain can break.
package enum ChainRule: String, Sendable, Hashable, CaseIterable {
    /// Each certificate is followed by its issuer, by name.
    case issuerName = "issuer-name"
    /// Each certificate's signature is confirmed by the next one's key.
    case issuerSignature = "issuer-signature"
    /// The last certificate is signed by itself.
    case rootSelfSigned = "root-self-signed"
    /// No other certificate is.
    case selfSignedBelowRoot = "self-signed-below-root"
    /// No signature rests on MD5 or SHA-1, or on an algorithm that is not known.
    case signatureAlgorithm = "signature-algorithm"
    /// Keys are of a supported type and size.
    case key
    /// CA certificates say so, critically; the signing certificate does not.
    case basicConstraints = "basic-constraints"
    /// No CA has more certificates below it than it allows.
    case pathLength = "path-length"
    case keyUsage = "key-usage"
    case extendedKeyUsage = "extended-key-usage"
    /// Every certificate is valid at the time in question, both ends included.
    case validity
}

/// What is wrong with one certificate of a chain.
package struct ChainFinding: Sendable, Hashable, CustomStringConvertible {
    /// Position in the chain, 0 for the signing certificate.
    package let index: Int
    /// Subject of the certificate.
    package let subject: String
    package let rule: ChainRule
    /// What was found, in words; does not name the certificate.
    package let reason: String

    package var description: String { "certificate \(index + 1) (\(subject)): \(reason)" }
}
