import Codecs
package import PostgresKit

/// Compares and brings up the schema of one database.
package struct Migrator: Sendable {
    package let migrations: [Migration]

    /// The advisory lock of whoever migrates a database: "roadmigr".
    static let lock: Int64 = 0x726f_6164_6d69_6772

    /// Takes the migrations compiled in unless others are given; their numbers begin with 1 and rise.
    package init(_ migrations: [Migration]? = nil) throws {
        let migrations = try migrations ?? Migration.compiled()
        var last = 0
        for migration in migrations {
            guard migration.version > last, last > 0 || migration.version == 1 else {
                throw MigrationError(
                    .malformed, "the migration \"\(migration.name)\" stands after number \(last)",
                    hint: "number migrations from 0001 upwards")
            }
            last = migration.version
        }
        self.migrations = migrations
    }

    /// How the database stands; any role may ask.
    package func plan(on runner: some StatementRunner) async throws -> MigrationPlan {
        let facts = try await runner.fetchOne(FetchSchemaFacts())
        let applied = facts.hasTable ? try await runner.fetchAll(ListAppliedMigrations()) : []
        return MigrationPlan(compiled: migrations, applied: applied)
    }

    /// Applies what is pending, one transaction each, and says which those were.
    ///
    /// Connects for itself as the owner's role: a migration may take `statementDeadline`, and waits at most
    /// `lockDeadline` for each lock, so that it never queues all other work behind it.
    package func apply(
        to settings: ConnectionSettings, lockDeadline: Duration = .seconds(10),
        statementDeadline: Duration = .seconds(600)
    ) async throws -> [Migration] {
        var settings = settings
        settings.statementDeadline = statementDeadline
        settings.applicationName = "roadstead-migrate"
        settings.options["lock_timeout"] = "\(lockDeadline.components.seconds * 1000)"
        let connection = try await Connection.open(settings)
        do {
            let done = try await apply(on: connection)
            await connection.close()
            return done
        } catch {
            await connection.close()
            throw error
        }
    }

    private func apply(on connection: Connection) async throws -> [Migration] {
        try await requireOwner(connection)
        try await takeLock(connection)
        try await connection.run(script: Self.table)
        let plan = try await plan(on: connection)
        try plan.requireSound()
        guard case .pending(let pending) = plan.state else { return [] }
        for migration in pending { try await apply(migration, on: connection) }
        return pending
    }

    private func requireOwner(_ connection: Connection) async throws {
        let facts = try await connection.fetchOne(FetchSchemaFacts())
        guard facts.role == DatabaseRole.owner.rawValue else {
            throw MigrationError(
                .role, "the schema of the database \"\(facts.database)\" cannot be migrated as \"\(facts.role)\"",
                hint: "connect as \(DatabaseRole.owner.rawValue), who owns all that is made")
        }
    }

    private func takeLock(_ connection: Connection) async throws {
        do {
            try await connection.rows("SELECT pg_advisory_lock($1)", [.int(Self.lock)])
        } catch let error as PostgresError where error.code == .lock {
            throw MigrationError(
                .busy, "another program migrates the database now", hint: "wait for it to end and try again")
        }
    }

    private func apply(_ migration: Migration, on connection: Connection) async throws {
        do {
            try await connection.withTransaction { transaction in
                try await transaction.setLocal(Self.mark, to: migration.name)
                try await transaction.run(script: migration.sql)
                let mark: String? = try await transaction.rows(
                    "SELECT current_setting('roadstead.migration', true) AS mark")[0].value("mark")
                guard mark == migration.name else {
                    throw MigrationError(
                        .malformed, "the migration \"\(migration.name)\" ends its own transaction",
                        hint: "leave BEGIN, COMMIT and ROLLBACK to the runner")
                }
                try await transaction.execute(InsertMigration(migration: migration))
            }
        } catch let error as PostgresError {
            throw MigrationError(
                .refused, "the migration \"\(migration.name)\" failed and left nothing behind: \(error.reason)",
                hint: error.hint, cause: error)
        }
    }

    private static let mark = "roadstead.migration"

    private static let table = """
        SET client_min_messages = warning;
        CREATE TABLE IF NOT EXISTS public.schema_migration (
            version integer PRIMARY KEY CHECK (version > 0),
            name text COLLATE "C" NOT NULL UNIQUE,
            sha256 text COLLATE "C" NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        GRANT SELECT ON public.schema_migration TO PUBLIC;
        """
}
