import Foundation
import ReleaseCriteria
import Synchronization

/// Judges evidence on threads that do nothing else, a few for each caller: evidence that is costly to check holds up whoever
/// hands it over, and neither other callers nor the service's own answers.
final class Judges: Sendable {
    private let lanes = Mutex<[String: OperationQueue]>([:])

    /// Requests of one caller that are judged at once.
    static let atOnce = 2
    /// Requests of one caller that are judged or wait for it; more are shed.
    private let mostWaiting: Int

    init(mostWaiting: Int = 128) { self.mostWaiting = mostWaiting }

    func judge(_ request: ReleaseRequest, by criteria: ReleaseCriteria) async throws -> Judgement {
        // Without evidence there is nothing to do that takes time.
        guard !request.evidence.isEmpty else { return try criteria.judge(request) }
        let lane = lane(request.caller)
        guard lane.operationCount < mostWaiting else {
            throw SignerError(
                .overload, "\(mostWaiting) requests of \(request.caller) wait to be judged", hint: "try again")
        }
        return try await withCheckedThrowingContinuation { continuation in
            lane.addOperation {
                do { continuation.resume(returning: try criteria.judge(request)) } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// Callers are those of the configuration, so there are no more lanes than that.
    private func lane(_ caller: String) -> OperationQueue {
        lanes.withLock { lanes in
            if let known = lanes[caller] { return known }
            let new = OperationQueue()
            new.name = "roadstead.signer.judge"
            new.maxConcurrentOperationCount = Self.atOnce
            lanes[caller] = new
            return new
        }
    }
}
