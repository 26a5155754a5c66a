package import Codecs
package import Logging
import MetadataTransport
import ServiceLifecycle
import TUF
import TrustModel

/// Keeps a host in step with its fleet until it is told to stop.
///
/// A sync that is under way when SIGTERM comes is finished; waiting is not.
package struct AgentLoop: Service {
    let state: StateDirectory
    let logger: Logger
    let clock: @Sendable () -> UTCDate

    package init(
        _ state: StateDirectory, logger: Logger, clock: @escaping @Sendable () -> UTCDate = { SystemClock.now }
    ) {
        self.state = state
        self.logger = logger
        self.clock = clock
    }

    package func run() async throws {
        try await state.locked {
            var configuration = try AgentConfiguration.load(state)
            try await HTTPTransport.with(configuration) { transport in
                let hints = HintListener(transport, fleet: configuration.fleet)
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await hints.run() }
                    await rounds(&configuration, transport, hints)
                    group.cancelAll()
                }
            }
        }
    }

    /// What the loop remembers from one round to the next.
    private struct Pace {
        var pollSeconds = 60
        var reportSeconds = 300
        var lastReport = UTCDate.earliest
        var trusted: TrustedMetadataSet?
        /// What the last whole refresh left; nil after an error.
        var standing: Standing?
        /// The next moment at which something changes by time alone.
        var due: UTCDate?
    }

    private func rounds(
        _ configuration: inout AgentConfiguration, _ transport: HTTPTransport, _ hints: HintListener
    ) async {
        let source = HTTPFleetSource(transport, fleet: configuration.fleet)
        var pace = Pace()
        var isHinted = false
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let now = clock()
            let isReportDue = pace.lastReport.adding(seconds: Int64(pace.reportSeconds)) <= now
            var isQuiet = !isHinted && !isReportDue && standsStill(pace, configuration, now: now)
            if isQuiet { isQuiet = await source.isTimestampUnchanged() }
            if !isQuiet {
                await refresh(&configuration, transport, source, &pace, isReportDue: isReportDue, now: now)
                hints.has(pace.trusted?.timestamp.version ?? 0)
            }
            let pause = pause(pace)
            isHinted = await cancelWhenGracefulShutdown { await hints.wait(atMost: pause) }
        }
        logger.info("stopped")
    }

    /// Whether one conditional request is enough this time.
    private func standsStill(_ pace: Pace, _ configuration: AgentConfiguration, now: UTCDate) -> Bool {
        let next = Int((Double(pace.pollSeconds) * Self.jitter.upperBound).rounded(.up))
        return pace.standing?.holds(state, configuration, now: now, next: next) ?? false
    }

    /// Refreshes everything, and puts in force and reports what comes of it.
    private func refresh(
        _ configuration: inout AgentConfiguration, _ transport: HTTPTransport, _ source: HTTPFleetSource,
        _ pace: inout Pace, isReportDue: Bool, now: UTCDate
    ) async {
        pace.standing = nil
        // First what time alone demands: it must not wait for a server that is slow or away.
        if pace.due.map({ $0 <= now }) ?? true { Agent(state).applyDue(now: now) }
        do {
            let round = try await Agent(state).round(
                &configuration, transport: transport, source: source, after: pace.trusted, reportAlways: isReportDue,
                now: now)
            log(round)
            pace.pollSeconds = OpsSettings.clamped(round.sync.origin.pollSeconds)
            pace.reportSeconds = OpsSettings.clamped(round.sync.origin.reportSeconds)
            pace.trusted = round.sync.trusted
            if isReportDue { pace.lastReport = now }
            pace.due = nextDue(now: now)
            let end = min(round.sync.expires, pace.due ?? .latest)
            pace.standing = Standing(state, configuration, refreshed: now, end: end)
        } catch {
            pace.due = nextDue(now: now)
            logger.warning("sync failed, what was in force stays in force", metadata: ["error": "\(error)"])
        }
    }

    private func nextDue(now: UTCDate) -> UTCDate? {
        let health = SyncHealth.load(state)
        let due = try? DueTrust(state, lastSuccess: health.lastSuccess)
        return due?.next(after: DueTrust.time(now: now, health))
    }

    /// The next poll comes within a fifth of the fleet's interval, so that hosts do not come all at once.
    private static let jitter = 0.8...1.2

    /// Until the next poll, or until something changes by time alone.
    private func pause(_ pace: Pace) -> Duration {
        let seconds = Double(pace.pollSeconds) * Double.random(in: Self.jitter)
        let now = clock()
        let due = pace.due.map { $0 > now ? Double($0.seconds - now.seconds) : 1 } ?? seconds
        return .milliseconds(Int64(min(seconds, due) * 1_000))
    }

    private func log(_ round: Agent.Round) {
        if round.sync.hasChanged {
            logger.info(
                "new generation in force",
                metadata: ["generation": "\(round.sync.generation)", "release": "\(round.sync.origin.release)"])
            for warning in round.sync.warnings + round.enforcement.warnings {
                logger.warning("trust warning", metadata: ["warning": "\(warning)"])
            }
        }
        for note in round.reportNotes { logger.notice("report", metadata: ["note": "\(note)"]) }
    }
}
