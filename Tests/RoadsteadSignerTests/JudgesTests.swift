import Codecs
import Envelopes
import OCI
import ReleaseCriteria
import SigningKeys
import Synchronization
import Testing

@testable import RoadsteadSigner

/// Evidence that takes long to check holds up whoever hands it over, and nobody else.
@Suite(.serialized) struct JudgesTests {
    private final class Count: Sendable {
        let value = Mutex(0)
    }

    @Test func `a caller with much evidence waits in its own lane, and is shed where that is full`() async throws {
        try await Scene.with { scene in
            let rule: JSON = ["attestations": [["predicateType": "a", "attesters": ["builder"], "threshold": 1]]]
            let criteria = try ReleaseCriteria(
                rule, attesters: [Attester("builder", key: scene.builder.publicKey)])
            var evidence: [JSON] = []
            for number: Int64 in 0..<4 {
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
            let judges = Judges()
            let judged = Count()
            let greedy = request("greedy")
            let flood = Task {
                await withTaskGroup(of: SignerError.Code?.self) { group in
                    for _ in 0..<Judges.mostWaiting * 2 {
                        group.addTask {
                            do {
                                _ = try await judges.judge(greedy, by: criteria)
                                judged.value.withLock { $0 += 1 }
                                return nil
                            } catch { return (error as? SignerError)?.code }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
            }
            for _ in 0..<10_000 where judged.value.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(1)) }
            _ = try await judges.judge(request("modest"), by: criteria)
            #expect(judged.value.withLock { $0 } < Judges.mostWaiting)
            let codes = await flood.value
            #expect(codes.count { $0 == nil } >= Judges.mostWaiting)
            #expect(codes.count { $0 == .overload } > 0)
        }
    }
}
