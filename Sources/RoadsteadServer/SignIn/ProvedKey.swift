import Codecs
import NIOCore
import NIOSSL
import PKI
import SigningKeys

/// The key of a client certificate that the TLS handshake of a connection has proved.
///
/// It comes from the connection alone: headers that speak of certificates are never read. Whose key it is, only a
/// registration says.
struct ProvedKey: Sendable {
    /// SHA-256 of the certificate's SubjectPublicKeyInfo.
    let sha256: [UInt8]
    let subject: String
    let expires: UTCDate

    /// - Returns: nil where the connection showed no certificate, or one that is not good at this moment: a connection
    ///   may outlive its handshake.
    static func of(_ channel: any Channel, now: UTCDate) async -> ProvedKey? {
        guard let shown = try? await channel.nioSSL_peerCertificate().get(), let der = try? shown.toDERBytes(),
            let certificate = try? Certificate(der: der),
            certificate.notBefore <= now, now < certificate.notAfter
        else { return nil }
        return ProvedKey(
            sha256: HashAlgorithm.sha256.digest(of: certificate.publicKeyInfo), subject: "\(certificate.subject)",
            expires: certificate.notAfter)
    }
}
