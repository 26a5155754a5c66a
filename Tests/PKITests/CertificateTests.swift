import Codecs
import PKI
import SigningKeys
import Testing

@Suite struct `Certificates` {
    @Test func `what was put in can be read out`() async throws {
        let fixture = try await Fixture()
        let leaf = try Certificate(der: fixture.leaf.der)
        #expect(leaf == fixture.leaf)
        #expect(leaf.version == 3)
        #expect(leaf.subject.description == "CN=Signer,O=Example,ST=WA,C=US")
        #expect(leaf.issuer == fixture.intermediate.subject)
        #expect(leaf.notBefore == Fixture.start)
        #expect(leaf.notAfter.description == "2026-12-31T23:59:59Z")
        #expect(leaf.publicKey == fixture.leafKey.publicKey)
        #expect(leaf.extensions.keyUsage?.usages == [.digitalSignature])
        #expect(leaf.extensions.keyUsage?.isCritical == true)
        #expect(leaf.extensions.extendedKeyUsage?.purposes == [ObjectIdentifier.codeSigning])
        #expect(leaf.extensions.revocation.crlURLs == ["http://crl.example/a.crl"])
        #expect(!leaf.extensions.revocation.hasOCSP)
        #expect(leaf.extensions.authorityKeyIdentifier == fixture.intermediate.extensions.subjectKeyIdentifier)
        #expect(leaf.sha256 == Hex.encode(HashAlgorithm.sha256.digest(of: leaf.der)))
        #expect(!leaf.isCA && !leaf.isSelfIssued && !leaf.isSelfSigned)
        #expect(fixture.root.isCA && fixture.root.isSelfSigned)
        #expect(fixture.root.extensions.basicConstraints?.pathLength == 1)
    }

    @Test func `a file in DER and a file in PEM give the same certificate`() async throws {
        let fixture = try await Fixture()
        #expect(try Certificate(pemOrDER: fixture.root.der) == fixture.root)
        #expect(try Certificate(pemOrDER: Array(fixture.root.pem.utf8)) == fixture.root)
        let bundle = fixture.chain.map(\.pem).joined(separator: "\n")
        #expect(try Certificate.parse(pemOrDER: Array(bundle.utf8)) == fixture.chain)
        #expect(throws: PKIError(.malformed, "")) { try Certificate(pemOrDER: Array(bundle.utf8)) }
    }

    @Test func `bytes after a certificate are refused`() async throws {
        let der = try await Fixture().root.der
        #expect(throws: PKIError(.malformed, "")) { try Certificate(der: der + [0]) }
        #expect(throws: PKIError(.malformed, "")) { try Certificate.parse(pemOrDER: der + [0x0A]) }
    }

