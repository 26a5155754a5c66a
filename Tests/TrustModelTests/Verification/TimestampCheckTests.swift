import Codecs
import Envelopes
import OCI
import PKI
import SigningKeys
import TestSigning
import Testing
import TimestampAuthority

@testable import TrustModel

/// Timestamps in verification: what they carry a signature past, and what makes them count for nothing.
@Suite struct TimestampCheckTests {
    private static let now = SigningFixture.now

    /// A signer whose certificate ends after 30 days, an authority, and a signature with a timestamp.
    private struct Scene {
        let signer: SigningFixture
        let authority: TimestampAuthority
        let envelope: [UInt8]

        init(
            at time: UTCDate = now, crlURLs: [String] = [], format: EnvelopeFormat = .jws,
            spoil: @Sendable (inout CertificateTemplate) throws -> Void = { _ in }
        ) async throws {
            signer = try await SigningFixture()
            authority = try await TimestampAuthority(from: now.adding(days: -2), crlURLs: crlURLs, spoil: spoil)
            envelope = try await signer.sign(timestamps: AuthorityAtHand(authority, at: time))
        }

        func stores(
            _ tsaRoots: [Certificate]? = nil, constraint: TeamPolicy.AnchorConstraint? = nil,
            tsaConstraint: TeamPolicy.AnchorConstraint? = nil
        ) throws -> [TrustStore] {
            [
                TrustStore(try NamedStore("ca:acme"), anchors: [.init(signer.root, constraint: constraint)]),
                TrustStore(
                    try NamedStore("tsa:clock"),
                    anchors: (tsaRoots ?? [authority.root]).map { .init($0, constraint: tsaConstraint) }),
            ]
        }

        func evaluate(
            _ stores: [TrustStore], envelope: [UInt8]? = nil, at time: UTCDate = now,
            _ requirement: TimestampRequirement = .always, overrides: [VerificationCheck: CheckAction] = [:],
            denials: [DenyDocument.Denial] = []
        ) throws -> SignatureVerdict {
            let policy = VerificationPolicy(
                name: "test", level: .strict, overrides: overrides, timestampRequirement: requirement, stores: stores,
                identities: [.any])
            let artifact = Descriptor(
                mediaType: SigningFixture.artifact.mediaType, digest: try Digest(SigningFixture.artifact.digest),
                size: SigningFixture.artifact.size)
            return SignatureEvaluator(policy: policy, denials: Denials(denials), now: time)
                .evaluate(envelope ?? self.envelope, mediaType: "application/jose+json", artifact: artifact)
        }
    }

    private static let years = now.adding(days: 2_000)

    private func rejections(_ verdict: SignatureVerdict) -> [Finding.Code] {
        verdict.findings.filter { $0.weight == .rejects }.map(\.code)
    }

    @Test(arguments: TimestampRequirement.allCases)
    func `a timestamp carries a signature past the end of its certificate`(
        _ requirement: TimestampRequirement
    ) async throws {
        let scene = try await Scene()
        let verdict = try scene.evaluate(try scene.stores(), at: Self.years, requirement)
        #expect(verdict.isAccepted, "\(verdict.findings)")
        #expect(verdict.timestamp == Self.now && verdict.timestampAuthority == "CN=Time unit,O=Clock,C=US")
    }

    @Test func `a timestamp does not carry a signature past its own expiry`() async throws {
        let scene = try await Scene()
        let envelope = try await scene.signer.sign(
            expiry: Self.now.adding(days: 5), timestamps: AuthorityAtHand(scene.authority, at: Self.now))
        let verdict = try scene.evaluate(try scene.stores(), envelope: envelope, at: Self.years)
        #expect(rejections(verdict) == [.expired])
    }

    @Test func `an authority that is in no store does not count`() async throws {
        let (scene, other) = (try await Scene(), try await Scene())
        let stores = try scene.stores([other.authority.root])
        #expect(try rejections(scene.evaluate(stores)) == [.timestampInvalid])
        // Before the end of the certificate, a policy that asks afterwards only does not look at it.
        #expect(try scene.evaluate(stores, .afterCertificateExpiry).isAccepted)
        #expect(try rejections(scene.evaluate(stores, at: Self.years, .afterCertificateExpiry)) == [.timestampInvalid])
    }

    @Test func `a policy without a store of authorities goes by the clock`() async throws {
        let scene = try await Scene()
        let stores = [try scene.stores()[0]]
        #expect(try scene.evaluate(stores).isAccepted)
        #expect(try rejections(scene.evaluate(stores, at: Self.years)) == [.certificateTime])
    }

