import Synchronization

/// Connections to one database as one role, given out one task at a time, in the order of asking.
///
/// Lost connections are replaced by themselves. `run()` is the pool's housekeeping; the pool also works without it.
package final class ConnectionPool: StatementRunner {
    private struct Idle {
        let connection: Connection
        let end: ContinuousClock.Instant
        let since: ContinuousClock.Instant
    }

    private struct State {
        var idle: [Idle] = []
        var isClosed = false
        var statistics = PoolStatistics()
    }

    package let settings: ConnectionSettings
    package let limits: PoolLimits
    private let permits: PermitQueue
    private let state = Mutex(State())

    package init(_ settings: ConnectionSettings, limits: PoolLimits) {
        self.settings = settings
        self.limits = limits
        permits = PermitQueue(count: limits.connections)
    }

    package var statistics: PoolStatistics {
        var result = state.withLock { state in
            var statistics = state.statistics
            statistics.idle = state.idle.count
            return statistics
        }
        result.limit = limits.connections
        result.waiting = permits.waiting
        return result
    }

    /// Lends a connection to the closure; it must not be kept past its end.
    package func withConnection<Result>(_ body: (Connection) async throws -> Result) async throws -> Result {
        let lease = try await lease()
        do {
            let result = try await body(lease.connection)
            await giveBack(lease)
            return result
        } catch {
            await giveBack(lease)
            throw error
        }
    }

    /// Runs the closure in a transaction on a connection of the pool.
    ///
    /// With more than one attempt it is run again after a serialization failure or deadlock, so it must have no other effect.
    package func withTransaction<Result>(
        isolation: TransactionMode.Isolation = .readCommitted, access: TransactionMode.Access = .readWrite,
        setting: LocalSetting? = nil, attempts: Int = 1, _ body: (Transaction) async throws -> Result
    ) async throws -> Result {
        try await retryingConflicts(attempts: attempts) {
            try await withConnection { connection in
                try await connection.withTransaction(isolation: isolation, access: access, setting: setting, body)
            }
        }
    }

    @discardableResult
    package func rows(running sql: String, _ bindings: [Binding]) async throws -> RowSet {
        try await withConnection { try await $0.rows(running: sql, bindings) }
    }

    /// Closes and checks idle connections every five seconds until the task is cancelled, then closes the pool.
    package func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(5))
            await tidy()
        }
        await close()
    }

    /// Turns away who waits, closes what is idle now and what is lent when it comes back.
    package func close() async {
        permits.close()
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        for entry in idle { await entry.connection.close() }
    }
}

extension ConnectionPool {
    private struct Lease {
        let connection: Connection
        let end: ContinuousClock.Instant
    }

    private func lease() async throws -> Lease {
        let deadline = ContinuousClock.now + limits.leaseDeadline
        try await acquirePermit(until: deadline)
        do {
            try Task.checkCancellation()
            let lease = try await anyLease(until: deadline)
            state.withLock { state in
                state.statistics.leases += 1
                state.statistics.leased += 1
            }
            return lease
        } catch {
            permits.release()
            throw error
        }
    }

    private func acquirePermit(until deadline: ContinuousClock.Instant) async throws {
        if permits.tryAcquire() { return }
        let permits = permits
        let isTimely = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await permits.acquire()
                return true
            }
            group.addTask {
                try await Task.sleep(until: deadline, clock: .continuous)
                return false
            }
            return try await Self.outcome(of: &group, permits)
        }
        guard !isTimely else { return }
        state.withLock { $0.statistics.leaseDeadlinesMissed += 1 }
        throw PostgresError(
            .poolExhausted, "none of the \(limits.connections) database connections became free in time",
            hint: "raise the pool's limit, or look for slow statements")
    }

    /// A permit that came together with the deadline or a cancellation is used or handed on, never lost.
    private static func outcome(
        of group: inout ThrowingTaskGroup<Bool, any Error>, _ permits: PermitQueue
    ) async throws -> Bool {
        var isAcquired = false
        var failure: (any Error)?
        while let result = await group.nextResult() {
            group.cancelAll()
            switch result {
            case .success(let acquired): isAcquired = isAcquired || acquired
            case .failure(let error) where error is PostgresError: failure = error
            case .failure: break
            }
        }
        if isAcquired, Task.isCancelled { permits.release() }
        try Task.checkCancellation()
        if let failure { throw failure }
        return isAcquired
    }

    private func anyLease(until deadline: ContinuousClock.Instant) async throws -> Lease {
        if let lease = await idleLease() { return lease }
        return try await newLease(until: deadline)
    }

    /// The connection used last that is still good; the others on the way are closed.
    private func idleLease() async -> Lease? {
        while let entry = state.withLock({ $0.idle.popLast() }) {
            if await isGood(entry) { return Lease(connection: entry.connection, end: entry.end) }
            await entry.connection.close()
        }
        return nil
    }

    private func isGood(_ entry: Idle) async -> Bool {
        guard entry.end > .now else { return false }
        let isRested = entry.since + limits.checkedWhenIdleFor < .now
        let isAlive = isRested ? await entry.connection.answers() : await entry.connection.isUsable()
        if !isAlive { state.withLock { $0.statistics.lost += 1 } }
        return isAlive
    }

    /// Connects, and tries again until the lease's deadline while the server is away: a restart costs time, not an error.
    private func newLease(until deadline: ContinuousClock.Instant) async throws -> Lease {
        var pause = Duration.milliseconds(25)
        while true {
            do {
                let connection = try await Connection.open(settings, within: deadline - .now)
                state.withLock { $0.statistics.opened += 1 }
                return Lease(connection: connection, end: .now + limits.lifetime * Double.random(in: 0.9...1.1))
            } catch let error as PostgresError where error.code == .connect && ContinuousClock.now + pause < deadline {
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .milliseconds(400))
            }
        }
    }

    private func giveBack(_ lease: Lease) async {
        let isUsable = await lease.connection.isUsable()
        let isKept = state.withLock { state in
            state.statistics.leased -= 1
            if !isUsable { state.statistics.lost += 1 }
            guard isUsable, !state.isClosed, lease.end > .now else { return false }
            state.idle.append(Idle(connection: lease.connection, end: lease.end, since: .now))
            return true
        }
        if !isKept { await lease.connection.close() }
        permits.release()
    }

    /// Looks at each idle connection once, never taking a permit from somebody who waits.
    package func tidy() async {
        for _ in 0..<state.withLock({ $0.idle.count }) {
            guard permits.tryAcquire() else { return }
            if let entry = state.withLock({ $0.idle.isEmpty ? nil : $0.idle.removeFirst() }) {
                await tidy(entry)
            }
            permits.release()
        }
    }

    private func tidy(_ entry: Idle) async {
        let isWanted = entry.since + limits.closedWhenIdleFor > .now
        let isGood = isWanted ? await isGood(entry) : false
        let isKept = state.withLock { state in
            guard isGood, !state.isClosed else { return false }
            state.idle.insert(entry, at: 0)
            return true
        }
        if !isKept { await entry.connection.close() }
    }
}
