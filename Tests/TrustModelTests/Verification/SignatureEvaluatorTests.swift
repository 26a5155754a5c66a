import Codecs
import Envelopes
import OCI
import PKI
import SigningKeys
import TestSigning
import Testing

@testable import TrustModel

@Suite struct SignatureEvaluatorTests {
    private static let now = SigningFixture.now

    private func artifact() throws -> Descriptor {
        Descriptor(
            mediaType: SigningFixture.artifact.mediaType, digest: try Digest(SigningFixture.artifact.digest),
            size: SigningFixture.artifact.size)
    }

    private func store(
        _ certificates: [Certificate], _ name: String = "ca:acme", constraint: TeamPolicy.AnchorConstraint? = nil
    ) throws -> TrustStore {
        TrustStore(try NamedStore(name), anchors: certificates.map { .init($0, constraint: constraint) })
    }

    private func policy(
        _ stores: [TrustStore], level: VerificationLevel = .strict, overrides: [VerificationCheck: CheckAction] = [:],
        identity: String = "*", requiredStores: Int = 1, timestamps: TimestampRequirement = .always
    ) throws -> VerificationPolicy {
        VerificationPolicy(
            name: "test", level: level, overrides: overrides, timestampRequirement: timestamps, stores: stores,
            identities: [try TrustedIdentity(identity)], requiredStores: requiredStores)
    }

    private func evaluate(
        _ envelope: [UInt8], _ policy: VerificationPolicy, denials: [DenyDocument.Denial] = [], at time: UTCDate = now,
        metadata: [String: String] = [:]
    ) throws -> SignatureVerdict {
        SignatureEvaluator(policy: policy, denials: Denials(denials), now: time)
            .evaluate(envelope, mediaType: "application/jose+json", artifact: try artifact(), metadata: metadata)
    }

    private func rejections(_ verdict: SignatureVerdict) -> [Finding.Code] {
        verdict.findings.filter { $0.weight == .rejects }.map(\.code)
    }

    @Test func `a signature under an anchor of the store is accepted`() async throws {
        let fixture = try await SigningFixture()
        let verdict = try evaluate(try await fixture.sign(), try policy([store([fixture.root])]))
        #expect(verdict.isAccepted && verdict.findings.map(\.code) == [.nothingToCheck])
        #expect(verdict.store?.description == "ca:acme" && verdict.anchor == fixture.root.sha256)
    }

    @Test func `a root of the same name and another key is not the anchor`() async throws {
        let (fixture, other) = (try await SigningFixture(), try await SigningFixture())
        let verdict = try evaluate(try await fixture.sign(), try policy([store([other.root])]))
        #expect(rejections(verdict) == [.untrustedRoot])
    }

    @Test func `an anchor in a store of another kind does not count`() async throws {
        let fixture = try await SigningFixture()
        let stores = [try store([fixture.root], "signingAuthority:acme"), try store([fixture.root], "tsa:acme")]
        let verdict = try evaluate(
            try await fixture.sign(), try policy(stores, overrides: [.authenticTimestamp: .log]))
        #expect(rejections(verdict) == [.untrustedRoot])
    }

    @Test func `one unusable store fails a statement whose other store would match`() async throws {
        let fixture = try await SigningFixture()
        let broken = TrustStore(try NamedStore("ca:broken"), problem: "it is not there")
        let verdict = try evaluate(try await fixture.sign(), try policy([store([fixture.root]), broken]))
        #expect(rejections(verdict) == [.trustStoreUnusable])
    }

    @Test func `an emptied store does not stop the other store of its statement, and alone it rejects`() async throws {
        let fixture = try await SigningFixture()
        let envelope = try await fixture.sign()
        let emptied = try store([], "ca:staging")
        #expect(try evaluate(envelope, try policy([emptied, store([fixture.root])])).isAccepted)
        #expect(try !evaluate(envelope, try policy([emptied])).isAccepted)
    }

    @Test func `a store that holds a signing certificate of somebody is unusable`() async throws {
        let fixture = try await SigningFixture()
        #expect(try store([fixture.root, fixture.leaf]).problem?.contains("neither a CA nor self-signed") == true)
    }

    @Test func `the audit level reports an unknown root and lets it pass`() async throws {
        let fixture = try await SigningFixture()
        let verdict = try evaluate(try await fixture.sign(), try policy([store([])], level: .audit))
        #expect(verdict.isAccepted)
        #expect(verdict.findings.first.map { $0.code == .untrustedRoot && $0.weight == .warns } == true)
    }

