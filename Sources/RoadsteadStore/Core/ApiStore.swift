import Codecs
package import PostgresKit
import TrustModel

/// The store as the API sees it: everything that people do, in one transaction each with its audit event.
///
/// It acts as the database role of the API, which can neither add an anchor nor publish.
package struct ApiStore: Sendable {
    let pool: ConnectionPool
    let inspector: AnchorInspector

    package init(pool: ConnectionPool, inspector: AnchorInspector = .certificates) {
        self.pool = pool
        self.inspector = inspector
    }

    /// The files of fleets, for serving.
    package var files: PublishedFiles { PublishedFiles(pool: pool) }
}

extension ApiStore {
    /// What an operation works with once the caller is known and allowed.
    struct Work {
        let transaction: Transaction
        let authority: Authority
        let audit: AuditWriter
    }

    /// Runs an operation of a person in one transaction; it is run again when it meets a concurrent one.
    func work<Result>(
        _ actor: Actor, _ permission: Permission?, now: UTCDate, _ body: (Work) async throws -> Result
    ) async throws -> Result {
        try await pool.withTransaction(attempts: 4) { transaction in
            let authority = try await Authority.fetch(actor, on: transaction, now: now)
            if let permission { try authority.require(permission) }
            let audit = AuditWriter(transaction: transaction, actor: .person(actor), now: now)
            let result = try await body(Work(transaction: transaction, authority: authority, audit: audit))
            if let claim = ClaimedKey.current {
                try await transaction.execute(MarkExecuted(claim: claim, now: now))
            }
            return result
        }
    }
}
