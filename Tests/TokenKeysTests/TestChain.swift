import Codecs
import PKI
import SigningKeys

/// A root, an intermediate and a leaf of a given key.
struct TestChain {
    /// Leaf first.
    let ders: [[UInt8]]

    init(_ key: PublicKey, from start: String = "2026-01-01") async throws {
        let (rootKey, middleKey) = (try PrivateKey.generate(.ec(.p256)), try PrivateKey.generate(.ec(.p384)))
        let root = try await Self.certificate("Root", rootKey.publicKey, "Root", rootKey, start, isCA: true)
        let middle = try await Self.certificate("Issuing", middleKey.publicKey, "Root", rootKey, start, isCA: true)
        let leaf = try await Self.certificate("Build", key, "Issuing", middleKey, start, isCA: false)
        ders = [leaf.der, middle.der, root.der]
    }

    private static func certificate(
        _ name: String, _ key: PublicKey, _ issuer: String, _ signer: PrivateKey, _ start: String, isCA: Bool
    ) async throws -> Certificate {
        let begin = try UTCDate("\(start)T00:00:00Z")
        let template = CertificateTemplate(
            issuer: try DistinguishedName("CN=\(issuer),O=Acme,ST=WA,C=US"),
            subject: try DistinguishedName("CN=\(name),O=Acme,ST=WA,C=US"), notBefore: begin,
            notAfter: begin.adding(days: 3_650), publicKeyInfo: key.spki, extensions: [.basicConstraints(isCA: isCA)])
        return try await template.signed(by: signer)
    }
}
