package import ArgumentParser
import Files
import Glibc

/// The program: everything that runs on the server's machine.
package struct ServerCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "roadstead-server",
        abstract: "Decides whose signatures a fleet of container hosts believes, and publishes the decision.",
        subcommands: [
            DevCommand.self, ServeCommand.self, MigrateCommand.self, ConfigCommand.self, BootstrapTokenCommand.self,
            MasterKeyCommand.self, KeysCommand.self, RecoverCommand.self,
        ])

    package init() {}

    /// Parses the command line and runs what it says. A command line that makes no sense ends with status 2.
    package static func runProgram() async {
        ProcessMemory.forbidCoreFiles()
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            warn(fullMessage(for: error).replacing("Error: ", with: "", maxReplacements: 1))
            Glibc.exit(2)
        }
    }
}