    @Test func `the timestamp of another signature rejects`() async throws {
        let scene = try await Scene()
        var outer = try JSON(parsing: try await scene.signer.sign()).object("envelope")
        let donor = try JSON(parsing: scene.envelope).object("").object("header", in: "")
        var header = try outer.object("header", in: "envelope")
        header["io.cncf.notary.timestampSignature"] = donor["io.cncf.notary.timestampSignature"]
        outer["header"] = .object(header)
        let verdict = try scene.evaluate(try scene.stores(), envelope: JSON.object(outer).bytes)
        // ECDSA signatures differ each time, so the token is for other bytes.
        #expect(rejections(verdict) == [.timestampInvalid])
    }

    @Test(arguments: ["AAAA", ""])
    func `a token that cannot be read is never taken for none`(_ token: String) async throws {
        let scene = try await Scene()
        var outer = try JSON(parsing: try await scene.signer.sign()).object("envelope")
        var header = try outer.object("header", in: "envelope")
        header["io.cncf.notary.timestampSignature"] = .string(token)
        outer["header"] = .object(header)
        let verdict = try scene.evaluate(try scene.stores(), envelope: JSON.object(outer).bytes)
        #expect(rejections(verdict) == [.timestampInvalid])
    }

    @Test func `a store of authorities with something else in it is unusable`() async throws {
        let scene = try await Scene()
        let stores = try scene.stores([scene.authority.root, scene.authority.certificate])
        #expect(try rejections(scene.evaluate(stores)) == [.trustStoreUnusable])
    }

    @Test func `an authority whose revocation is not checked says so`() async throws {
        let scene = try await Scene(crlURLs: ["http://crl.example.com/tsa.crl"])
        #expect(try rejections(scene.evaluate(try scene.stores())) == [.revocationNotChecked])
        let logged = try scene.evaluate(try scene.stores(), overrides: [.revocation: .log])
        #expect(logged.isAccepted && logged.findings.contains { $0.code == .revocationNotChecked })
    }

    @Test func `a denied authority vouches for nothing`() async throws {
        let scene = try await Scene()
        let denial = DenyDocument.Denial(
            id: "d1", subject: .certificate(sha256: scene.authority.certificate.sha256), team: nil, reason: "stolen",
            issued: Self.now)
        #expect(try rejections(scene.evaluate(try scene.stores(), denials: [denial])) == [.timestampInvalid])
        let later = try scene.evaluate(try scene.stores(), .afterCertificateExpiry, denials: [denial])
        #expect(later.isAccepted)
    }

    @Test func `an anchor that is distrusted after a moment still vouches for what was timestamped before`()
        async throws
    {
        let scene = try await Scene()
        for (limit, accepted) in [(Self.now, true), (Self.now.adding(seconds: -1), false)] {
            let constraint = TeamPolicy.AnchorConstraint(anchor: scene.signer.root.sha256, distrustAfter: limit)
            let verdict = try scene.evaluate(try scene.stores(constraint: constraint), at: Self.now.adding(days: 9))
            #expect(rejections(verdict) == (accepted ? [] : [.anchorConstraint]))
        }
        let constraint = TeamPolicy.AnchorConstraint(anchor: scene.signer.root.sha256, distrustAfter: Self.now)
        let unstamped = try await scene.signer.sign()
        let verdict = try scene.evaluate(
            try scene.stores(constraint: constraint), envelope: unstamped, .afterCertificateExpiry)
        #expect(rejections(verdict) == [.anchorConstraint])
    }

    @Test func `what limits the root of an authority limits its timestamps`() async throws {
        let scene = try await Scene()
        let constraint = TeamPolicy.AnchorConstraint(
            anchor: scene.authority.root.sha256, distrustAfter: Self.now.adding(seconds: -1))
        let verdict = try scene.evaluate(try scene.stores(tsaConstraint: constraint))
        #expect(rejections(verdict) == [.anchorConstraint])
    }

    @Test func `a signing authority's own time needs no timestamp`() async throws {
        let scene = try await Scene()
        let envelope = try await scene.signer.sign(scheme: .signingAuthority)
        let stores = [
            TrustStore(try NamedStore("signingAuthority:acme"), anchors: [.init(scene.signer.root)]),
            try scene.stores()[1],
        ]
        #expect(try scene.evaluate(stores, envelope: envelope, at: Self.years).isAccepted)
    }
}
