import Codecs
import Logging
import PostgresKit
import RoadsteadStore
import ServiceLifecycle
import Synchronization

/// Runs the publisher: at once when a commit says so, each second for approved changes, and every ten for all fleets.
///
/// A notification is a hint between replicas; what it would have said is found by looking.
final class PublisherService: Service {
    static let fleetInterval = Duration.seconds(10)

    private let publisher: Publisher
    private let listener: ConnectionSettings
    private let signal = WakeSignal()
    private let published: WakeSignal
    private let logger: Logger
    private let clock: @Sendable () -> UTCDate
    private let state = Mutex(State())

    private struct State {
        var isHinted = true
        var lastPass: ContinuousClock.Instant?
    }

    /// - Parameter published: rung after every pass, for who serves the files.
    init(
        _ publisher: Publisher, listener: ConnectionSettings, published: WakeSignal, logger: Logger,
        clock: @escaping @Sendable () -> UTCDate
    ) {
        self.publisher = publisher
        self.listener = listener
        self.published = published
        self.logger = logger
        self.clock = clock
    }

    func run() async throws {
        let channel = try SQLName(PublishSignal.channel)
        let periodic = PeriodicService("publisher", every: .seconds(1), logger: logger, signal: signal) {
            try await self.turn()
        }
        await withTaskGroup { group in
            group.addTask { try? await periodic.run() }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    for await _ in NotificationStream(self.listener, channels: [channel]) { self.hint() }
                }
            }
        }
    }

    private func hint() {
        state.withLock { $0.isHinted = true }
        signal.ring()
    }

    private func turn() async throws {
        var (settled, failure): (Int, (any Error)?) = (0, nil)
        do { settled = try await publisher.bringInChanges(now: clock()) } catch { failure = error }
        let isDue = state.withLock { state in
            let isOld = state.lastPass.map { ContinuousClock.now - $0 >= Self.fleetInterval } ?? true
            defer { state.isHinted = false }
            return state.isHinted || isOld || settled > 0
        }
        guard isDue else {
            if let failure { throw failure }
            return
        }
        do {
            try await publisher.publishAll(now: clock())
            state.withLock { $0.lastPass = .now }
            published.ring()
        } catch {
            published.ring()
            throw error
        }
    }
}

/// Keeps a pool's connections in order while the server runs, and closes them at its end.
struct PoolService: Service {
    let pool: ConnectionPool

    func run() async throws {
        await cancelWhenGracefulShutdown { await pool.run() }
        await pool.close()
    }
}
