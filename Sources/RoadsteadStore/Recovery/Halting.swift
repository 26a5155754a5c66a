package import Codecs
import PostgresKit
package import TrustModel

extension PublisherStore {
    /// Stops publishing a fleet because of what this server's disk shows.
    ///
    /// - Returns: whether it had not stopped before.
    package func halt(_ fleet: FleetName, reason: String, now: UTCDate) async throws -> Bool {
        try await pool.withTransaction(attempts: 4) { transaction in
            try await transaction.halt(
                HaltRecord(fleet: fleet, source: .disk, reason: reason, noticed: now), by: .publisher)
        }
    }
}

extension HostStore {
    /// Keeps what a host showed and stops publishing its fleet. The caller has verified it by the fleet's own roots.
    ///
    /// - Returns: whether publishing had not stopped before.
    package func keepEvidence(
        _ evidence: HostEvidence, reason: String, from host: HostRecord, now: UTCDate
    ) async throws -> Bool {
        try await pool.withTransaction(attempts: 4) { transaction in
            _ = try await transaction.fetchOptional(
                InsertHostEvidence(
                    host: host.id, timestampSHA256: evidence.timestampSHA256,
                    timestampVersion: evidence.timestampVersion, bytes: evidence.bytes, signature: evidence.signature,
                    now: now))
            return try await transaction.halt(
                HaltRecord(fleet: host.fleet, source: .host, reason: reason, noticed: now), by: .host(host.id))
        }
    }
}

/// What a host showed, to be kept as it was signed.
package struct HostEvidence: Sendable {
    package let bytes: [UInt8]
    package let signature: [UInt8]
    package let timestampVersion: Int64
    package let timestampSHA256: String

    package init(bytes: [UInt8], signature: [UInt8], timestampVersion: Int64, timestampSHA256: String) {
        self.bytes = bytes
        self.signature = signature
        self.timestampVersion = timestampVersion
        self.timestampSHA256 = timestampSHA256
    }
}

extension Transaction {
    fileprivate func halt(_ halt: HaltRecord, by actor: AuditActor) async throws -> Bool {
        guard try await fetchOptional(InsertHalt(halt: halt)) != nil else { return false }
        try await AuditWriter(transaction: self, actor: actor, now: halt.noticed).record(
            .fleetHalted, halt.fleet, fleet: halt.fleet,
            detail: ["reason": .string(halt.reason), "source": .string(halt.source.rawValue)])
        return true
    }
}
