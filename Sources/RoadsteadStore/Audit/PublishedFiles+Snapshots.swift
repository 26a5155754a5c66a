import PostgresKit
package import TrustModel

extension PublishedFiles {
    /// Published snapshots of a fleet after a version, in order: each countersigns the audit log.
    package func snapshots(
        of fleet: FleetName, after version: Int64, limit: Int
    ) async throws -> [(version: Int64, bytes: [UInt8])] {
        try await pool.fetchAll(ListSnapshots(fleet: fleet, after: version, limit: limit))
    }
}

struct ListSnapshots: Query {
    static let sql = """
        SELECT p.version, c.bytes FROM published_file p JOIN fleet f ON f.id = p.fleet_id
            JOIN published_content c ON c.sha256 = p.sha256
        WHERE f.name = $1 AND p.role = 'snapshot' AND p.release <= f.published_release AND p.version > $2
        ORDER BY p.version LIMIT $3
        """
    let fleet: FleetName
    let after: Int64
    let limit: Int
    var bindings: [Binding] { [.text(fleet.rawValue), .int(after), .int(limit)] }
    func decode(_ row: Row) throws -> (version: Int64, bytes: [UInt8]) {
        (try row.value("version"), try row.value("bytes"))
    }
}
