package import Codecs
import PostgresKit

/// A migration as the database remembers it.
package struct AppliedMigration: Sendable, Hashable {
    package let version: Int
    package let name: String
    package let sha256: String
    package let appliedAt: UTCDate
}

struct ListAppliedMigrations: Query {
    static let sql = "SELECT version, name, sha256, applied_at FROM schema_migration ORDER BY version"
    var bindings: [Binding] { [] }

    func decode(_ row: Row) throws -> AppliedMigration {
        AppliedMigration(
            version: try row.value("version"), name: try row.value("name"), sha256: try row.value("sha256"),
            appliedAt: try row.value("applied_at"))
    }
}

struct InsertMigration: Statement {
    static let sql = "INSERT INTO schema_migration (version, name, sha256) VALUES ($1, $2, $3)"
    let migration: Migration

    var bindings: [Binding] { [.int(migration.version), .text(migration.name), .text(migration.sha256)] }
}

/// Whether there is a table of migrations at all, and who is asking.
struct FetchSchemaFacts: Query {
    static let sql = """
        SELECT to_regclass('public.schema_migration') IS NOT NULL AS has_table, current_user::text AS role,
               pg_catalog.current_database()::text AS database
        """
    var bindings: [Binding] { [] }

    func decode(_ row: Row) throws -> (hasTable: Bool, role: String, database: String) {
        (try row.value("has_table"), try row.value("role"), try row.value("database"))
    }
}
