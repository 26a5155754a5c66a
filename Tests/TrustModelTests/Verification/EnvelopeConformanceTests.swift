import Codecs
import Envelopes
import OCI
import PKI
import TestVectors
import Testing

@testable import TrustModel

/// Signatures that others made, held against a store of their roots.
@Suite struct EnvelopeConformanceTests {
    @Test func `every signature is judged as it should be`() throws {
        guard let cases = try TestVectors.cases("x509/envelopes.jsonl.gz") else { return }
        var judged = 0
        for json in cases {
            let vector = try json.object("case")
            let (id, expect) = (try vector.string("id", in: ""), try vector.string("expect", in: ""))
            guard expect != "either" else { continue }
            let verdict = try evaluate(try vector.object("in", in: ""))
            #expect(verdict.isAccepted == (expect == "valid"), "\(id): \(verdict.findings.map(\.found))")
            judged += 1
        }
        #expect(judged == 19)
    }

    private func evaluate(_ input: JSONObject) throws -> SignatureVerdict {
        let mediaType = try input.string("mediaType", in: "")
        let bytes = try Base64.decode(try input.string("envelope", in: ""))
        let roots = try input.array("roots", in: "").flatMap {
            try Certificate.parse(pemOrDER: Array($0.string("").utf8))
        }
        let name = try NamedStore("\(try input.string("store", in: "")):x")
        let policy = VerificationPolicy(
            name: "x", level: .strict, stores: [TrustStore(name, anchors: roots.map { .init($0) })], identities: [.any])
        let now = UTCDate(seconds: try input.integer("at", in: ""))
        // The artifact is not at hand: the signature is taken at its word.
        let target = EnvelopeFormat(mediaType: mediaType)
            .flatMap { try? UnverifiedEnvelope(parsing: bytes, format: $0).payload }
            .flatMap { try? TargetArtifact(payload: $0) }
        let artifact = Descriptor(
            mediaType: target?.mediaType ?? "a/b",
            digest: try Digest(target?.digest ?? "sha256:" + String(repeating: "0", count: 64)), size: target?.size ?? 0
        )
        return SignatureEvaluator(policy: policy, now: now).evaluate(bytes, mediaType: mediaType, artifact: artifact)
    }
}
