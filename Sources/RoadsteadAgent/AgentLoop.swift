import Codecs
import Glibc
package import Logging
import MetadataTransport
import ServiceLifecycle

/// Keeps a host in step with its fleet until it is told to stop.
///
/// A sync that is under way when SIGTERM comes is finished; waiting is not.
package struct AgentLoop: Service {
    let state: StateDirectory
    let logger: Logger

    package init(_ state: StateDirectory, logger: Logger) {
        self.state = state
        self.logger = logger
    }

    package func run() async throws {
        try await state.locked {
            var configuration = try AgentConfiguration.load(state)
            let server = try ServerAddress(configuration.server)
            try await HTTPTransport.with(server) { transport in
                let source = HTTPFleetSource(transport, fleet: configuration.fleet)
                try await loop(&configuration, transport, source)
            }
        }
    }

    /// What the loop remembers from one round to the next.
    private struct Pace {
        var pollSeconds = 60
        var reportSeconds = 300
        var timestampVersion: Int64 = 0
        var lastReport = UTCDate.earliest
    }

    private func loop(
        _ configuration: inout AgentConfiguration, _ transport: HTTPTransport, _ source: HTTPFleetSource
    ) async throws {
        let agent = Agent(state)
        var pace = Pace()
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let now = SystemClock.now
            let isDue = pace.lastReport.adding(seconds: Int64(pace.reportSeconds)) <= now
            do {
                let round = try await agent.round(
                    &configuration, transport: transport, source: source, reportAlways: isDue, now: now)
                log(round)
                pace.pollSeconds = round.sync.origin.pollSeconds
                pace.reportSeconds = round.sync.origin.reportSeconds
                pace.timestampVersion = round.sync.timestampVersion
                if isDue { pace.lastReport = now }
            } catch {
                logger.warning("sync failed, what was in force stays in force", metadata: ["error": "\(error)"])
            }
            await wait(pace, configuration, transport)
        }
        logger.info("stopped")
    }

    /// Waits for the next poll with some jitter, for a hint that there is something new, or for the end.
    ///
    /// The hint is not trusted: all it does is wake a normal refresh.
    private func wait(_ pace: Pace, _ configuration: AgentConfiguration, _ transport: HTTPTransport) async {
        let seconds = Double(max(1, min(pace.pollSeconds, 86_400)))
        let pause = Duration.milliseconds(Int64(seconds * 1_000 * Double.random(in: 0.8...1.2)))
        let hint = "/fleets/\(configuration.fleet)/hint?after=\(pace.timestampVersion)"
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await Task.sleep(for: pause) }
                group.addTask { await Self.listen(hint, after: pace.timestampVersion, transport) }
                await group.next()
                group.cancelAll()
            }
        }
    }

    /// Returns when the server says that there is something newer; never otherwise, until it is cancelled.
    private static func listen(_ hint: String, after version: Int64, _ transport: HTTPTransport) async {
        while !Task.isCancelled {
            let started = ContinuousClock.now
            let answer = try? await transport.get(hint, limit: 4_096, seconds: 65)
            if let answer, answer.status == 200, let tree = try? JSON(parsing: answer.body),
                let newest = tree.objectOrNil?["timestamp"]?.integerOrNil, newest > version
            {
                return
            }
            // A server that answers at once without news must not be asked without pause.
            let rest = Duration.seconds(5) - (ContinuousClock.now - started)
            if rest > .zero { try? await Task.sleep(for: rest) }
        }
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