    @Test func `an identity that is not the signer's rejects`() async throws {
        let fixture = try await SigningFixture()
        let bytes = try await fixture.sign()
        let identity = "x509.subject: C=US, ST=WA, O=Acme, OU=other"
        #expect(try rejections(evaluate(bytes, policy([store([fixture.root])], identity: identity))) == [.identity])
        let own = "x509.subject: C=US, ST=WA, O=Acme, OU=ci"
        #expect(try evaluate(bytes, policy([store([fixture.root])], identity: own)).isAccepted)
    }

    @Test func `a signature counts until the second before its expiry`() async throws {
        let fixture = try await SigningFixture()
        let expiry = Self.now.adding(seconds: 60)
        let bytes = try await fixture.sign(expiry: expiry)
        let policy = try policy([store([fixture.root])])
        #expect(try evaluate(bytes, policy, at: expiry.adding(seconds: -1)).isAccepted)
        #expect(try rejections(evaluate(bytes, policy, at: expiry)) == [.expired])
    }

    @Test func `a certificate counts up to its last second`() async throws {
        let fixture = try await SigningFixture()
        let bytes = try await fixture.sign()
        let policy = try policy([store([fixture.root])])
        #expect(try evaluate(bytes, policy, at: fixture.leaf.notAfter).isAccepted)
        let after = fixture.leaf.notAfter.adding(seconds: 1)
        #expect(try rejections(evaluate(bytes, policy, at: after)) == [.certificateTime])
        let before = fixture.leaf.notBefore.adding(seconds: -1)
        #expect(try rejections(evaluate(bytes, policy, at: before)) == [.certificateTime])
    }

    @Test func `a policy with a timestamp store rejects what carries no timestamp`() async throws {
        let fixture = try await SigningFixture()
        let stores = [try store([fixture.root]), try store([fixture.root], "tsa:t")]
        let bytes = try await fixture.sign()
        #expect(try rejections(evaluate(bytes, policy(stores))) == [.timestampMissing])
        #expect(try evaluate(bytes, policy(stores, timestamps: .afterCertificateExpiry)).isAccepted)
        let late = fixture.leaf.notAfter.adding(days: 1)
        let policy = try policy(stores, timestamps: .afterCertificateExpiry)
        #expect(try rejections(evaluate(bytes, policy, at: late)) == [.timestampMissing])
    }

    @Test(arguments: [
        (VerificationLevel.strict, CheckAction?.none, false), (.strict, .log, true), (.strict, .skip, true),
        (.permissive, nil, true), (.permissive, .enforce, false), (.audit, nil, true),
    ])
    func `a chain that names a revocation list is never passed silently`(
        _ level: VerificationLevel, _ override: CheckAction?, _ accepted: Bool
    ) async throws {
        let fixture = try await SigningFixture(crlURLs: ["http://crl.example.com/a.crl"])
        let policy = try policy(
            [store([fixture.root])], level: level, overrides: override.map { [.revocation: $0] } ?? [:])
        let verdict = try evaluate(try await fixture.sign(), policy)
        #expect(verdict.isAccepted == accepted)
        #expect(verdict.findings.contains { $0.code == .revocationNotChecked } == (override != .skip))
    }

    @Test func `a signature of another artifact or without required metadata is rejected`() async throws {
        let fixture = try await SigningFixture()
        let other = TargetArtifact(
            mediaType: SigningFixture.artifact.mediaType, digest: SigningFixture.artifact.digest, size: 5,
            annotations: ["build": "42"])
        let policy = try policy([store([fixture.root])], level: .audit)
        #expect(try rejections(evaluate(try await fixture.sign(other), policy)) == [.descriptorMismatch])
        let own = TargetArtifact(
            mediaType: SigningFixture.artifact.mediaType, digest: SigningFixture.artifact.digest, size: 4,
            annotations: ["build": "42"])
        let bytes = try await fixture.sign(own)
        #expect(try evaluate(bytes, policy, metadata: ["build": "42"]).isAccepted)
        #expect(try rejections(evaluate(bytes, policy, metadata: ["build": "43"])) == [.userMetadata])
        #expect(try rejections(evaluate(bytes, policy, metadata: ["x": ""])) == [.userMetadata])
    }

    // MARK: Anchor constraints

