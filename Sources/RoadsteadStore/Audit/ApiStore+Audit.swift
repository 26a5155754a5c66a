import Codecs
import PostgresKit
package import TrustModel

extension ApiStore {
    /// Entries after a number, in order: all, or those of every team and fleet whose part of the log the reader may see.
    ///
    /// - Parameters:
    ///   - upTo: the last number that is wanted, for reading a log in pieces while it grows.
    ///   - readable: the part of the log; the reader's unless given.
    package func auditEvents(
        _ page: PageRequest, _ filter: AuditFilter = AuditFilter(), upTo: Int64 = .max,
        within readable: ReadableAudit? = nil
    ) async throws -> KeysetPage<AuditEntry> {
        let query = ListAuditEvents(
            after: try page.numberAfter(), upTo: upTo, filter: filter, readable: readable ?? reader.audit,
            limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { String($0.sequence) }
    }

    /// Where the log ends.
    package func auditHead() async throws -> AuditHead { try await pool.fetchOne(FetchAuditHead()) }
}

extension PublisherStore {
    /// Computes every hash anew and holds the log against its head and what releases have signed of it.
    ///
    /// The server does it for itself, with all of the log, whoever asks.
    package func verifyAudit(_ heads: [SignedAuditHead] = [], batch: Int = 1_000) async throws -> AuditChain {
        try await pool.verifiedAudit(heads, batch: batch)
    }
}

extension ConnectionPool {
    /// Follows the log in one state of the database, a batch at a time.
    fileprivate func verifiedAudit(_ heads: [SignedAuditHead], batch: Int) async throws -> AuditChain {
        try await withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let head = try await transaction.fetchOne(FetchAuditHead())
            var trail = AuditTrail(heads: heads)
            while true {
                let entries = try await transaction.fetchAll(
                    ListAuditEvents(after: trail.last.sequence, limit: batch))
                for entry in entries {
                    if let broken = trail.take(entry) { return AuditChain(trail, broken: broken) }
                }
                if entries.count < batch { break }
            }
            return AuditChain(trail, broken: trail.end(at: head))
        }
    }
}
