import ArgumentParser
import Logging
import ServiceLifecycle
import UnixSignals

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Keeps this host in step with its fleet until it is told to stop.")

    @OptionGroup var options: StateOptions

    func run() async throws {
        let state = options.directory
        _ = try AgentConfiguration.load(state)
        var logger = Logger(label: "roadstead-agent", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .info
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(
                        service: AgentLoop(state, logger: logger), successTerminationBehavior: .gracefullyShutdownGroup)
                ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}
