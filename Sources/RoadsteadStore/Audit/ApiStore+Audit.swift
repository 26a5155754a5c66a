import Codecs
import PostgresKit
import TrustModel

extension ApiStore {
    /// Entries after a number, in order: all, or those of every team and fleet whose part of the log the reader may see.
    package func auditEvents(_ page: PageRequest) async throws -> KeysetPage<AuditEntry> {
        let query = ListAuditEvents(after: try page.numberAfter(), readable: reader.audit, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit) { String($0.sequence) }
    }

    /// Computes every hash anew, in one state of the database, and compares the end with the head.
    package func verifyAudit(batch: Int = 1_000) async throws -> AuditChain {
        try await pool.withTransaction(isolation: .repeatableRead, access: .readOnly) { transaction in
            let head = try await transaction.fetchOne(FetchAuditHead())
            var (last, hash) = (Int64(0), AuditEntry.firstPreviousHash)
            while true {
                let query = ListAuditEvents(after: last, readable: .everything, limit: batch)
                let entries = try await transaction.fetchAll(query)
                for entry in entries {
                    guard entry.sequence == last + 1, entry.previousHash == hash,
                        entry.hash == entry.expectedHash(after: hash)
                    else { return AuditChain(entries: last, head: Hex.encode(hash), firstBroken: last + 1) }
                    (last, hash) = (entry.sequence, entry.hash)
                }
                if entries.count < batch { break }
            }
            let isWhole = head.sequence == last && head.hash == hash
            return AuditChain(entries: last, head: Hex.encode(hash), firstBroken: isWhole ? nil : last + 1)
        }
    }
}
