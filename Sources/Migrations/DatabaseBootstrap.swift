package import PostgresKit

/// What a cluster must have before migrations run: the roles, and a database that the owner's role owns.
///
/// Roles belong to the cluster, not to a database, so they are made here and not in migrations. Needs a role that may
/// create roles and databases, such as the superuser of a private cluster or an operator's own.
package enum DatabaseBootstrap {
    /// Makes the roles that are missing; safe to run at any time, also at the same time. Sets no passwords.
    package static func createRoles(on connection: Connection) async throws {
        for role in DatabaseRole.allCases {
            let name = try SQLName(role.rawValue)
            try await connection.run(
                script: """
                    DO $roadstead$ BEGIN
                        CREATE ROLE \(name) LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
                    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                    END $roadstead$
                    """)
        }
        try await refusePowerfulRoles(on: connection)
    }

    /// Makes the database if it is missing, from a template of ours if one is named; only our roles may connect.
    package static func createDatabase(
        _ database: String, template: String = "template0", on connection: Connection
    ) async throws {
        let name = try SQLName(database)
        let source = try SQLName(template)
        let owner = try SQLName(DatabaseRole.owner.rawValue)
        let found = try await connection.rows(
            "SELECT 1 AS one FROM pg_catalog.pg_database WHERE datname = $1", [.text(database)])
        if found.isEmpty {
            do {
                try await connection.run(
                    script: "CREATE DATABASE \(name) OWNER \(owner) TEMPLATE \(source) ENCODING 'UTF8'")
            } catch let error as PostgresError where ["42P04", "23505"].contains(error.sqlState) {}
        }
        try await connection.run(
            script: """
                REVOKE ALL ON DATABASE \(name) FROM PUBLIC;
                GRANT CONNECT ON DATABASE \(name) TO \(try names().joined(separator: ", "))
                """)
    }

    private static func names() throws -> [String] {
        try DatabaseRole.allCases.map { try SQLName($0.rawValue).description }
    }

    private static func refusePowerfulRoles(on connection: Connection) async throws {
        let powerful = try await connection.rows(
            """
            SELECT rolname::text AS name FROM pg_catalog.pg_roles
            WHERE rolname = ANY($1::name[]) AND (rolsuper OR rolbypassrls OR rolcreaterole) ORDER BY 1
            """, [.texts(DatabaseRole.allCases.map(\.rawValue))]
        ).first
        guard let powerful else { return }
        let name: String = try powerful.value("name")
        throw MigrationError(
            .role, "the role \"\(name)\" could pass row-level security",
            hint: "ALTER ROLE \(name) NOSUPERUSER NOBYPASSRLS NOCREATEROLE")
    }
}
