import Codecs
import PKI
import SigningKeys
import TestSigning
import Testing

@testable import Envelopes

@Suite struct EnvelopeTests {
    private static let keyTypes: [KeyType] = [
        .ec(.p256), .ec(.p384), .ec(.p521), .rsa(bits: 2_048), .rsa(bits: 3_072), .rsa(bits: 4_096),
    ]

    @Test(arguments: keyTypes, EnvelopeFormat.allCases)
    func `what is signed with any key reads back and verifies`(_ type: KeyType, _ format: EnvelopeFormat) async throws {
        let fixture = try await SigningFixture(type)
        let artifact = TargetArtifact(
            mediaType: "a/b", digest: SigningFixture.artifact.digest, size: 7, annotations: ["b": "2", "a": "<1>"])
        let expiry = SigningFixture.now.adding(days: 1)
        let bytes = try await fixture.sign(artifact, as: format, expiry: expiry)
        let verified = try UnverifiedEnvelope(parsing: bytes, format: format).verified()
        #expect(verified.artifact == artifact)
        #expect(verified.chain.certificates == fixture.chain)
        #expect(verified.attributes.signingTime == SigningFixture.now && verified.attributes.expiry == expiry)
        #expect(verified.algorithm == EnvelopeAlgorithm(type) && verified.signingAgent == "test/1")
    }

