/// The numbers that a pool keeps to.
package struct PoolLimits: Sendable {
    /// Each connection blocks a thread of its own while it waits; far more than this many do not run at once.
    package static let mostConnections = 95

    package let connections: Int
    package let leaseDeadline: Duration
    /// A connection idle for longer is asked whether it answers before it is given out.
    package let checkedWhenIdleFor: Duration
    /// A connection idle for longer is closed.
    package let closedWhenIdleFor: Duration
    /// A connection older than this, give or take a tenth, is replaced when it comes back.
    package let lifetime: Duration

    package init(
        connections: Int = 10, leaseDeadline: Duration = .seconds(5), checkedWhenIdleFor: Duration = .seconds(30),
        closedWhenIdleFor: Duration = .seconds(300), lifetime: Duration = .seconds(3600)
    ) throws(PostgresError) {
        guard (1...Self.mostConnections).contains(connections) else {
            throw PostgresError(
                .settings, "a pool of \(connections) connections is not possible",
                hint: "give 1 to \(Self.mostConnections)")
        }
        self.connections = connections
        self.leaseDeadline = leaseDeadline
        self.checkedWhenIdleFor = checkedWhenIdleFor
        self.closedWhenIdleFor = closedWhenIdleFor
        self.lifetime = lifetime
    }
}

/// What a pool does at a moment and has done since its start, for metrics.
package struct PoolStatistics: Sendable, Hashable {
    package var limit = 0
    package var idle = 0
    package var leased = 0
    package var waiting = 0
    package var leases: UInt64 = 0
    package var opened: UInt64 = 0
    /// Connections closed because they were lost, late, or left in the middle of something.
    package var lost: UInt64 = 0
    package var leaseDeadlinesMissed: UInt64 = 0
}
