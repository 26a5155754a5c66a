import PostgresKit
package import TrustModel

extension PublishedFiles {
    /// What the database holds of some versions of a fleet's roles, and how far each role has come.
    package func versions(
        _ asked: [(role: String, version: Int64)], of fleet: FleetName
    ) async throws -> VersionRecords {
        var digests: [String: [Int64: Set<String>]] = [:]
        for found in try await pool.fetchAll(ListVersionDigests(fleet: fleet, asked: asked)) {
            digests[found.role, default: [:]][found.version, default: []].insert(found.sha256)
        }
        let highest = try await pool.fetchAll(ListHighestVersions(fleet: fleet)).map { ($0.role, $0.version) }
        return VersionRecords(digests: digests, highest: Dictionary(highest, uniquingKeysWith: max))
    }

    package func standing(of fleet: FleetName) async throws -> FleetStanding {
        try await pool.fetchOptional(FetchFleetStanding(fleet: fleet)) ?? .unknown
    }

    /// Fleets whose publishing has stopped, or one of them.
    package func halts(of fleet: FleetName? = nil) async throws -> [HaltRecord] {
        try await pool.fetchAll(ListHalts(fleet: fleet))
    }

    /// Every root of a fleet, in order.
    package func roots(of fleet: FleetName) async throws -> [PublishedFile] {
        try await pool.fetchAll(ListServedRoots(fleet: fleet))
    }
}