    @Test func `a JWS has the members and the order that notation writes`() async throws {
        let fixture = try await SigningFixture()
        let bytes = try await fixture.sign(expiry: SigningFixture.now.adding(days: 1))
        let outer = try JSON(parsing: bytes).object("envelope")
        #expect(outer.names == ["payload", "protected", "header", "signature"])
        #expect(try outer.object("header", in: "").names == ["x5c", "io.cncf.notary.signingAgent"])
        let protected = String(decoding: try Base64.decode(outer.string("protected", in: ""), .url), as: UTF8.self)
        #expect(
            protected
                == #"{"alg":"ES256","crit":["io.cncf.notary.signingScheme","io.cncf.notary.expiry"],"cty":"application/vnd.cncf.notary.payload.v1+json","io.cncf.notary.expiry":"2026-11-19T11:06:40Z","io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":"2026-11-18T11:06:40Z"}"#
        )
        let payload = String(decoding: try Base64.decode(outer.string("payload", in: ""), .url), as: UTF8.self)
        #expect(payload.hasPrefix(#"{"targetArtifact":{"digest":"sha256:"#))
    }

    @Test func `a COSE message has the entries and the order that notation writes`() async throws {
        let bytes = try await SigningFixture().sign(as: .cose, expiry: SigningFixture.now.adding(days: 1))
        guard case .tagged(18, .array(let parts)) = try CBOR(parsing: bytes) else { throw Unexpected() }
        let bytesOfHeader = try #require(parts[0].bytesOrNil)
        let protected = try #require(try CBOR(parsing: bytesOfHeader).mapOrNil)
        #expect(
            protected.keys == [
                .integer(1), .integer(2), .integer(3), .text("io.cncf.notary.expiry"),
                .text("io.cncf.notary.signingTime"), .text("io.cncf.notary.signingScheme"),
            ])
        #expect(protected[text: "io.cncf.notary.signingTime"] == .tagged(1, .integer(SigningFixture.now.seconds)))
        #expect(protected[label: 2] == .array([.text("io.cncf.notary.signingScheme"), .text("io.cncf.notary.expiry")]))
        #expect(parts[1].mapOrNil?.keys == [.integer(33), .text("io.cncf.notary.signingAgent")])
        let payload = String(decoding: try #require(parts[2].bytesOrNil), as: UTF8.self)
        #expect(payload.hasPrefix(#"{"targetArtifact":{"mediaType":"application"#))
    }

    @Test(arguments: EnvelopeFormat.allCases)
    func `no changed byte goes unnoticed`(_ format: EnvelopeFormat) async throws {
        let bytes = try await SigningFixture().sign(as: format)
        let original = try UnverifiedEnvelope(parsing: bytes, format: format).verified()
        for index in stride(from: 0, to: bytes.count, by: 3) {
            var changed = bytes
            changed[index] ^= 1
            guard let verified = try? UnverifiedEnvelope(parsing: changed, format: format).verified() else { continue }
            // Only what is not signed may differ: the name of the program that signed.
            #expect(verified.signingAgent != original.signingAgent, "byte \(index)")
            #expect(verified.artifact == original.artifact && verified.attributes == original.attributes)
        }
    }

    @Test func `a key that is not the certificate's does not sign`() async throws {
        let (one, other) = (try await SigningFixture(), try await SigningFixture())
        await #expect(throws: EnvelopeError(.key, "")) {
            try await EnvelopeWriter(format: .jws, signingAgent: "x").sign(
                SigningFixture.artifact, chain: one.chain, signer: other.key, at: SigningFixture.now, expiry: nil)
        }
    }

    /// A key that is tied to one hash by the place where it lives.
    private struct TiedSigner: Signer {
        let key: PrivateKey
        let hash: HashAlgorithm

        var publicKey: PublicKey { key.publicKey }

        func check(_ scheme: SignatureScheme) throws(KeyError) {
            guard scheme == .rsaPSS(hash) else { throw KeyError(.scheme, "this key is tied to \(hash)") }
        }

        func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
            try await key.signature(over: message, scheme: scheme)
        }
    }

    @Test func `a key can sign for the Notary Project if its type may and its place can`() throws {
        let (rsa, ed25519) = (try PrivateKey.generate(.rsa(bits: 3_072)), try PrivateKey.generate(.ed25519))
        #expect(try EnvelopeAlgorithm(usableBy: rsa) == .ps384)
        #expect(try EnvelopeAlgorithm(usableBy: TiedSigner(key: rsa, hash: .sha384)) == .ps384)
        let tied = #expect(throws: KeyError.self) {
            try EnvelopeAlgorithm(usableBy: TiedSigner(key: rsa, hash: .sha256))
        }
        #expect(tied?.reason == "this key is tied to sha256")
        let other = #expect(throws: KeyError.self) { try EnvelopeAlgorithm(usableBy: ed25519) }
        #expect(other?.code == .scheme && other?.hint?.contains("EC P-256") == true)
    }

    @Test func `a chain without its root does not sign`() async throws {
        let fixture = try await SigningFixture()
        await #expect(throws: EnvelopeError(.chain, "")) {
            try await EnvelopeWriter(format: .cose, signingAgent: "x").sign(
                SigningFixture.artifact, chain: [fixture.leaf], signer: fixture.key, at: SigningFixture.now, expiry: nil
            )
        }
    }

    @Test func `an expired certificate does not sign`() async throws {
        let fixture = try await SigningFixture(days: 2)
        await #expect(throws: EnvelopeError(.chain, "")) {
            try await EnvelopeWriter(format: .jws, signingAgent: "x").sign(
                SigningFixture.artifact, chain: fixture.chain, signer: fixture.key,
                at: SigningFixture.now.adding(days: 3), expiry: nil)
        }
    }

    @Test(arguments: EnvelopeFormat.allCases)
    func `rubbish is malformed and never traps`(_ format: EnvelopeFormat) async throws {
        let bytes = try await SigningFixture().sign(as: format)
        for rubbish in [[], [0], Array("{}".utf8), Array(bytes.dropLast()), bytes + [0], [0xD2, 0x84], [0xD2, 0x80]] {
            #expect(throws: EnvelopeError(.malformed, "")) { try UnverifiedEnvelope(parsing: rubbish, format: format) }
        }
    }

    @Test(arguments: [
        "2026-11-18T11:06:40Z", "2026-11-18T12:06:40+01:00", "2026-11-18T03:06:40-08:00",
        "2026-11-18T11:06:40.999999999Z",
    ])
    func `a time may have any offset`(_ text: String) throws {
        #expect(try TimeText.date(text) == SigningFixture.now)
    }

    @Test(arguments: [
        "", "2026-11-18", "2026-11-18T11:06:40", "2026-11-18T11:06:40+1:00", "2026-11-18T11:06:40+24:00",
        "2026-11-18T11:06:40+01:60", "2026-11-18T11:06:40.Z", "2026-11-18t11:06:40z", "2026-02-30T11:06:40Z",
        "2026-11-18T11:06:40Zx",
    ])
    func `a malformed time is refused`(_ text: String) {
        #expect(throws: CodecError.self) { try TimeText.date(text) }
    }

    private struct Unexpected: Error {}
}
