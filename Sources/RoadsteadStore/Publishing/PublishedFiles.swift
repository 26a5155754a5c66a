package import PostgresKit
package import TrustModel

/// The files of fleets as anybody may read them.
package struct PublishedFiles: Sendable {
    let pool: ConnectionPool

    package init(pool: ConnectionPool) { self.pool = pool }

    /// The file at a path below the fleet, such as `metadata/timestamp.json`; nil when there is none.
    package func file(_ path: String, of fleet: FleetName) async throws -> PublishedFile? {
        try await pool.fetchOptional(FetchFile(fleet: fleet, path: path))
    }

    /// The version of the timestamp that is served; 0 before the first release.
    package func timestampVersion(of fleet: FleetName) async throws -> Int64 {
        guard let version = try await pool.fetchOptional(FetchTimestampVersion(fleet: fleet)) else {
            throw StoreError.noSuch("fleet", fleet)
        }
        return version
    }
}
