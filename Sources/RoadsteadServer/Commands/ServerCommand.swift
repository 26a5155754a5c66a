package import ArgumentParser

/// The program: everything that runs on the server's machine.
package struct ServerCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "roadstead-server",
        abstract: "Decides whose signatures a fleet of container hosts believes, and publishes the decision.",
        subcommands: [
            DevCommand.self, ServeCommand.self, MigrateCommand.self, ConfigCommand.self, BootstrapTokenCommand.self,
            MasterKeyCommand.self,
        ])

    package init() {}

    /// Parses the command line and runs what it says.
    package static func runProgram() async { await main() }
}
