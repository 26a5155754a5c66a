package import PostgresKit

/// A role that row-level security holds: it is not its tables' owner, no superuser, and cannot become either.
package enum PlainRole {
    /// - Throws: `StoreError(.forbidden)` when the pool signs in as a role that could step past row-level security.
    package static func require(_ pool: ConnectionPool) async throws {
        let role = try await pool.fetchOne(FetchWaysPastWalls())
        guard role.ways.isEmpty else {
            throw StoreError(
                .forbidden,
                "the database role \(role.name) can act as \(role.ways.joined(separator: ", ")), "
                    + "whom row-level security does not hold back",
                hint: "the server signs in as the roles that roadstead-server migrate makes, and as no superuser; "
                    + "take those memberships from it")
        }
    }
}

/// The roles that the one signed in could act as and that own the tables or pass by row-level security; itself included.
struct FetchWaysPastWalls: Query {
    static let sql = """
        SELECT current_user::text AS name, ARRAY (
            SELECT o.rolname::text FROM pg_roles o
            WHERE pg_has_role(current_user, o.oid, 'MEMBER') AND (o.rolsuper OR o.rolbypassrls OR EXISTS (
                SELECT FROM pg_class c WHERE c.relowner = o.oid AND c.relkind IN ('r', 'p')
                    AND c.relnamespace = 'public'::regnamespace))
            ORDER BY 1) AS ways
        """
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> (name: String, ways: [String]) { (try row.value("name"), try row.value("ways")) }
}
