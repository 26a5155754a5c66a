import Codecs
import PKI
import SigningKeys
import Testing

/// A root, an intermediate and a signing certificate, and ways to spoil one of them.
struct Fixture: Sendable {
    static let start = UTCDate(seconds: 1_767_225_600)  // 2026-01-01
    static let now = start.adding(days: 30)

    let rootKey, intermediateKey, leafKey: PrivateKey
    let root, intermediate, leaf: Certificate

    init(
        root rootType: KeyType = .ec(.p256), intermediate intermediateType: KeyType = .ec(.p256),
        leaf leafType: KeyType = .ec(.p256), purpose: ChainPurpose = .codeSigning
    ) async throws {
        rootKey = try .generate(rootType)
        intermediateKey = try .generate(intermediateType)
        leafKey = try .generate(leafType)
        root = try await CertificateBuilder.root(
            subject: DistinguishedName("CN=Root,O=Example,C=US"), signer: rootKey,
            validity: .init(from: Self.start, days: 3_650), pathLength: 1)
        intermediate = try await CertificateBuilder.intermediate(
            subject: DistinguishedName("CN=Intermediate,O=Example,C=US"), publicKey: intermediateKey.publicKey,
            issuer: .init(certificate: root, signer: rootKey), validity: .init(from: Self.start, days: 1_000))
        leaf = try await CertificateBuilder.leaf(
            purpose, subject: DistinguishedName("CN=Signer,O=Example,ST=WA,C=US"), publicKey: leafKey.publicKey,
            issuer: .init(certificate: intermediate, signer: intermediateKey),
            validity: .init(from: Self.start, days: 365), crlURLs: ["http://crl.example/a.crl"])
    }

    var chain: [Certificate] { [leaf, intermediate, root] }

    /// The leaf with something changed, signed anew by the intermediate.
    func leaf(_ change: (inout CertificateTemplate) throws -> Void) async throws -> Certificate {
        var template = CertificateTemplate(copying: leaf)
        try change(&template)
        return try await template.signed(by: intermediateKey)
    }

    /// The intermediate with something changed, signed anew by the root.
    func intermediate(_ change: (inout CertificateTemplate) throws -> Void) async throws -> Certificate {
        var template = CertificateTemplate(copying: intermediate)
        try change(&template)
        return try await template.signed(by: rootKey)
    }

    /// The root with something changed, signed anew by itself.
    func root(_ change: (inout CertificateTemplate) throws -> Void) async throws -> Certificate {
        var template = CertificateTemplate(copying: root)
        try change(&template)
        return try await template.signed(by: rootKey)
    }
}

extension CertificateTemplate {
    init(copying certificate: Certificate) {
        self.init(
            serialNumber: certificate.serialNumber, issuer: certificate.issuer, subject: certificate.subject,
            notBefore: certificate.notBefore, notAfter: certificate.notAfter,
            publicKeyInfo: certificate.publicKeyInfo, extensions: certificate.extensions.all)
    }

    /// Puts an extension in the place of the one of its kind.
    mutating func replace(_ item: CertificateExtension) {
        extensions.removeAll { $0.identifier == item.identifier }
        extensions.append(item)
    }

    mutating func remove(_ identifier: String) { extensions.removeAll { $0.identifier == identifier } }
}

/// The rules that a chain breaks, each once, with the position.
func broken(
    _ chain: [Certificate], for purpose: ChainPurpose = .codeSigning, at time: UTCDate? = nil
) throws -> [String] {
    let chain = try UnverifiedChain(chain)
    let outcome = time.map { chain.verified(for: purpose, at: $0) } ?? chain.verified(for: purpose)
    switch outcome {
    case .verified: return []
    case .rejected(let findings): return findings.map { "\($0.index) \($0.rule.rawValue)" }
    }
}
