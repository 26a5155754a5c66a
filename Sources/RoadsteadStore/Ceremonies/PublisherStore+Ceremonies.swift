package import Codecs
import PostgresKit
package import TrustModel

extension PublisherStore {
    /// Ends ceremonies that nobody completed in their week, and deletes the private keys that no ceremony will ever use.
    package func expireCeremonies(now: UTCDate) async throws {
        try await pool.withTransaction(attempts: 4) { transaction in
            let audit = Self.audit(transaction, now)
            for ended in try await transaction.fetchAll(VoidExpiredCeremonies(now: now)) {
                try await audit.record(
                    .ceremonyVoided, "ceremony:\(ended.ceremony)", fleet: ended.fleet,
                    detail: ["reason": .string("expired")])
            }
            for keyID in try await Self.retireStrayKeys(transaction, now) {
                try await audit.record(.keyRetired, keyID)
            }
        }
    }

    /// Ends a closed ceremony that can never be published, because what it was to follow is no longer the newest.
    ///
    /// - Returns: why; nil when it can still be published.
    package func voidIfMoved(_ ceremony: Int64, in name: FleetName, now: UTCDate) async throws -> String? {
        try await pool.withTransaction(attempts: 4) { transaction in
            let fleet = try await transaction.lockFleet(name)
            let current = try await transaction.fetchOptional(FetchCurrentCeremony(fleet: fleet.id))
            guard let current, current.ceremony == ceremony, current.state == .closed, current.release == nil else {
                return nil
            }
            let drafts = try await transaction.fetchAll(ListMetadataDrafts(ceremony: ceremony))
                .filter { $0.fleet == fleet.id }.map(\.draft)
            guard let reason = try await transaction.movedBase(of: drafts, fleet: fleet.id) else { return nil }
            try await transaction.execute(VoidCeremonyFleet(ceremony: ceremony, fleet: fleet.id, reason: reason))
            let audit = Self.audit(transaction, now)
            try await audit.record(
                .ceremonyVoided, "ceremony:\(ceremony)", fleet: name, detail: ["reason": .string(reason)])
            for keyID in try await Self.retireStrayKeys(transaction, now) {
                try await audit.record(.keyRetired, keyID)
            }
            return reason
        }
    }
}
