import Codecs
import PKI
import SigningKeys
import TestSigning
import Testing
import TimestampAuthority

@testable import Envelopes

@Suite struct `Timestamped envelopes and signing authorities` {
    private static let start = SigningFixture.now.adding(days: -1)

    private func sign(
        _ fixture: SigningFixture, _ format: EnvelopeFormat, _ scheme: SigningScheme = .x509,
        timestamps: (any TimestampSource)? = nil, expiry: UTCDate? = nil
    ) async throws -> [UInt8] {
        try await EnvelopeWriter(format: format, signingAgent: "test/1", scheme: scheme, timestamps: timestamps)
            .sign(
                SigningFixture.artifact, chain: fixture.chain, signer: fixture.key, at: SigningFixture.now,
                expiry: expiry)
    }

    @Test(
        arguments: [.ec(.p256), .ec(.p384), .ec(.p521), .rsa(bits: 2_048)] as [KeyType], EnvelopeFormat.allCases)
    func `the timestamp is over the signature, under the hash of its algorithm`(
        _ type: KeyType, _ format: EnvelopeFormat
    ) async throws {
        let authority = try await TimestampAuthority(from: Self.start)
        let bytes = try await sign(
            try await SigningFixture(type), format, timestamps: AuthorityAtHand(authority, at: SigningFixture.now))
        let verified = try UnverifiedEnvelope(parsing: bytes, format: format).verified()
        let token = try UnverifiedTimestamp(der: try #require(verified.timestampSignature))
        let timestamp = try token.verified(over: verified.signature, roots: [authority.root])
        #expect(timestamp.hash == verified.algorithm.hash && timestamp.time == SigningFixture.now)
    }

    @Test func `a JWS carries the token first in its header, in plain base64`() async throws {
        let authority = try await TimestampAuthority(from: Self.start)
        let bytes = try await sign(
            try await SigningFixture(), .jws, timestamps: AuthorityAtHand(authority, at: SigningFixture.now))
        let header = try JSON(parsing: bytes).object("").object("header", in: "")
        #expect(header.names == ["io.cncf.notary.timestampSignature", "x5c", "io.cncf.notary.signingAgent"])
        let token = try Base64.decode(header.string("io.cncf.notary.timestampSignature", in: ""))
        #expect(token.first == 0x30)
    }

    @Test func `a timestamp of another signature is not put into an envelope`() async throws {
        let authority = try await TimestampAuthority(from: Self.start)
        let fixture = try await SigningFixture()
        let source = AuthorityAtHand(authority, at: SigningFixture.now, message: [1, 2, 3])
        await #expect(throws: EnvelopeError(.timestamp, "")) {
            try await sign(fixture, .jws, timestamps: source)
        }
    }

    @Test(arguments: [-2, 31])
    func `a timestamp of a time at which the certificate is not valid is not put into an envelope`(
        _ days: Int64
    ) async throws {
        let authority = try await TimestampAuthority(from: SigningFixture.now.adding(days: -10))
        let fixture = try await SigningFixture()
        let source = AuthorityAtHand(authority, at: SigningFixture.now.adding(days: days))
        await #expect(throws: EnvelopeError(.timestamp, "")) {
            try await sign(fixture, .cose, timestamps: source)
        }
    }

    @Test(arguments: EnvelopeFormat.allCases)
    func `a signing authority's time is critical, and the only one`(_ format: EnvelopeFormat) async throws {
        let expiry = SigningFixture.now.adding(days: 1)
        let bytes = try await sign(try await SigningFixture(), format, .signingAuthority, expiry: expiry)
        let attributes = try UnverifiedEnvelope(parsing: bytes, format: format).verified().attributes
        #expect(attributes.scheme == .signingAuthority && attributes.authenticSigningTime == SigningFixture.now)
        #expect(attributes.signingTime == nil && attributes.expiry == expiry)
    }

    @Test func `a signing authority's signature is not timestamped`() async throws {
        let authority = try await TimestampAuthority(from: Self.start)
        let fixture = try await SigningFixture()
        await #expect(throws: EnvelopeError(.scheme, "")) {
            try await sign(
                fixture, .jws, .signingAuthority, timestamps: AuthorityAtHand(authority, at: SigningFixture.now))
        }
    }
}