    @Test func `PEM with rubbish around it is refused and says where`() async throws {
        let pem = try await Fixture().root.pem
        let error = #expect(throws: PKIError.self) { try Certificate.parse(pemOrDER: Array((pem + "rubbish\n").utf8)) }
        #expect(error?.code == .malformed)
        #expect(error?.reason.contains("outside of any block") == true)
        #expect(throws: PKIError(.malformed, "")) {
            try Certificate.parse(pemOrDER: Array(("Bag Attributes\n" + pem).utf8))
        }
    }

    @Test(arguments: [[], Array(" \r\n\t\n".utf8)] as [[UInt8]])
    func `an empty file says that it is empty`(bytes: [UInt8]) {
        #expect(throws: PKIError(.empty, "")) { try Certificate.parse(pemOrDER: bytes) }
    }

    @Test func `a key where a certificate belongs is called a key`() throws {
        let key = try PrivateKey.generate(.ec(.p256))
        let files = [
            (Array(try key.plaintextPEM.utf8), "private key"), (Array(key.publicKey.pem.utf8), "public key"),
            (key.publicKey.spki, "public key"), (try key.plaintextPKCS8, "private key"),
        ]
        for (bytes, name) in files {
            let error = #expect(throws: PKIError.self) { try Certificate.parse(pemOrDER: bytes) }
            #expect(error?.code == .notACertificate)
            #expect(error?.reason.contains(name) == true)
        }
    }

    @Test(arguments: ["CERTIFICATE REQUEST", "X509 CRL", "PKCS7", "TRUSTED CERTIFICATE", "SOMETHING"])
    func `other PEM blocks are named`(label: String) {
        let pem = Array(PEMBlock(label: label, bytes: [0x30, 0]).text.utf8)
        #expect(throws: PKIError(.notACertificate, "")) { try Certificate.parse(pemOrDER: pem) }
    }

    @Test func `an extension that appears twice is refused`() async throws {
        let fixture = try await Fixture()
        await #expect(throws: PKIError(.malformed, "")) {
            try await fixture.leaf { $0.extensions.append($0.extensions[0]) }
        }
    }

    @Test(
        arguments: [
            (ObjectIdentifier.basicConstraints, [0x30, 0x03, 0x01, 0x01, 0x01]),
            (ObjectIdentifier.basicConstraints, [0x30, 0x00, 0x00]),
            (ObjectIdentifier.keyUsage, [0x03, 0x02, 0x07, 0xFF]),
            (ObjectIdentifier.extendedKeyUsage, [0x30, 0x00]),
        ] as [(String, [UInt8])])
    func `an extension that decides must be well formed`(identifier: String, value: [UInt8]) async throws {
        let fixture = try await Fixture()
        await #expect(throws: PKIError(.malformed, "")) {
            try await fixture.leaf { $0.replace(.init(identifier: identifier, isCritical: true, value: value)) }
        }
    }

    @Test(arguments: [ObjectIdentifier.crlDistributionPoints, ObjectIdentifier.authorityInformationAccess])
    func `addresses that cannot be read are told apart from none`(identifier: String) async throws {
        let fixture = try await Fixture()
        let leaf = try await fixture.leaf {
            $0.replace(.init(identifier: identifier, isCritical: false, value: [1, 2]))
        }
        #expect(leaf.extensions.revocation.isUnreadable)
        #expect(!fixture.leaf.extensions.revocation.isUnreadable)
    }

    @Test func `several addresses keep their order`() async throws {
        let fixture = try await Fixture()
        let leaf = try await fixture.leaf {
            $0.replace(.crlDistributionPoints(["http://a/1", "http://b/2"]))
            $0.replace(try .ocspResponders(["http://ocsp/"]))
        }
        #expect(leaf.extensions.revocation.crlURLs == ["http://a/1", "http://b/2"])
        #expect(leaf.extensions.revocation.ocspURLs == ["http://ocsp/"])
    }

    @Test func `a certificate with a key that is not supported is read and says why`() async throws {
        let fixture = try await Fixture()
        let small = DER.sequence(
            DER.sequence(try DER.objectIdentifier("1.2.840.113549.1.1.1"), DER.null),
            DER.bitString(
                DER.sequence(DER.integer(unsigned: [UInt8](repeating: 0xFF, count: 128)), DER.integer(65_537))))
        let leaf = try await fixture.leaf { $0.publicKeyInfo = small }
        #expect(leaf.publicKey == nil)
        #expect(throws: KeyError(.weak, "")) { try leaf.key.get() }
    }

    @Test func `two signature algorithms in one certificate are refused`() async throws {
        let der = try await Fixture().root.der
        let identifier = try DER.objectIdentifier("1.2.840.10045.4.3.2")
        let last = try #require(der.indices.last { der[$0...].starts(with: identifier) })
        var changed = der
        changed[last + identifier.count - 1] = 3
        #expect(throws: PKIError(.malformed, "")) { try Certificate(der: changed) }
    }

    @Test func `no changed or cut byte ends in a crash, and none keeps a signature valid`() async throws {
        let fixture = try await Fixture()
        let der = fixture.leaf.der
        for index in der.indices {
            #expect(throws: PKIError.self) { try Certificate(der: Array(der[..<index])) }
            for bit in [0x01, 0x80, 0xFF] as [UInt8] {
                var changed = der
                changed[index] ^= bit
                guard let certificate = try? Certificate(der: changed) else { continue }
                #expect(!certificate.isSigned(by: fixture.intermediate), "byte \(index)")
            }
        }
    }
}
