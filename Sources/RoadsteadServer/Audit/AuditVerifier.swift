import Codecs
import Problems
import RoadsteadPublish
import RoadsteadStore
import TUF
import TrustModel

/// Holds the audit log against itself and against what the fleets have signed of it.
struct AuditVerifier: Sendable {
    /// Snapshots that are in memory at once.
    private static let batch = 16

    let store: PublisherStore

    /// - Throws: never for what is wrong with the log: that is the answer.
    func verify() async throws -> AuditChain {
        let (heads, broken) = try await heads()
        let chain = try await store.verifyAudit(heads)
        guard chain.isIntact, let broken else { return chain }
        return AuditChain(chain, broken: broken)
    }

    /// What every fleet has signed of the log, and the first thing that was not signed by whose name it bears.
    private func heads() async throws -> ([SignedAuditHead], AuditTrail.Break?) {
        var (heads, broken): ([SignedAuditHead], AuditTrail.Break?) = ([], nil)
        for fleet in try await store.files.heads().map(\.fleet).sorted(by: { $0.rawValue < $1.rawValue }) {
            guard case .present(let id) = try await store.files.standing(of: fleet) else { continue }
            do {
                heads += try await self.heads(of: fleet, id)
            } catch let error as any Problem where error is PublishError || error is TUFError {
                broken = broken ?? AuditTrail.Break(sequence: 1, reason: error.reason)
            }
        }
        return (heads, broken)
    }

    private func heads(of fleet: FleetName, _ id: FleetID) async throws -> [SignedAuditHead] {
        var signature = try AuditCountersignature(
            fleet: fleet, id: id, rootFiles: try await store.files.roots(of: fleet).map(\.bytes))
        var (heads, last): ([SignedAuditHead], Int64) = ([], 0)
        while true {
            let files = try await store.files.snapshots(of: fleet, after: last, limit: Self.batch)
            for file in files {
                if let head = try signature.head(in: file.bytes, release: file.version) { heads.append(head) }
                last = file.version
            }
            guard files.count < Self.batch else { continue }
            try signature.finish()
            return heads
        }
    }
}
