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
}
