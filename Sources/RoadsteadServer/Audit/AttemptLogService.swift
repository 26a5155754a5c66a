import Codecs
import Logging
import ServiceLifecycle

/// Writes the counts of refused attempts every minute, and what is left of them at the end.
struct AttemptLogService: Service {
    let log: AttemptLog
    let logger: Logger
    let clock: @Sendable () -> UTCDate

    func run() async throws {
        try await PeriodicService("refused attempts", every: .seconds(60), logger: logger) {
            await log.writeCounts(now: clock())
        }.run()
        await log.writeCounts(now: clock(), all: true)
    }
}
