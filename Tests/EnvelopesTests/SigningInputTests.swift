import Codecs
import SigningKeys
import TestSigning
import Testing

@testable import Envelopes

/// What somebody who signs for others takes apart before.
@Suite struct SigningInputTests {
    @Test(arguments: EnvelopeFormat.allCases)
    func `what our own writer signs is read, to the same artifact and times`(_ format: EnvelopeFormat) async throws {
        let fixture = try await SigningFixture()
        let expiry = SigningFixture.now.adding(days: 1)
        let envelope = try UnverifiedEnvelope(
            parsing: try await fixture.sign(as: format, expiry: expiry), format: format)
        let input = try SigningInput(parsing: envelope.signedBytes)
        #expect(input.format == format)
        #expect(input.algorithm == .es256)
        #expect(input.artifact == SigningFixture.artifact)
        #expect(input.attributes.signingTime == SigningFixture.now)
        #expect(input.attributes.expiry == expiry)
    }

    @Test(arguments: EnvelopeFormat.allCases)
    func `no single byte can be changed so that it is read as the same bytes`(_ format: EnvelopeFormat) async throws {
        let fixture = try await SigningFixture()
        let good = try UnverifiedEnvelope(parsing: try await fixture.sign(as: format), format: format).signedBytes
        for position in good.indices {
            var bytes = good
            bytes[position] ^= 0x01
            guard let input = try? SigningInput(parsing: bytes) else { continue }
            let same = try SigningInput(parsing: good)
            #expect(input.artifact != same.artifact || input.attributes != same.attributes)
        }
    }

    static let refused: [(String, JSON, JSON)] = [
        ("an attribute that nobody knows", ["com.example.x": 1], [:]),
        ("a plugin", ["io.cncf.notary.verificationPlugin": "x"], [:]),
        ("more than an artifact", [:], ["more": 1]),
        ("another algorithm", ["alg": "HS256"], [:]),
        ("another content type", ["cty": "text/plain"], [:]),
        ("another scheme", ["io.cncf.notary.signingScheme": "x"], [:]),
    ]

    @Test(arguments: refused.indices)
    func `what nobody here understands is not signed`(_ index: Int) throws {
        let (_, header, payload) = Self.refused[index]
        #expect(throws: EnvelopeError.self) { try SigningInput(parsing: try Self.input(header, payload)) }
        _ = try SigningInput(parsing: try Self.input([:], [:]))
    }

    @Test func `neither nothing nor anything else is signed`() throws {
        for text in ["", ".", "e30.e30", "a.b.c", "{\"signed\":{}}"] {
            #expect(throws: EnvelopeError.self) { try SigningInput(parsing: Array(text.utf8)) }
        }
    }

    private static func input(_ header: JSON, _ more: JSON) throws -> [UInt8] {
        var protected = JSONObject([
            ("alg", "ES256"), ("crit", ["io.cncf.notary.signingScheme"]),
            ("cty", "application/vnd.cncf.notary.payload.v1+json"), ("io.cncf.notary.signingScheme", "notary.x509"),
            ("io.cncf.notary.signingTime", "2026-11-22T10:00:00Z"),
        ])
        for (name, value) in try header.object("header").members { protected[name] = value }
        var payload = JSONObject([
            ("targetArtifact", ["mediaType": "a/b", "digest": .string(SigningFixture.artifact.digest), "size": 4])
        ])
        for (name, value) in try more.object("payload").members { payload[name] = value }
        let parts = [JSON.object(protected), .object(payload)].map { Base64.encode($0.bytes, .url) }
        return Array(parts.joined(separator: ".").utf8)
    }
}
