/// The object identifiers that certificates are read and written with.
package enum ObjectIdentifier {
    package static let basicConstraints = "2.5.29.19"
    package static let keyUsage = "2.5.29.15"
    package static let extendedKeyUsage = "2.5.29.37"
    package static let subjectKeyIdentifier = "2.5.29.14"
    package static let authorityKeyIdentifier = "2.5.29.35"
    package static let crlDistributionPoints = "2.5.29.31"
    package static let freshestCRL = "2.5.29.46"
    package static let authorityInformationAccess = "1.3.6.1.5.5.7.1.1"
    package static let ocsp = "1.3.6.1.5.5.7.48.1"

    package static let anyExtendedKeyUsage = "2.5.29.37.0"
    package static let serverAuth = "1.3.6.1.5.5.7.3.1"
    package static let clientAuth = "1.3.6.1.5.5.7.3.2"
    package static let codeSigning = "1.3.6.1.5.5.7.3.3"
    package static let emailProtection = "1.3.6.1.5.5.7.3.4"
    package static let timeStamping = "1.3.6.1.5.5.7.3.8"
    package static let ocspSigning = "1.3.6.1.5.5.7.3.9"

    package static let signedData = "1.2.840.113549.1.7.2"
    package static let contentType = "1.2.840.113549.1.9.3"
    package static let messageDigest = "1.2.840.113549.1.9.4"
    package static let timestampInfo = "1.2.840.113549.1.9.16.1.4"
    package static let signingCertificate = "1.2.840.113549.1.9.16.2.12"
    package static let signingCertificateV2 = "1.2.840.113549.1.9.16.2.47"
    /// The best practices policy for timestamps, which promises an accuracy of one second. [ETSI EN 319 421 §5.2]
    package static let bestPracticesTimestampPolicy = "0.4.0.2023.1.1"
}
