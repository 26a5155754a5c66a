import Codecs
import PKI
import SigningKeys
import Testing

@testable import ReleaseCriteria

/// Attesters that are known by what a CA says of them, as machines are whose keys are short-lived.
@Suite struct CertificateAttesterTests {
    private typealias CA = CertificateBuilder.Authority<PrivateKey>

    private static let subject = "CN=Builder,O=Acme,ST=WA,C=US"
    private static let rule: JSON = ["attesters": ["builder"], "threshold": 1, "required": ["unit"]]

    /// A leaf with its key and the certificates above it that a signature brings along.
    private struct Identity {
        let key: PrivateKey
        let chain: [Certificate]
    }

    private let now = Fixture.now
    private let auditor: PrivateKey
    private let authority: CA

    init() async throws {
        auditor = try PrivateKey.generate(.ed25519)
        authority = try await Self.ca("CN=Builders,O=Acme,C=US", Fixture.now)
    }

    private static func ca(
        _ subject: String, _ now: UTCDate, _ key: PrivateKey? = nil, years: Int64 = 1
    ) async throws -> CA {
        let key = try key ?? PrivateKey.generate(.ec(.p256))
        let root = try await CertificateBuilder.root(
            subject: try DistinguishedName(subject), signer: key,
            validity: try CertificateBuilder.Validity(from: now.adding(days: -100), days: 365 * years))
        return try CA(certificate: root, signer: key)
    }

    private func identity(
        _ subject: String = subject, by authority: CA? = nil, purpose: ChainPurpose = .codeSigning,
        from start: Int64 = -1, days: Int64 = 2, key: PrivateKey? = nil
    ) async throws -> Identity {
        let (key, authority) = (try key ?? PrivateKey.generate(.ec(.p256)), authority ?? self.authority)
        let leaf = try await CertificateBuilder.leaf(
            purpose, subject: try DistinguishedName(subject), publicKey: key.publicKey, issuer: authority,
            validity: try CertificateBuilder.Validity(from: now.adding(days: start), days: days))
        return Identity(key: key, chain: [leaf])
    }

    private func attesters(
        _ anchors: [Certificate]? = nil, person: String? = nil
    ) throws -> [Attester] {
        let anchors = anchors ?? [authority.certificate]
        return [
            Attester("builder", anchors: anchors, subject: try DistinguishedName(Self.subject), person: person),
            Attester("auditor", key: auditor.publicKey, person: person),
        ]
    }

    private func report(_ identities: [Identity], auditor: PrivateKey? = nil, note: Int64 = 0) async throws -> JSON {
        let payload = Fixture.statement(
            TestReport.type, ["result": "PASSED", "passedTests": ["unit"], "note": .integer(note)])
        var envelope = try await Fixture.envelope(payload, identities.map(\.key) + [auditor].compactMap(\.self))
            .object("it")
        let signatures = try envelope.array("signatures", in: "it")
        envelope["signatures"] = .array(
            try signatures.enumerated().map { index, signature in
                guard index < identities.count else { return signature }
                var signature = try signature.object("it")
                signature["cert"] = .string(identities[index].chain.map(\.pem).joined())
                return .object(signature)
            })
        return .object(envelope)
    }

    private func decide(_ rule: JSON, _ attesters: [Attester], _ evidence: [JSON]) throws -> ReleaseDecision {
        try ReleaseCriteria(["tests": rule], attesters: attesters).judge(
            ReleaseRequest(
                key: "release", caller: "ci", artifact: Fixture.artifact, repository: nil, evidence: evidence, now: now)
        ).decided(Record())
    }

    private func isAllowed(_ identity: Identity, anchors: [Certificate]? = nil) async throws -> Bool {
        try decide(Self.rule, attesters(anchors), [try await report([identity])]).isAllowed
    }

    @Test func `a leaf of the believed subject below the anchor counts, with the root or without`() async throws {
        let leaf = try await identity()
        #expect(try await isAllowed(leaf))
        #expect(try await isAllowed(Identity(key: leaf.key, chain: leaf.chain + [authority.certificate])))
    }

    @Test func `whoever has another subject, CA, use or time does not count`() async throws {
        let foreign = try await Self.ca("CN=Builders,O=Acme,C=US", now)
        let strangers = [
            try await identity("CN=Tester,O=Acme,ST=WA,C=US"),
            try await identity(by: foreign),
            try await identity(purpose: .timestamping),
            try await identity(from: -10, days: 5),
            try await identity(from: 1, days: 5),
        ]
        for stranger in strangers {
            #expect(!(try await isAllowed(stranger)), "\(stranger.chain[0].subject)")
            let whole = Identity(key: stranger.key, chain: stranger.chain + [authority.certificate])
            #expect(!(try await isAllowed(whole)), "\(stranger.chain[0].subject)")
        }
        let good = try await identity()
        #expect(!(try await isAllowed(Identity(key: try PrivateKey.generate(.ec(.p256)), chain: good.chain))))
    }