    private func constraint(
        _ fixture: SigningFixture, distrustAfter: UTCDate? = nil, until: UTCDate? = nil, subordinates: [String]? = nil
    ) -> TeamPolicy.AnchorConstraint {
        TeamPolicy.AnchorConstraint(
            anchor: fixture.root.sha256, distrustAfter: distrustAfter, until: until, subordinates: subordinates)
    }

    @Test func `an anchor added until a date ends at that date`() async throws {
        let fixture = try await SigningFixture()
        let until = Self.now.adding(days: 1)
        let limited = try store([fixture.root], constraint: constraint(fixture, until: until))
        let bytes = try await fixture.sign()
        #expect(try evaluate(bytes, policy([limited])).isAccepted)
        #expect(try rejections(evaluate(bytes, policy([limited]), at: until)) == [.anchorConstraint])
    }

    @Test func `distrust-after rejects what no verified time places before it`() async throws {
        let fixture = try await SigningFixture()
        let limited = try store(
            [fixture.root], constraint: constraint(fixture, distrustAfter: Self.now.adding(days: 100)))
        #expect(try rejections(evaluate(try await fixture.sign(), policy([limited]))) == [.anchorConstraint])
    }

    @Test func `an anchor for named subordinates is believed for no other`() async throws {
        let fixture = try await SigningFixture()
        let own = Hex.encode(fixture.key.publicKey.fingerprint)
        let bytes = try await fixture.sign()
        let allowed = try store([fixture.root], constraint: constraint(fixture, subordinates: [own]))
        #expect(try evaluate(bytes, policy([allowed])).isAccepted)
        let refused = try store([fixture.root], constraint: constraint(fixture, subordinates: []))
        #expect(try rejections(evaluate(bytes, policy([refused]))) == [.anchorConstraint])
    }

    // MARK: Denials

    private func denial(_ subject: DenialSubject, team: TeamName? = nil) -> DenyDocument.Denial {
        DenyDocument.Denial(id: "d1", subject: subject, team: team, reason: "key leaked", issued: Self.now)
    }

    @Test func `every kind of denial rejects, at every level that looks`() async throws {
        let fixture = try await SigningFixture()
        let bytes = try await fixture.sign()
        let policy = try policy([store([fixture.root])], level: .audit)
        let subjects: [DenialSubject] = [
            .certificate(sha256: fixture.leaf.sha256), .certificate(sha256: fixture.root.sha256),
            .key(sha256: Hex.encode(fixture.key.publicKey.fingerprint)),
            .issuerAndSerial(issuer: "CN=Acme root,O=Acme,ST=WA,C=US", serial: fixture.leaf.serialText),
            .identity("x509.subject: C=US, ST=WA, O=Acme, OU=ci"),
        ]
        for subject in subjects {
            #expect(try rejections(evaluate(bytes, policy, denials: [denial(subject)])) == [.denied], "\(subject)")
        }
        let others: [DenialSubject] = [
            .certificate(sha256: String(repeating: "0", count: 64)),
            .issuerAndSerial(issuer: "CN=Other root,O=Acme,ST=WA,C=US", serial: fixture.leaf.serialText),
            .identity("x509.subject: C=US, ST=WA, O=Acme, OU=other"),
        ]
        #expect(try evaluate(bytes, policy, denials: others.map { denial($0) }).isAccepted)
    }

    @Test func `digests and serial numbers are denied in whatever form they were copied`() async throws {
        let fixture = try await SigningFixture()
        let bytes = try await fixture.sign()
        let policy = try policy([store([fixture.root])])
        let issuer = "CN=Acme root,O=Acme,ST=WA,C=US"
        let subjects: [DenialSubject] = [
            .certificate(sha256: fixture.leaf.sha256.uppercased()),
            .key(sha256: Hex.encode(fixture.key.publicKey.fingerprint).uppercased()),
            .issuerAndSerial(issuer: issuer, serial: "00" + fixture.leaf.serialText.uppercased()),
        ]
        for subject in subjects {
            #expect(try rejections(evaluate(bytes, policy, denials: [denial(subject)])) == [.denied], "\(subject)")
        }
    }

    @Test(arguments: ["CN=CI,OU=b,OU=a,O=Acme,ST=WA,C=US", "CN=CI+OU=a,O=Acme,ST=WA,C=US"])
    func `a denied identity does not hide behind an odd subject`(_ subject: String) async throws {
        let fixture = try await SigningFixture(subject: subject)
        let bytes = try await fixture.sign()
        let denials = [denial(.identity("x509.subject: C=US, ST=WA, O=Acme, OU=a"))]
        let policy = try policy([store([fixture.root])])
        #expect(try rejections(evaluate(bytes, policy, denials: denials)) == [.denied])
    }

