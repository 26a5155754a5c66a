import Codecs
import Envelopes
import OCI
import PKI
import SigningKeys
import TestSigning
import Testing

@testable import TrustModel

@Suite struct `Policies for blobs` {
    private static func statement(
        _ name: String, isGlobal: String = "false", level: String = "strict", stores: String = #"["ca:acme"]"#,
        identities: String = #"["*"]"#
    ) -> String {
        #"{"name":"\#(name)","globalPolicy":\#(isGlobal),"signatureVerification":{"level":"\#(level)"},"trustStores":\#(stores),"trustedIdentities":\#(identities)}"#
    }

    private func policy(_ statements: String...) throws -> NotationBlobPolicy {
        try NotationBlobPolicy(
            parsing: Array(#"{"version":"1.0","trustPolicies":[\#(statements.joined(separator: ","))]}"#.utf8))
    }

    @Test func `a statement is found by its name, and the global one without`() throws {
        let policy = try policy(Self.statement("a"), Self.statement("b", isGlobal: "true"))
        #expect(policy.statement(named: "a")?.name == "a" && policy.statement(named: nil)?.name == "b")
        #expect(policy.statement(named: "c") == nil)
        let none = try self.policy(Self.statement("a"))
        #expect(none.statement(named: nil) == nil)
    }

    @Test func `verification may be skipped by name, never for everything`() throws {
        let skip = Self.statement("a", level: "skip", stores: "[]", identities: "[]")
        #expect(try policy(skip).statement(named: "a")?.level == .skip)
        let all = Self.statement("a", isGlobal: "true", level: "skip", stores: "[]", identities: "[]")
        #expect(throws: TrustModelError(.policy, "")) { try policy(all) }
    }

    @Test(arguments: [
        [statement("a", isGlobal: "true"), statement("b", isGlobal: "true")], [statement("a"), statement("a")],
        [statement("a", isGlobal: #""true""#)], [statement("a", stores: "[]")], [statement("a", identities: "[]")],
        [statement("")], [],
    ])
    func `a document with one bad statement is refused whole`(_ statements: [String]) {
        let text = #"{"version":"1.0","trustPolicies":[\#(statements.joined(separator: ","))]}"#
        #expect(throws: TrustModelError(.policy, "")) { try NotationBlobPolicy(parsing: Array(text.utf8)) }
    }
}

@Suite struct `Signatures on blobs` {
    private static let content = Array("release notes".utf8)

    private func blob(_ content: [UInt8] = content, mediaType: String? = nil) -> Blob {
        Blob(
            size: Int64(content.count), mediaType: mediaType,
            digests: HashAlgorithm.allCases.map { Digest(of: content, algorithm: $0) })
    }

    private func sign(_ fixture: SigningFixture, by hash: HashAlgorithm, as format: EnvelopeFormat) async throws
        -> [UInt8]
    {
        let artifact = TargetArtifact(
            mediaType: "text/plain", digest: Digest(of: Self.content, algorithm: hash).description,
            size: Int64(Self.content.count))
        return try await fixture.sign(artifact, as: format)
    }

    private func verify(
        _ blob: Blob, _ envelope: [UInt8], _ fixture: SigningFixture, _ format: EnvelopeFormat,
        denials: [DenyDocument.Denial] = [], level: VerificationLevel = .strict
    ) throws -> ArtifactVerdict {
        let store = TrustStore(try NamedStore("ca:acme"), anchors: [.init(fixture.root)])
        let policy = VerificationPolicy(name: "test", level: level, stores: [store], identities: [.any])
        return BlobVerifier(policy: policy, denials: Denials(denials), now: SigningFixture.now)
            .verify(blob, envelope: envelope, format: format)
    }

    @Test(arguments: [(KeyType.ec(.p256), HashAlgorithm.sha256), (.ec(.p384), .sha384), (.ec(.p521), .sha512)])
    func `the digest is the one of the key's hash`(_ type: KeyType, _ hash: HashAlgorithm) async throws {
        let fixture = try await SigningFixture(type)
        for format in EnvelopeFormat.allCases {
            let right = try await sign(fixture, by: hash, as: format)
            let verdict = try verify(blob(), right, fixture, format)
            #expect(verdict.isAccepted && verdict.artifact.digest.algorithm == hash)
            let wrong = try await sign(fixture, by: hash == .sha256 ? .sha512 : .sha256, as: format)
            let refused = try verify(blob(), wrong, fixture, format)
            #expect(!refused.isAccepted)
        }
    }

    @Test func `other content, and another media type where one is said, are refused`() async throws {
        let fixture = try await SigningFixture()
        let envelope = try await sign(fixture, by: .sha256, as: .jws)
        #expect(try verify(blob(mediaType: "text/plain"), envelope, fixture, .jws).isAccepted)
        #expect(try !verify(blob(mediaType: "text/html"), envelope, fixture, .jws).isAccepted)
        #expect(try !verify(blob(Self.content + [0]), envelope, fixture, .jws).isAccepted)
        #expect(try !verify(blob(), [1, 2, 3], fixture, .jws).isAccepted)
    }

    @Test(arguments: HashAlgorithm.allCases)
    func `a denied blob is denied by any of its digests, at every level`(_ hash: HashAlgorithm) async throws {
        let fixture = try await SigningFixture()
        let envelope = try await sign(fixture, by: .sha256, as: .jws)
        let denial = DenyDocument.Denial(
            id: "d1", subject: .digest(Digest(of: Self.content, algorithm: hash).description), team: nil,
            reason: "leaked", issued: SigningFixture.now)
        for level in [VerificationLevel.strict, .skip] {
            let verdict = try verify(blob(), envelope, fixture, .jws, denials: [denial], level: level)
            #expect(!verdict.isAccepted && verdict.findings.map(\.code) == [.denied])
        }
    }
}
