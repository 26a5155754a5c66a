import Codecs
import PKI
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

@Suite struct AnchorInspectorTests {
    private func root(_ type: KeyType = .ec(.p384)) async throws -> Certificate {
        try await CertificateBuilder.root(
            subject: try DistinguishedName("CN=Acme Root,O=Acme,ST=WA,C=US"), signer: try PrivateKey.generate(type),
            validity: .init(from: start.adding(days: -1), days: 3_650)
        )
    }

    @Test func `what root rules need is read from a real certificate`() async throws {
        let certificate = try await root()
        let facts = try AnchorInspector.certificates.facts(certificate.der, .ca, start)
        #expect(facts.certificateSHA256 == certificate.sha256)
        #expect(facts.key == .ec(bits: 384))
        #expect(facts.signatureHash == "sha384")
        #expect(facts.attributes.contains(.init(type: "O", value: "Acme")))
        #expect(facts.isCertificateAuthority)
        #expect(facts.isSelfSigned)
        #expect(facts.validityDays == 3_650)
    }

    @Test func `RSA is read with its size`() async throws {
        let facts = try AnchorInspector.certificates.facts(try await root(.rsa(bits: 3_072)).der, .ca, start)
        #expect(facts.key == .rsa(bits: 3_072))
    }

    @Test func `an expired certificate is refused before any rule is asked`() async throws {
        let certificate = try await root()
        #expect(throws: StoreError(.refusedByRule, "")) {
            try AnchorInspector.certificates.facts(certificate.der, .ca, start.adding(days: 4_000))
        }
    }

    @Test func `a signing certificate of its own is no timestamping anchor`() async throws {
        let leaf = try await CertificateBuilder.selfSignedLeaf(
            subject: try DistinguishedName("CN=me,O=Acme,ST=WA,C=US"), signer: try PrivateKey.generate(.ec(.p256)),
            validity: .init(from: start, days: 100))
        let facts = try AnchorInspector.certificates.facts(leaf.der, .ca, start)
        #expect(facts.isSelfSignedSigningCertificate)
        #expect(throws: StoreError(.refusedByRule, "")) {
            try AnchorInspector.certificates.facts(leaf.der, .tsa, start)
        }
    }

    @Test(arguments: [[], [0x30], Array("-----BEGIN CERTIFICATE-----".utf8), [UInt8](repeating: 0x30, count: 100)])
    func `what is no certificate is an error that says so`(_ bytes: [UInt8]) {
        #expect(throws: StoreError(.invalid, "")) { try AnchorInspector.certificates.facts(bytes, .ca, start) }
    }

    @Test func `a certificate with something behind it is refused`() async throws {
        let der = try await root().der
        #expect(throws: StoreError(.invalid, "")) {
            try AnchorInspector.certificates.facts(der + [0], .ca, start)
        }
    }
}
