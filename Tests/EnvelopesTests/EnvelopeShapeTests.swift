import Codecs
import Foundation
import PKI
import SigningKeys
import TestSigning
import TestVectors
import Testing
import TimestampAuthority

@testable import Envelopes

/// Every shape of envelope that there is, held against our verifier and, for what openssl can judge, against openssl.
@Suite struct `Shapes of envelopes` {
    private struct Shape {
        let name: String
        var scheme = SigningScheme.x509
        var metadata: [String: String] = [:]
        var expires = false
        var isTimestamped = false
    }

    private static let shapes = [
        Shape(name: "plain"), Shape(name: "with an expiry", expires: true),
        Shape(name: "with metadata", metadata: ["build": "42", "commit": "abc"]),
        Shape(name: "timestamped", isTimestamped: true),
        Shape(name: "with everything", metadata: ["build": "42"], expires: true, isTimestamped: true),
        Shape(name: "a signing authority's", scheme: .signingAuthority, expires: true),
    ]

    @Test(
        arguments: [.ec(.p256), .ec(.p384), .ec(.p521), .rsa(bits: 2_048), .rsa(bits: 3_072), .rsa(bits: 4_096)]
            as [KeyType])
    func `every shape verifies here, and its signature and its token with openssl`(_ type: KeyType) async throws {
        let fixture = try await SigningFixture(type)
        let authority = try await TimestampAuthority(from: SigningFixture.now.adding(days: -1))
        for format in EnvelopeFormat.allCases {
            for shape in Self.shapes { try await check(shape, format, fixture, authority) }
        }
    }

    private func check(
        _ shape: Shape, _ format: EnvelopeFormat, _ fixture: SigningFixture, _ authority: TimestampAuthority
    ) async throws {
        let artifact = TargetArtifact(
            mediaType: SigningFixture.artifact.mediaType, digest: SigningFixture.artifact.digest, size: 4,
            annotations: shape.metadata)
        let expiry = shape.expires ? SigningFixture.now.adding(days: 3) : nil
        let bytes = try await fixture.sign(
            artifact, as: format, scheme: shape.scheme, expiry: expiry,
            timestamps: shape.isTimestamped ? AuthorityAtHand(authority, at: SigningFixture.now) : nil)
        let opened = try UnverifiedEnvelope(parsing: bytes, format: format)
        let verified = try opened.verified()
        #expect(verified.artifact == artifact && verified.attributes.expiry == expiry, "\(shape.name)")
        #expect(verified.attributes.scheme == shape.scheme, "\(shape.name)")
        #expect((verified.timestampSignature != nil) == shape.isTimestamped, "\(shape.name)")
        try await TestVectors.withTemporaryFolder { folder in
            let isConfirmed = try opensslConfirms(opened, verified.leaf, folder)
            #expect(isConfirmed, "\(shape.name)")
            guard let token = verified.timestampSignature else { return }
            let isTokenConfirmed = try opensslConfirms(token, over: verified.signature, authority, folder)
            #expect(isTokenConfirmed, "\(shape.name)")
        }
    }

    /// The signature over the exact bytes, under the key of the certificate.
    private func opensslConfirms(
        _ envelope: UnverifiedEnvelope, _ leaf: Certificate, _ folder: URL
    ) throws -> Bool {
        let key = try #require(leaf.publicKey)
        var signature = envelope.signature
        if case .ec(let curve) = key.type {
            signature = try #require(ECDSASignature.der(fromFixed: signature, curve))
        }
        try write(key.pem, "key.pem", folder)
        try Data(signature).write(to: folder.appendingPathComponent("signature"))
        try Data(envelope.signedBytes).write(to: folder.appendingPathComponent("signed"))
        var arguments = ["dgst", "-\(envelope.algorithm.hash.rawValue)", "-verify", folder.path + "/key.pem"]
        if case .rsa = key.type {
            arguments += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        }
        return try openssl(arguments + ["-signature", folder.path + "/signature", folder.path + "/signed"])
    }

    private func opensslConfirms(
        _ token: [UInt8], over signature: [UInt8], _ authority: TimestampAuthority, _ folder: URL
    ) throws -> Bool {
        try write(authority.root.pem, "tsa.pem", folder)
        try Data(token).write(to: folder.appendingPathComponent("token"))
        try Data(signature).write(to: folder.appendingPathComponent("stamped"))
        return try openssl([
            "ts", "-verify", "-token_in", "-in", folder.path + "/token", "-data", folder.path + "/stamped", "-CAfile",
            folder.path + "/tsa.pem", "-attime", "\(SigningFixture.now.seconds)",
        ])
    }

    private func openssl(_ arguments: [String]) throws -> Bool {
        let outcome = try TestVectors.outcome("/usr/bin/openssl", arguments)
        if outcome.status != 0 { print(outcome.text) }
        return outcome.status == 0
    }

    private func write(_ text: String, _ name: String, _ folder: URL) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
}
