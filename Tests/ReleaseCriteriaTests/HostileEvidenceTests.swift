import Codecs
import OCI
import SigningKeys
import Testing

@testable import ReleaseCriteria

/// Evidence as somebody would hand it over who wants a signature and has no right to it.
@Suite struct HostileEvidenceTests {
    private let fixture: Fixture
    private let criteria: JSON = ["provenance": Fixture.provenanceRule]

    init() throws { fixture = try Fixture() }

    private func good() async throws -> JSON {
        try await Fixture.envelope(Fixture.statement(Provenance.versionOne, Fixture.provenance()), [fixture.builder])
    }

    private func refusal(_ evidence: [JSON]) throws -> String {
        let decision = try fixture.decide(criteria, evidence)
        #expect(!decision.isAllowed)
        #expect(decision.missing == ["provenance.attesters"])
        return decision.ignored.joined(separator: "; ")
    }

    @Test func `no evidence allows nothing`() throws {
        #expect(try refusal([]).isEmpty)
    }

    @Test func `a statement about another artifact does not count`() async throws {
        let payload = Fixture.statement(
            Provenance.versionOne, Fixture.provenance(), about: Digest(of: Array("another".utf8)))
        let evidence = try await Fixture.envelope(payload, [fixture.builder])
        #expect(try refusal([evidence]).contains("another artifact"))
    }

    @Test func `a digest of another algorithm does not count`() async throws {
        let payload = Fixture.statement(
            Provenance.versionOne, Fixture.provenance(), about: Digest(of: Array("an image".utf8), algorithm: .sha512))
        let evidence = try await Fixture.envelope(payload, [fixture.builder])
        #expect(try refusal([evidence]).contains("another artifact"))
    }

    @Test func `a stranger's signature does not count, whatever its key id says`() async throws {
        let payload = Fixture.statement(Provenance.versionOne, Fixture.provenance())
        let evidence = try await Fixture.envelope(payload, [try PrivateKey.generate(.ed25519)])
        #expect(try refusal([evidence]).contains("no attester"))
    }

    @Test func `an attester of something else does not count`() async throws {
        let payload = Fixture.statement(Provenance.versionOne, Fixture.provenance())
        let evidence = try await Fixture.envelope(payload, [fixture.other])
        #expect(try refusal([evidence]).isEmpty)
    }

    @Test func `a payload that was changed after signing does not count`() async throws {
        var evidence = try await good().object("it")
        let other = Fixture.statement(Provenance.versionOne, Fixture.provenance(ref: "refs/tags/v2"))
        evidence["payload"] = .string(Base64.encode(other))
        #expect(try refusal([.object(evidence)]).contains("no attester"))
    }

    @Test func `a signature over the payload alone does not count`() async throws {
        let payload = Fixture.statement(Provenance.versionOne, Fixture.provenance())
        let bytes = try await fixture.builder.signature(over: payload, scheme: .ed25519)
        let evidence: JSON = [
            "payloadType": .string(Statement.payloadType), "payload": .string(Base64.encode(payload)),
            "signatures": [["sig": .string(Base64.encode(bytes))]],
        ]
        #expect(try refusal([evidence]).contains("no attester"))
    }

    @Test func `another payload type does not count`() async throws {
        let payload = Fixture.statement(Provenance.versionOne, Fixture.provenance())
        let evidence = try await Fixture.envelope(payload, [fixture.builder], payloadType: "application/json")
        #expect(try refusal([evidence]).contains("payload's type"))
    }

    @Test func `a predicate of an unknown type does not count`() async throws {
        let payload = Fixture.statement("https://slsa.dev/provenance/v9", Fixture.provenance())
        let evidence = try await Fixture.envelope(payload, [fixture.builder])
        #expect(try refusal([evidence]).isEmpty)
    }

    @Test func `a statement of an unknown version does not count`() async throws {
        let payload = Fixture.statement(
            Provenance.versionOne, Fixture.provenance(), version: "https://in-toto.io/Statement/v2")
        let evidence = try await Fixture.envelope(payload, [fixture.builder])
        #expect(try refusal([evidence]).contains("v1 or v0.1"))
    }

