import Codecs
import PKI
import SigningKeys
import TrustModel

extension AnchorInspector {
    /// Reads real certificates and refuses those that hosts would refuse as anchors of such a store.
    package static let certificates = AnchorInspector(readsCertificates: true) { der, kind, now in
        let certificate: Certificate
        do {
            certificate = try Certificate(der: der)
        } catch let error as PKIError {
            throw StoreError(.invalid, "the certificate cannot be read: \(error.reason)", hint: error.hint)
        }
        let purpose: ChainPurpose = kind == .tsa ? .timestamping : .codeSigning
        let findings = AnchorRules.findings(for: certificate, purpose: purpose, at: now)
        if let finding = findings.first(where: { $0.severity == .refusal }) {
            throw StoreError(
                .refusedByRule, "\(certificate.subject) cannot be a trust anchor: \(finding.reason)",
                hint: "register a CA certificate that Notary Project's rules accept")
        }
        return facts(of: certificate)
    }

    private static func facts(of certificate: Certificate) -> AnchorFacts {
        let attributes = certificate.subject.attributes.map {
            AnchorFacts.Attribute(type: $0.type.text, value: $0.value ?? "#" + Hex.encode($0.encodedValue))
        }
        return AnchorFacts(
            certificateSHA256: certificate.sha256,
            keySHA256: Hex.encode(HashAlgorithm.sha256.digest(of: certificate.publicKeyInfo)),
            subject: "\(certificate.subject)", attributes: attributes, key: key(of: certificate),
            notBefore: certificate.notBefore, notAfter: certificate.notAfter,
            signatureHash: signatureHash(of: certificate.signatureAlgorithm), isCertificateAuthority: certificate.isCA,
            isSelfSigned: certificate.isSelfSigned, issuer: "\(certificate.issuer)", serial: certificate.serialText)
    }

    private static func key(of certificate: Certificate) -> AnchorKey {
        switch certificate.publicKey?.type {
        case .rsa(let bits)?: .rsa(bits: bits)
        case .ec(.p256)?: .ec(bits: 256)
        case .ec(.p384)?: .ec(bits: 384)
        case .ec(.p521)?: .ec(bits: 521)
        case .ed25519?: .other("Ed25519")
        case nil: .other("an unknown kind")
        }
    }

    private static func signatureHash(of algorithm: CertificateSignatureAlgorithm) -> String {
        switch algorithm.scheme {
        case .rsaPKCS1(let hash)?, .rsaPSS(let hash, _)?: hash.rawValue
        case .scheme(.ecdsa(let hash, _))?, .scheme(.rsaPSS(let hash))?: hash.rawValue
        case .scheme(.ed25519)?: "sha512"
        case nil: algorithm.identifier
        }
    }
}
