import Codecs
import Envelopes
import OCI
import ReleaseCriteria
import SigningKeys
import Testing

@testable import RoadsteadSigner

/// Evidence that takes long to check holds up whoever hands it over, and nobody else.
@Suite(.serialized) struct JudgesTests {
    @Test func `a caller with much evidence waits in its own lane, and is shed where that is full`() async throws {
        try await Scene.with { scene in
            let rule: JSON = ["attestations": [["predicateType": "a", "attesters": ["builder"], "threshold": 1]]]
            let criteria = try ReleaseCriteria(
                rule, attesters: [Attester("builder", key: scene.builder.publicKey)])
            var evidence: [JSON] = []
            for number: Int64 in 0..<32 {
                evidence.append(
                    try await scene.envelope(
                        "a", ["number": .integer(number)], by: scene.builder, about: Scene.artifact()))
            }
            let (pieces, artifact) = (evidence, try Digest(Scene.artifact().digest))
            func request(_ caller: String) -> ReleaseRequest {
                ReleaseRequest(
                    key: "release", caller: caller, artifact: artifact, repository: nil, evidence: pieces,
                    now: scene.now)
            }
            let judges = Judges(mostWaiting: 3)
            let (greedy, modest) = (request("greedy"), request("modest"))
            let flood = Task {
                await withTaskGroup(of: SignerError.Code?.self) { group in
                    for _ in 0..<100 {
                        group.addTask {
                            do {
                                _ = try await judges.judge(greedy, by: criteria)
                                return nil
                            } catch { return (error as? SignerError)?.code }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
            }
            for _ in 0..<3 { _ = try await judges.judge(modest, by: criteria) }
            let codes = await flood.value
            #expect(codes.count { $0 == nil } >= 3)
            #expect(codes.count { $0 == .overload } > 0)
            #expect(codes.allSatisfy { $0 == nil || $0 == .overload })
        }
    }
}
