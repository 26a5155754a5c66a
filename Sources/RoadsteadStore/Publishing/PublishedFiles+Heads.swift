import PostgresKit
package import TrustModel

/// Where a fleet's publication stands.
package struct PublishedHead: Sendable, Equatable {
    package let fleet: FleetName
    package let timestampVersion: Int64
    package let rootVersion: Int64
}

extension PublishedFiles {
    /// Every fleet that serves a timestamp.
    package func heads() async throws -> [PublishedHead] { try await pool.fetchAll(ListPublishedHeads()) }

    /// The paths of everything that a fleet serves.
    package func paths(of fleet: FleetName) async throws -> [String] {
        try await pool.fetchAll(ListPublishedPaths(fleet: fleet))
    }
}

struct ListPublishedHeads: Query {
    static let sql = """
        SELECT f.name, max(p.version) AS version, f.root_version
        FROM fleet f JOIN published_file p ON p.fleet_id = f.id AND p.role = 'timestamp'
            AND p.release <= f.published_release
        WHERE f.removed_at IS NULL GROUP BY f.id
        """
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> PublishedHead {
        PublishedHead(
            fleet: try row.value("name", { try FleetName($0) }), timestampVersion: try row.value("version"),
            rootVersion: try row.value("root_version"))
    }
}

struct ListPublishedPaths: Query {
    static let sql = """
        SELECT DISTINCT p.path FROM published_file p JOIN fleet f ON f.id = p.fleet_id
        WHERE f.name = $1 AND f.removed_at IS NULL AND p.release <= f.published_release
        """
    let fleet: FleetName
    var bindings: [Binding] { [.text(fleet.rawValue)] }
    func decode(_ row: Row) throws -> String { try row.value("path") }
}
