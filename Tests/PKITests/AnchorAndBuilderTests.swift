import Codecs
import Foundation
import PKI
import SigningKeys
import TestVectors
import Testing

@Suite struct `Anchor rules` {
    func rules(
        _ certificate: Certificate, _ purpose: ChainPurpose = .codeSigning, at time: UTCDate = Fixture.now
    ) -> [String] {
        AnchorRules.findings(for: certificate, purpose: purpose, at: time)
            .map { "\($0.severity.rawValue) \($0.rule.rawValue)" }
    }

    @Test func `a root is fine, an intermediate is worth a notice, a leaf is refused`() async throws {
        let f = try await Fixture()
        #expect(rules(f.root) == [])
        #expect(rules(f.root, .timestamping) == [])
        #expect(rules(f.intermediate) == ["notice intermediate"])
        #expect(rules(f.intermediate, .timestamping) == ["refusal not-a-root"])
        #expect(rules(f.leaf) == ["refusal not-an-anchor"])
    }

    @Test func `a self-signed signing certificate is worth a notice`() async throws {
        let certificate = try await CertificateBuilder.selfSignedLeaf(
            subject: DistinguishedName("CN=me,O=Example,ST=WA,C=US"), signer: PrivateKey.generate(.ec(.p256)),
            validity: .init(from: Fixture.start, days: 100))
        #expect(rules(certificate) == ["notice self-signed-leaf"])
        #expect(rules(certificate, .timestamping) == ["refusal not-a-root"])
    }

    @Test func `an expired certificate is refused, one that begins later is worth a notice`() async throws {
        let f = try await Fixture()
        #expect(rules(f.root, at: f.root.notAfter) == [])
        #expect(rules(f.root, at: f.root.notAfter.adding(seconds: 1)) == ["refusal expired"])
        #expect(rules(f.root, at: f.root.notBefore.adding(seconds: -1)) == ["notice not-yet-valid"])
    }

    @Test func `a root whose chains would all fail is refused`() async throws {
        let f = try await Fixture()
        let lax = try await f.root { $0.replace(.basicConstraints(isCA: true, isCritical: false)) }
        #expect(rules(lax) == ["refusal unusable"])
        let noUsage = try await f.root { $0.remove(ObjectIdentifier.keyUsage) }
        #expect(rules(noUsage) == ["refusal unusable"])
    }

    @Test(arguments: [
        (["-newkey", "rsa:2048", "-sha1"], "refusal signature-algorithm"),
        (["-newkey", "rsa:2048", "-md5"], "refusal signature-algorithm"),
        (["-newkey", "rsa:1024", "-sha256"], "refusal key"),
        (["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "refusal key"),
    ])
    func `weak roots that openssl makes are refused`(arguments: [String], rule: String) throws {
        let pem = try TestVectors.run(
            "/usr/bin/openssl",
            ["req", "-x509", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=weak", "-days", "3650"]
                + ["-addext", "keyUsage=critical,keyCertSign"] + arguments)
        let certificate = try Certificate(pemOrDER: pem)
        #expect(rules(certificate, at: certificate.notBefore).contains(rule))
    }
}

@Suite struct `Making certificates` {
    let start = Fixture.start

    @Test func `openssl verifies the chains that we make`() async throws {
        for (authority, leaf) in [(KeyType.ec(.p256), KeyType.ec(.p384)), (.rsa(bits: 3_072), .rsa(bits: 2_048))] {
            let f = try await Fixture(root: authority, intermediate: authority, leaf: leaf)
            try await TestVectors.withTemporaryFolder { folder in
                func write(_ certificate: Certificate, _ name: String) throws -> String {
                    let path = folder.appendingPathComponent(name).path
                    try certificate.pem.write(toFile: path, atomically: false, encoding: .utf8)
                    return path
                }
                let leafPath = try write(f.leaf, "leaf.pem")
                let outcome = try TestVectors.outcome(
                    "/usr/bin/openssl",
                    [
                        "verify", "-x509_strict", "-attime", String(Fixture.now.seconds), "-CAfile",
                        write(f.root, "root.pem"), "-untrusted", write(f.intermediate, "intermediate.pem"), leafPath,
                    ])
                #expect(outcome.status == 0, "\(outcome.text)")
                let text = String(
                    decoding: try TestVectors.run("/usr/bin/openssl", ["x509", "-in", leafPath, "-noout", "-text"]),
                    as: UTF8.self)
                for word in ["Code Signing", "Digital Signature", "URI:http://crl.example/a.crl", "CA:FALSE"] {
                    #expect(text.contains(word))
                }
            }
        }
    }

    @Test func `a leaf keeps the rules that Notary has for its subject and key`() async throws {
        let f = try await Fixture()
        let issuer = try CertificateBuilder.Authority(certificate: f.intermediate, signer: f.intermediateKey)
        let validity = try CertificateBuilder.Validity(from: start, days: 10)
        await #expect(throws: PKIError(.refused, "")) {
            try await CertificateBuilder.leaf(
                .codeSigning, subject: DistinguishedName("CN=x"), publicKey: f.leafKey.publicKey, issuer: issuer,
                validity: validity)
        }
        await #expect(throws: PKIError(.refused, "")) {
            try await CertificateBuilder.leaf(
                .codeSigning, subject: f.leaf.subject, publicKey: PrivateKey.generate(.ed25519).publicKey,
                issuer: issuer, validity: validity)
        }
    }

    @Test func `nothing outlives its issuer`() async throws {
        let f = try await Fixture()
        let issuer = try CertificateBuilder.Authority(certificate: f.intermediate, signer: f.intermediateKey)
        await #expect(throws: PKIError(.refused, "")) {
            try await CertificateBuilder.leaf(
                .codeSigning, subject: f.leaf.subject, publicKey: f.leafKey.publicKey, issuer: issuer,
                validity: .init(from: start, days: 2_000))
        }
    }

    @Test func `a path length is not exceeded`() async throws {
        let f = try await Fixture()
        let issuer = try CertificateBuilder.Authority(certificate: f.intermediate, signer: f.intermediateKey)
        await #expect(throws: PKIError(.refused, "")) {
            try await CertificateBuilder.intermediate(
                subject: DistinguishedName("CN=deeper"), publicKey: f.leafKey.publicKey, issuer: issuer,
                validity: .init(from: start, days: 10))
        }
    }

    @Test func `an authority is a CA with its own key`() async throws {
        let f = try await Fixture()
        #expect(throws: PKIError(.refused, "")) {
            try CertificateBuilder.Authority(certificate: f.root, signer: f.leafKey)
        }
        #expect(throws: PKIError(.refused, "")) {
            try CertificateBuilder.Authority(certificate: f.leaf, signer: f.leafKey)
        }
    }

    @Test func `a serial number is positive and never the same`() {
        let numbers = (0..<100).map { _ in SerialNumber.random() }
        #expect(Set(numbers).count == 100)
        #expect(numbers.allSatisfy { $0.bytes.count == 16 && (0x40...0x7F).contains($0.bytes[0]) })
    }

    @Test func `a certificate beyond 2049 keeps its date`() async throws {
        let certificate = try await CertificateBuilder.root(
            subject: DistinguishedName("CN=long"), signer: PrivateKey.generate(.ec(.p256)),
            validity: .init(from: start, to: UTCDate("2055-06-01T00:00:00Z")))
        #expect(certificate.notAfter.description == "2055-06-01T00:00:00Z")
    }
}
