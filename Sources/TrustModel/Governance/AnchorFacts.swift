package import Codecs

/// Whether an anchor is the team's own or somebody else's that the team depends on.
package enum AnchorOrigin: String, Sendable, Codable, CaseIterable {
    case own
    case thirdParty = "third-party"

    package var title: String { self == .own ? "own" : "third-party" }
}

/// The key of a certificate as root rules see it.
package enum AnchorKey: Sendable, Hashable, CustomStringConvertible {
    case rsa(bits: Int)
    case ec(bits: Int)
    case other(String)

    package var description: String {
        switch self {
        case .rsa(let bits): "RSA of \(bits) bits"
        case .ec(let bits): "EC of \(bits) bits"
        case .other(let name): name
        }
    }
}

/// What root rules and people need to know of a certificate that is to become a trust anchor.
package struct AnchorFacts: Sendable, Equatable {
    /// One part of a subject, such as O and Acme.
    package struct Attribute: Sendable, Hashable, Codable {
        package let type: String
        package let value: String

        package init(type: String, value: String) {
            self.type = type
            self.value = value
        }
    }

    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    package let certificateSHA256: String
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal.
    package let keySHA256: String
    package let subject: String
    package let attributes: [Attribute]
    package let key: AnchorKey
    package let notBefore: UTCDate
    package let notAfter: UTCDate
    /// The hash of the certificate's own signature in lower case, such as `sha256`.
    package let signatureHash: String
    package let isCertificateAuthority: Bool
    package let isSelfSigned: Bool
    /// RFC 4514, and lower-case hexadecimal without leading zeros; what denials by number name.
    package let issuer: String
    package let serial: String

    package init(
        certificateSHA256: String, keySHA256: String, subject: String, attributes: [Attribute], key: AnchorKey,
        notBefore: UTCDate, notAfter: UTCDate, signatureHash: String, isCertificateAuthority: Bool, isSelfSigned: Bool,
        issuer: String = "", serial: String = ""
    ) {
        self.certificateSHA256 = certificateSHA256
        self.keySHA256 = keySHA256
        self.subject = subject
        self.attributes = attributes
        self.key = key
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.signatureHash = signatureHash
        self.isCertificateAuthority = isCertificateAuthority
        self.isSelfSigned = isSelfSigned
        self.issuer = issuer
        self.serial = serial
    }

    /// A signing certificate that is its own anchor: one key in all.
    package var isSelfSignedSigningCertificate: Bool { isSelfSigned && !isCertificateAuthority }
    /// Whole days from the first to the last moment, rounded up.
    package var validityDays: Int64 { (notAfter.seconds - notBefore.seconds + 86_399) / 86_400 }
}
