package import Migrations
package import PostgresKit
import PrivatePostgres

/// A database of one test or suite, and the ways into it.
package struct TestDatabase: Sendable {
    /// The database of the test that runs now, where the trait `.postgres` is.
    @TaskLocal package static var current: TestDatabase?

    package let name: String
    package let cluster: TestCluster

    package func settings(_ role: DatabaseRole) -> ConnectionSettings {
        cluster.server.settings(user: role.rawValue, database: name)
    }

    /// A pool for one role; the test may leave it open.
    package func pool(_ role: DatabaseRole, connections: Int = 5) throws -> ConnectionPool {
        ConnectionPool(settings(role), limits: try PoolLimits(connections: connections))
    }

    /// Opens a connection for the length of the closure.
    package func withConnection<Result>(
        as role: DatabaseRole, _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        let connection = try await Connection.open(settings(role))
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }
}
