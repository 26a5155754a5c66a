import ArgumentParser

struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Takes in what the fleet publishes now, once.")

    @OptionGroup var options: StateOptions

    func run() async throws {
        let state = options.directory
        let round = try await state.lockedAfterCheck {
            var configuration = try AgentConfiguration.load(state)
            return try await HTTPTransport.with(configuration) { transport in
                let source = HTTPFleetSource(transport, fleet: configuration.fleet)
                return try await Agent(state).round(
                    &configuration, transport: transport, source: source, now: SystemClock.now)
            }
        }
        let what = round.sync.hasChanged ? "is in force now" : "was in force already"
        print("release \(round.sync.origin.release) \(what) (generation \(round.sync.generation))")
        for note in round.enforcement.notes { print("  \(note)") }
        for warning in round.sync.warnings + round.enforcement.warnings { Terminal.note("warning: \(warning)") }
        for note in round.reportNotes { Terminal.note("note: \(note)") }
    }
}

extension StateDirectory {
    /// Runs the body as the one writer of an enrolled host's state; a directory that is none is left alone.
    func lockedAfterCheck<Result>(_ body: () async throws -> Result) async throws -> Result {
        _ = try AgentConfiguration.load(self)
        return try await locked(body)
    }
}
