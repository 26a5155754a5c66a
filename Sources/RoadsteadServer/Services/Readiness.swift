import Codecs
import Migrations
import PostgresKit
import RoadsteadPublish
import RoadsteadStore

/// What must hold for a server to serve: the database answers, its schema is the program's, the master key is the one in use.
struct Readiness: Sendable {
    let pools: DatabasePools
    let publisher: Publisher
    let migrator: Migrator

    /// Every pool is held back by row-level security.
    func requirePlainRoles() async throws {
        for (_, pool) in pools.all { try await PlainRole.require(pool) }
    }

    func requireSchema() async throws { try await migrator.plan(on: pools.api).requireUpToDate() }

    /// Keeps the check value of the first master key that is ever used.
    func requireMasterKey(now: UTCDate) async throws {
        let stored = try await publisher.store.masterKeyCheckValue(
            settingIfAbsent: publisher.master.checkValue, now: now)
        try publisher.master.confirm(checkValue: stored)
    }

    var checks: [OperatorRoutes.Check] {
        [
            { ("database", await Self.problem { try await pools.api.rows("SELECT 1 AS one") }) },
            { ("databaseRoles", await Self.problem { try await requirePlainRoles() }) },
            { ("migrations", await Self.problem { try await requireSchema() }) },
            {
                (
                    "masterKey",
                    await Self.problem {
                        guard let stored = try await publisher.store.masterKeyCheckValue() else { return }
                        try publisher.master.confirm(checkValue: stored)
                    }
                )
            },
        ]
    }

    private static func problem(_ check: () async throws -> Void) async -> String? {
        do {
            try await check()
            return nil
        } catch {
            return "\(error)"
        }
    }
}