    @Test func `a denial of one team holds for that team's statements only`() async throws {
        let fixture = try await SigningFixture()
        let team = try TeamName("acme")
        let denied = denial(.certificate(sha256: fixture.leaf.sha256), team: team)
        let bytes = try await fixture.sign()
        let stores = [try store([fixture.root])]
        for (owner, accepted) in [(team, false), (try TeamName("other"), true)] {
            let policy = VerificationPolicy(
                name: "s", team: owner, level: .strict, stores: stores, identities: [.any])
            #expect(try evaluate(bytes, policy, denials: [denied]).isAccepted == accepted)
        }
    }

    // MARK: The artifact as a whole

    private func verify(
        _ envelopes: [[UInt8]], _ policy: VerificationPolicy, denials: [DenyDocument.Denial] = [], maximum: Int = 100
    ) throws -> ArtifactVerdict {
        let manifests = envelopes.map { envelope in
            SignatureManifest(
                descriptor: Descriptor(of: envelope, mediaType: MediaType.imageManifest),
                manifest: Manifest(
                    config: Descriptor(of: [], mediaType: MediaType.notationSignature),
                    layers: [Descriptor(of: envelope, mediaType: MediaType.jws)]))
        }
        let contents = Dictionary(zip(manifests.map(\.descriptor.digest), envelopes), uniquingKeysWith: { $1 })
        return ArtifactVerifier(
            policy: policy, denials: Denials(denials), now: Self.now, maximumSignatures: maximum
        ).verify(try artifact(), signatures: manifests) { (contents[$0.descriptor.digest] ?? [], MediaType.jws) }
    }

    @Test func `the first signature that counts decides`() async throws {
        let (good, bad) = (try await SigningFixture(), try await SigningFixture())
        let policy = try policy([store([good.root])])
        let verdict = try verify([try await bad.sign(), [1, 2, 3], try await good.sign(), [4]], policy)
        #expect(verdict.isAccepted && verdict.signatures.map(\.isAccepted) == [false, false, true])
    }

    @Test func `no more signatures are looked at than allowed`() async throws {
        let (good, bad) = (try await SigningFixture(), try await SigningFixture())
        let envelopes = [try await bad.sign(), try await good.sign()]
        let verdict = try verify(envelopes, try policy([store([good.root])]), maximum: 1)
        #expect(!verdict.isAccepted && verdict.signatures.count == 1)
        #expect(verdict.findings.map(\.code) == [.tooManySignatures])
    }

    @Test func `an artifact without signatures is rejected even in audit`() throws {
        let verdict = try verify([], try policy([store([])], level: .audit))
        #expect(!verdict.isAccepted && verdict.findings.map(\.code) == [.noSignature])
    }

    @Test func `a skipped artifact passes, a denied one never`() throws {
        let skip = try policy([], level: .skip)
        #expect(try verify([], skip).isAccepted)
        let digest = denial(.digest(SigningFixture.artifact.digest))
        #expect(try !verify([], skip, denials: [digest]).isAccepted)
    }

    @Test func `two stores are satisfied by two signers, not by one who signed twice`() async throws {
        let (one, two) = (try await SigningFixture(), try await SigningFixture())
        let both = try policy([store([one.root], "ca:one"), store([two.root], "ca:two")], requiredStores: 2)
        #expect(try verify([try await one.sign(), try await two.sign()], both).isAccepted)
        let twice = try verify([try await one.sign(), try await one.sign()], both)
        #expect(!twice.isAccepted && twice.findings.map(\.code) == [.tooFewStores])
    }

    @Test(arguments: [
        DenialSubject.identity("spiffe://x"), .certificate(sha256: "9f:86"), .key(sha256: "abc"),
        .issuerAndSerial(issuer: "CN=x", serial: "1g"), .digest("9f86"),
    ])
    func `a denial that nobody understands here is an alarm`(_ subject: DenialSubject) throws {
        let strange = DenyDocument.Denial(id: "d9", subject: subject, team: nil, reason: "r", issued: Self.now)
        let verdict = try verify([], try policy([], level: .skip), denials: [strange])
        #expect(verdict.isAccepted && verdict.findings.map(\.code).contains(.unknownDenial))
    }
}
