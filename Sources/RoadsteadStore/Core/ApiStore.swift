package import Codecs
package import PostgresKit
package import TrustModel

/// The store as the API sees it: everything that people do, in one transaction each with its audit event.
///
/// It acts as the database role of the API, which can neither add an anchor nor publish.
package struct ApiStore: Sendable {
    private let connections: ConnectionPool
    let inspector: AnchorInspector
    /// Refuses what the guards would refuse to publish; nil asks them only when a change is published.
    let guards: Guards?
    /// Who reads by this value; without one it is whoever the task reads for.
    private var fixedReader: Reader?

    package typealias Guards = @Sendable (ChangeContent, Actor, UTCDate) async throws -> Void

    package init(pool: ConnectionPool, inspector: AnchorInspector = .certificates, guards: Guards? = nil) {
        connections = pool
        self.inspector = inspector
        self.guards = guards
    }

    /// The same store, whose reads are always this reader's.
    package func reading(as reader: Reader) -> ApiStore {
        var store = self
        store.fixedReader = reader
        return store
    }

    /// Who reads now.
    var reader: Reader { fixedReader ?? .current }

    /// What the reader may have of the database.
    var pool: PersonalPool { pool(of: reader.person) }

    func pool(of person: PersonID?) -> PersonalPool { PersonalPool(pool: connections, person: person) }

    /// The files of fleets, for serving.
    package var files: PublishedFiles { PublishedFiles(pool: connections) }
}

extension ApiStore {
    /// What an operation works with once the caller is known and allowed.
    struct Work {
        let transaction: Transaction
        let authority: Authority
        let audit: AuditWriter
    }

    /// Runs an operation of a person in one transaction; it is run again when it meets a concurrent one.
    ///
    /// - Parameter claims: whether it is what the request's `Idempotency-Key` stands for.
    func work<Result>(
        _ actor: Actor, _ permission: Permission?, now: UTCDate, claims: Bool = true,
        _ body: (Work) async throws -> Result
    ) async throws -> Result {
        try await pool(of: actor.person).withTransaction(attempts: 4) { transaction in
            let authority = try await Authority.fetch(actor, on: transaction, now: now)
            if let permission { try authority.require(permission) }
            let audit = AuditWriter(transaction: transaction, actor: .person(actor), now: now)
            let result = try await body(Work(transaction: transaction, authority: authority, audit: audit))
            if claims, let claim = ClaimedKey.current {
                try await transaction.execute(MarkExecuted(claim: claim, now: now))
            }
            return result
        }
    }
}
