import Logging
import Observability
import ServiceLifecycle

/// Runs one job at an interval until shutdown; a failure is logged and the next turn tries again.
struct PeriodicService: Service {
    let name: String
    let interval: Duration
    let logger: Logger
    /// Wakes the job ahead of its time.
    let signal: WakeSignal?
    let job: @Sendable () async throws -> Void

    init(
        _ name: String, every interval: Duration, logger: Logger, signal: WakeSignal? = nil,
        job: @escaping @Sendable () async throws -> Void
    ) {
        self.name = name
        self.interval = interval
        self.logger = logger
        self.signal = signal
        self.job = job
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var failures = 0
            while !Task.isCancelled {
                failures = await turn(after: failures)
                await pause()
            }
        }
    }

    /// Logs the first failure of a row and every sixtieth, so that an outage does not fill the disk.
    private func turn(after failures: Int) async -> Int {
        do {
            try await job()
            if failures > 0 { logger.notice("works again", metadata: [LogKey.service.rawValue: "\(name)"]) }
            return 0
        } catch is CancellationError {
            return failures
        } catch {
            if failures % 60 == 0 {
                logger.error(
                    "periodic job failed",
                    metadata: [
                        LogKey.service.rawValue: "\(name)", LogKey.reason.rawValue: "\(String(reflecting: error))",
                        LogKey.attempt.rawValue: "\(failures + 1)",
                    ])
            }
            return failures + 1
        }
    }

    private func pause() async {
        guard let signal else {
            try? await Task.sleep(for: interval)
            return
        }
        await signal.wait(atMost: interval)
    }
}
