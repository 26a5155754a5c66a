import Migrations
import PostgresKit
import PostgresTesting
import Problems
import Testing

private actor Order {
    private(set) var numbers: [Int] = []
    func append(_ number: Int) { numbers.append(number) }
}

@Suite(.emptyPostgres)
struct PoolTests {
    private func pool(_ connections: Int, leaseDeadline: Duration = .seconds(5)) throws -> ConnectionPool {
        ConnectionPool(
            try database().settings(.api),
            limits: try PoolLimits(connections: connections, leaseDeadline: leaseDeadline))
    }

    @Test(arguments: [0, -1, 96, Int.max])
    func `a pool of an impossible size is refused`(size: Int) {
        #expect(throws: PostgresError(.settings, "")) { try PoolLimits(connections: size) }
    }

    @Test func `when all connections are out, a lease ends at its deadline`() async throws {
        let pool = try pool(1, leaseDeadline: .seconds(1))
        try await pool.withConnection { _ in
            let start = ContinuousClock.now
            try await expect(.poolExhausted) { try await pool.rows("SELECT 1") }
            let took = ContinuousClock.now - start
            #expect(took >= .milliseconds(990) && took < .seconds(4))
        }
        try await pool.rows("SELECT 1")
        #expect(pool.statistics.leaseDeadlinesMissed == 1)
        #expect(pool.statistics.opened == 1)
        await pool.close()
    }

    @Test func `those who wait are served in the order in which they came`() async throws {
        let pool = try pool(1)
        let order = Order()
        let tasks = try await pool.withConnection { _ in
            var tasks: [Task<Void, any Error>] = []
            for number in 0..<6 {
                tasks.append(Task { try await pool.withConnection { _ in await order.append(number) } })
                while pool.statistics.waiting <= number { try await Task.sleep(for: .milliseconds(2)) }
            }
            return tasks
        }
        for task in tasks { try await task.value }
        let numbers = await order.numbers
        #expect(numbers == Array(0..<6))
        await pool.close()
    }

    @Test func `a cancelled wait costs nobody a connection`() async throws {
        let pool = try pool(1)
        try await pool.withConnection { _ in
            let waiting = Task { try await pool.rows("SELECT 1") }
            while pool.statistics.waiting == 0 { try await Task.sleep(for: .milliseconds(2)) }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            #expect(pool.statistics.waiting == 0)
        }
        try await pool.rows("SELECT 1")
        await pool.close()
    }

    @Test func `many cancelled at any moment leave all connections in place`() async throws {
        let pool = try pool(3)
        for round in 0..<60 {
            let tasks = (0..<8).map { _ in Task { try await pool.rows("SELECT pg_sleep(0.001)") } }
            try await Task.sleep(for: .microseconds(round * 50))
            for task in tasks.dropFirst(round % 3) { task.cancel() }
            for task in tasks { _ = await task.result }
        }
        #expect(pool.statistics.leased == 0 && pool.statistics.waiting == 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { try await pool.rows("SELECT pg_sleep(0.05)") } }
            try await group.waitForAll()
        }
        #expect(pool.statistics.idle == 3)
        await pool.close()
    }

    @Test(.timeLimit(.minutes(5)))
    func `forty statements at once do not hold the cooperative threads`() async throws {
        let gate = try pool(1)
        let pool = try pool(40, leaseDeadline: .seconds(60))
        try await gate.withConnection { gate in
            try await gate.rows("SELECT pg_advisory_lock(7)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<40 { group.addTask { try await pool.rows("SELECT pg_advisory_xact_lock_shared(7)") } }
                // While all forty wait for the lock, other tasks run; if they could not, the lock would never be let go.
                while pool.statistics.leased < 40 { try await Task.sleep(for: .milliseconds(5)) }
                await withTaskGroup(of: Void.self) { ticks in
                    for _ in 0..<100 { ticks.addTask { await Task.yield() } }
                }
                try await gate.rows("SELECT pg_advisory_unlock(7)")
                try await group.waitForAll()
            }
        }
        #expect(pool.statistics.opened == 40)
        await pool.close()
        await gate.close()
    }

    @Test func `connections that the server ended are replaced`() async throws {
        let pool = try pool(3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { try await pool.rows("SELECT pg_sleep(0.1)") } }
            try await group.waitForAll()
        }
        let admin = try await Connection.open(try database().cluster.superuserSettings())
        try await admin.rows(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1",
            [.text(try database().name)])
        await admin.close()
        for _ in 0..<5 { try await pool.rows("SELECT 1") }
        #expect(pool.statistics.lost >= 1)
        await pool.close()
    }

    @Test func `a statement whose connection is ended under it is an error that says so`() async throws {
        let pool = try pool(1)
        try await expect(.connectionLost) {
            try await pool.rows("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)")
        }
        try await pool.rows("SELECT 1")
        #expect(pool.statistics.lost == 1 && pool.statistics.opened == 2)
        await pool.close()
    }

    @Test func `an old connection is replaced and an idle one is closed`() async throws {
        let settings = try database().settings(.api)
        let short = ConnectionPool(
            settings, limits: try PoolLimits(connections: 2, lifetime: .milliseconds(20)))
        try await short.rows("SELECT 1")
        try await Task.sleep(for: .milliseconds(50))
        try await short.rows("SELECT 1")
        #expect(short.statistics.opened == 2)
        await short.close()

        let resting = ConnectionPool(
            settings, limits: try PoolLimits(connections: 2, closedWhenIdleFor: .milliseconds(20)))
        try await resting.rows("SELECT 1")
        try await Task.sleep(for: .milliseconds(50))
        await resting.tidy()
        #expect(resting.statistics.idle == 0)
        await resting.close()
    }

    @Test func `a closed pool turns everybody away and takes nothing back`() async throws {
        let pool = try pool(1)
        try await pool.withConnection { _ in
            let waiting = Task { try await pool.rows("SELECT 1") }
            while pool.statistics.waiting == 0 { try await Task.sleep(for: .milliseconds(2)) }
            await pool.close()
            await #expect(throws: PostgresError(.poolClosed, "")) { try await waiting.value }
        }
        #expect(pool.statistics.idle == 0)
        try await expect(.poolClosed) { try await pool.rows("SELECT 1") }
    }

    @Test func `housekeeping ends with its task and closes the pool`() async throws {
        let pool = try pool(1)
        try await pool.rows("SELECT 1")
        let running = Task { await pool.run() }
        running.cancel()
        await running.value
        try await expect(.poolClosed) { try await pool.rows("SELECT 1") }
    }
}
