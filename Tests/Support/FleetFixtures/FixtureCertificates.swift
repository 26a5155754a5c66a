package import Codecs
package import PKI
import SigningKeys

/// Certificates for tests.
package enum FixtureCertificates {
    /// A self-signed CA, valid for ten years from the day before `now`.
    package static func root(_ name: String, at now: UTCDate) async throws -> Certificate {
        try await CertificateBuilder.root(
            subject: DistinguishedName("C=US, ST=WA, O=Example, CN=\(name)"), signer: PrivateKey.generate(.ec(.p256)),
            validity: .init(from: now.adding(days: -1), days: 3_650))
    }
}
