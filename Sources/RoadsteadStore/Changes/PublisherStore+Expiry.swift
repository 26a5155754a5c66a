package import Codecs
import PostgresKit
import TrustModel

extension PublisherStore {
    /// Ends open changes that are past their time.
    ///
    /// - Returns: their numbers.
    @discardableResult
    package func expireChanges(now: UTCDate) async throws -> [Int64] {
        try await pool.withTransaction(attempts: 4) { transaction in
            var expired: [Int64] = []
            for number in try await transaction.fetchAll(ListOverdueChanges(now: now)) {
                guard let change = try await transaction.fetchOptional(LockChange(number: number)),
                    change.state.isOpen, change.expires <= now
                else { continue }
                try await transaction.execute(
                    MoveChange(
                        number: number, from: change.state, to: .expired, note: "expired at \(change.expires)",
                        now: now))
                let audit = AuditWriter(transaction: transaction, actor: .server(requestID: nil), now: now)
                try await audit.record(.changeExpired, "C-\(number)", team: change.team)
                expired.append(number)
            }
            return expired
        }
    }
}