    @Test func `a CA that was rolled over is believed by both of its anchors, in any order`() async throws {
        let renewed = try await Self.ca("CN=Builders,O=Acme,C=US", now)
        let anchors = [authority.certificate, renewed.certificate]
        for identity in [try await identity(), try await identity(by: renewed)] {
            #expect(try await isAllowed(identity, anchors: anchors))
            #expect(try await isAllowed(identity, anchors: anchors.reversed()))
        }
    }

    @Test func `two keys of one attester are one voice`() async throws {
        let rule: JSON = ["attesters": ["builder", "auditor"], "threshold": 2, "required": ["unit"]]
        let identities = [try await identity(), try await identity()]
        let alone = try decide(rule, attesters(), [try await report(identities)])
        #expect(alone.missing == ["tests.attesters"])
        #expect(alone.findings.last?.found == "builder")
        let apart = [try await report([identities[0]]), try await report([identities[1]], note: 1)]
        #expect(try decide(rule, attesters(), apart).missing == ["tests.attesters"])
        let both = try await report([identities[0]], auditor: auditor)
        #expect(try decide(rule, attesters(), [both]).isAllowed)
    }

    @Test func `two attesters who are one person are one voice`() async throws {
        let two: JSON = ["attesters": ["builder", "auditor"], "threshold": 2, "required": ["unit"]]
        #expect(throws: CriteriaError(.configuration, "")) {
            try decide(two, attesters(person: "ann@example.com"), [])
        }
        var people = try attesters(person: "ann@example.com")
        people.append(Attester("other", key: try PrivateKey.generate(.ed25519).publicKey))
        let rule: JSON = ["attesters": ["builder", "auditor", "other"], "threshold": 2, "required": ["unit"]]
        let evidence = try await report([try await identity()], auditor: auditor)
        #expect(try decide(rule, people, [evidence]).missing == ["tests.attesters"])
    }

    @Test func `a key with certificates of two attesters is one voice`() async throws {
        let key = try PrivateKey.generate(.ec(.p256))
        let second = "CN=Auditor,O=Acme,ST=WA,C=US"
        let people =
            try attesters().prefix(1) + [
                Attester("second", anchors: [authority.certificate], subject: try DistinguishedName(second))
            ]
        let rule: JSON = ["attesters": ["builder", "second"], "threshold": 2, "required": ["unit"]]
        let evidence = [
            try await report([try await identity(key: key)]),
            try await report([try await identity(second, key: key)], note: 1),
        ]
        #expect(try decide(rule, Array(people), evidence).missing == ["tests.attesters"])
        let other = try await report([try await identity(second)], note: 2)
        #expect(try decide(rule, Array(people), evidence + [other]).isAllowed)
    }

    @Test func `certificates of a signature that does not hold are not even read`() async throws {
        let good = try await identity()
        var evidence: [JSON] = []
        for piece in 0..<Evidence.maximumPieces {
            var envelope = try await report([try await identity()], note: Int64(piece)).object("it")
            var signature = try envelope.array("signatures", in: "it")[0].object("it")
            signature["sig"] = "AAAA"
            envelope["signatures"] = .array([.object(signature)])
            evidence.append(.object(envelope))
        }
        evidence[Evidence.maximumPieces - 1] = try await report([good])
        let decision = try decide(Self.rule, attesters(), evidence)
        #expect(decision.isAllowed)
        #expect(decision.ignored.allSatisfy { $0.contains("no attester") })
    }

    @Test func `no more chains are checked than a build has any use for`() async throws {
        let foreign = try await Self.ca("CN=Builders,O=Acme,C=US", now)
        let stranger = try PrivateKey.generate(.ec(.p256))
        var evidence: [JSON] = []
        for piece in 0..<ChainChecks.maximumChains {
            let identity = try await identity(by: foreign, key: stranger)
            evidence.append(try await report([identity, identity], note: Int64(piece)))
        }
        let good = try await report([try await identity()])
        #expect(try decide(Self.rule, attesters(), [good] + evidence.dropLast()).isAllowed)
        let late = try decide(Self.rule, attesters(), evidence + [good])
        #expect(late.missing == ["tests.attesters"])
        #expect(late.ignored.last?.contains("more than 16 certificate chains") == true)
    }
}