    @Test func `a member that stands twice is refused where a lenient reader would take one of the two`() async throws {
        let text = String(decoding: Fixture.statement(Provenance.versionOne, Fixture.provenance()), as: UTF8.self)
        let payload = Array(text.replacing(#""predicateType":"#, with: #""predicateType":"x","predicateType":"#).utf8)
        let evidence = try await Fixture.envelope(payload, [fixture.builder])
        #expect(try refusal([evidence]).contains("twice"))
    }

    @Test func `a stranger's text is cut before it is said, whatever its characters are`() async throws {
        let name = "a" + String(repeating: "\u{301}", count: 300_000)
        let payload = Array("{\"\(name)\":1,\"\(name)\":2}".utf8)
        let piece = try await Fixture.envelope(payload, [try PrivateKey.generate(.ed25519)])
        let decision = try fixture.decide(criteria, [piece, piece])
        #expect(decision.ignored.count == 2)
        #expect(decision.ignored.allSatisfy { $0.contains("twice") && $0.utf8.count < 1_500 })
    }

    @Test func `a finding that a service sends is a stranger's text too`() throws {
        let long = String(repeating: "x", count: 10_000)
        let sent: JSON = ["criterion": "a\u{1B}", "wanted": "b\u{202E}", "found": .string(long), "holds": true]
        let finding: CriterionFinding = try sent.decode(place: "it")
        #expect([finding.criterion, finding.wanted] == ["a?", "b?"])
        #expect(finding.found.utf8.count == 300)
    }

    @Test func `deep nesting is refused`() async throws {
        let depth = 200
        let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let text = String(decoding: Fixture.statement(Provenance.versionOne, Fixture.provenance()), as: UTF8.self)
        let payload = Array(text.replacing(#""predicate":{"#, with: #""predicate":{"x":\#(nested),"#).utf8)
        let evidence = try await Fixture.envelope(payload, [fixture.builder])
        #expect(try refusal([evidence]).contains("nested deeper"))
    }

    @Test func `what is too large is refused before it is read`() async throws {
        var predicate = try Fixture.provenance().object("it")
        predicate["padding"] = .string(String(repeating: "x", count: DSSEEnvelope.maximumBytes))
        let evidence = try await Fixture.envelope(
            Fixture.statement(Provenance.versionOne, .object(predicate)), [fixture.builder])
        #expect(try refusal([evidence]).contains("more than"))
        let many = [JSON](repeating: try await good(), count: Evidence.maximumPieces + 1)
        #expect(throws: CriteriaError(.limit, "")) { try fixture.decide(criteria, many) }
    }

    @Test func `too many signatures are refused`() async throws {
        let payload = Fixture.statement(Provenance.versionOne, Fixture.provenance())
        let keys = [PrivateKey](repeating: fixture.builder, count: DSSEEnvelope.maximumSignatures + 1)
        #expect(try refusal([try await Fixture.envelope(payload, keys)]).contains("9 signatures"))
    }

    @Test func `two signatures of one key are one voice`() async throws {
        let rule: JSON = [
            "attesters": ["builder", "other"], "threshold": 2, "required": ["unit"],
        ]
        let payload = Fixture.statement(TestReport.type, ["result": "PASSED", "passedTests": ["unit"]])
        let twice = try await Fixture.envelope(payload, [fixture.builder, fixture.builder])
        #expect(try fixture.decide(["tests": rule], [twice]).missing == ["tests.attesters"])
        let again = try await Fixture.envelope(payload + [0x20], [fixture.builder])
        #expect(try fixture.decide(["tests": rule], [twice, again]).missing == ["tests.attesters"])
        let both = try await Fixture.envelope(payload, [fixture.builder, fixture.other])
        #expect(try fixture.decide(["tests": rule], [both]).isAllowed)
    }

    @Test func `good evidence counts beside pieces that cannot be read`() async throws {
        let decision = try fixture.decide(criteria, ["nonsense", [:], try await good()])
        #expect(decision.isAllowed)
        #expect(decision.ignored.count == 2)
    }
}
