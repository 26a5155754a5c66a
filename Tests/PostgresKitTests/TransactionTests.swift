import Migrations
import PostgresKit
import PostgresTesting
import Problems
import Testing

@Suite(.emptyPostgres)
struct TransactionTests {
    private func withCounter(_ body: (ConnectionPool) async throws -> Void) async throws {
        let pool = try database().pool(.owner)
        try await pool.withConnection {
            try await $0.run(
                script:
                    "CREATE TABLE counter (id bigint PRIMARY KEY, n bigint); INSERT INTO counter VALUES (1, 0), (2, 0)")
        }
        try await body(pool)
        await pool.close()
    }

    private func count(_ pool: ConnectionPool) async throws -> Int64 {
        try await pool.rows("SELECT n FROM counter WHERE id = 1")[0].value("n")
    }

    @Test func `a closure that throws leaves nothing behind`() async throws {
        struct Stop: Error {}
        try await withCounter { pool in
            await #expect(throws: Stop.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.rows("UPDATE counter SET n = 5")
                    throw Stop()
                }
            }
            let after = try await count(pool)
            #expect(after == 0)
            #expect(pool.statistics.lost == 0)
        }
    }

    @Test func `a transaction whose failure was swallowed is not reported as committed`() async throws {
        try await withCounter { pool in
            try await expect(.transaction) {
                try await pool.withTransaction { transaction in
                    try await transaction.rows("UPDATE counter SET n = 5")
                    _ = try? await transaction.rows("SELECT 1/0")
                }
            }
            let after = try await count(pool)
            #expect(after == 0)
        }
    }

    @Test func `a serialization failure is retried from the start when asked for`() async throws {
        try await withCounter { pool in
            let attempts = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await pool.withTransaction(isolation: .serializable, attempts: 20) { transaction in
                            attempts.increment()
                            let n: Int64 = try await transaction.rows("SELECT n FROM counter WHERE id = 1")[0].value(
                                "n")
                            try await transaction.rows("SELECT pg_sleep(0.02)")
                            try await transaction.rows("UPDATE counter SET n = $1 WHERE id = 1", [.int(n + 1)])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let after = try await count(pool)
            #expect(after == 4)
            #expect(attempts.value > 4)
        }
    }

    @Test func `without being asked a serialization failure is the caller's`() async throws {
        try await withCounter { pool in
            try await expect(.conflict) {
                try await pool.withTransaction(isolation: .repeatableRead) { transaction in
                    try await transaction.rows("SELECT n FROM counter WHERE id = 1")
                    try await pool.withTransaction { _ = try await $0.rows("UPDATE counter SET n = 9 WHERE id = 1") }
                    try await transaction.rows("UPDATE counter SET n = 1 WHERE id = 1")
                }
            }
        }
    }

    @Test func `a deadlock is a conflict and goes away when tried again`() async throws {
        try await withCounter { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for order in [[1, 2], [2, 1]] {
                    group.addTask {
                        try await pool.withTransaction(attempts: 5) { transaction in
                            for id in order {
                                try await transaction.rows(
                                    "UPDATE counter SET n = n + 1 WHERE id = $1", [.int(Int64(id))])
                                try await transaction.rows("SELECT pg_sleep(0.1)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let after = try await count(pool)
            #expect(after == 2)
        }
    }

    @Test func `a transaction is useless after its end`() async throws {
        try await withCounter { pool in
            let kept = try await pool.withTransaction { $0 }
            try await expect(.transaction) { try await kept.rows("SELECT 1") }
        }
    }

    @Test func `a connection with an open transaction runs nothing beside it`() async throws {
        try await withCounter { pool in
            try await pool.withConnection { connection in
                try await connection.withTransaction { transaction in
                    try await expect(.transaction) { try await connection.rows("SELECT 1") }
                    try await expect(.transaction) { try await connection.withTransaction { _ in } }
                    try await transaction.rows("SELECT 1")
                }
            }
        }
    }

    @Test func `a local setting ends with its transaction`() async throws {
        try await withCounter { pool in
            try await pool.withConnection { connection in
                try await connection.withTransaction { transaction in
                    try await transaction.setLocal("rs.principal", to: "7")
                    let inside: String = try await transaction.rows(
                        "SELECT current_setting('rs.principal') AS p")[0].value("p")
                    #expect(inside == "7")
                }
                let after: String? = try await connection.rows(
                    "SELECT current_setting('rs.principal', true) AS p")[0].value("p")
                #expect(after == nil || after == "")
            }
        }
    }

    @Test func `a transaction left open by hand is not handed to the next`() async throws {
        try await withCounter { pool in
            try await pool.withConnection { try await $0.run(script: "BEGIN; UPDATE counter SET n = 3") }
            let after = try await count(pool)
            #expect(after == 0)
            #expect(pool.statistics.lost == 1)
        }
    }
}
