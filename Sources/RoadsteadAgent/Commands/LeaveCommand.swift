import ArgumentParser
import Files

struct LeaveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave", abstract: "Puts back what was on this host before the agent came, and forgets the fleet.",
        discussion:
            "The host's key and state are removed. Remove the host at the server as well: roadstead host remove.")

    @OptionGroup var options: StateOptions

    func run() async throws {
        let state = options.directory
        try await state.lockedAfterCheck {
            let configuration = try AgentConfiguration.load(state)
            if let path = configuration.notationConfig {
                for note in try NotationEnforcer(state, path: path).restore() { print(note) }
            }
            // The configuration goes first: without it this directory is no host's.
            try Files.remove(state.configuration)
            for path in [state.current, state.hostKey, state.health] { try Files.remove(path) }
            for path in [state.metadata, state.receipts, state.generations] { try Files.removeTree(path) }
            print("this host has left fleet \(configuration.fleet)")
        }
    }
}
