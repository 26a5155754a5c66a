import ArgumentParser

/// The commands of the small program `roadstead`, by name, so that completion and manual cover both programs.
///
/// They never run here: the small program runs its own.
enum LocalCommands {
    static let all: [any ParsableCommand.Type] = [
        LocalSign.self, LocalVerify.self, LocalInspect.self, LocalCA.self, LocalVersion.self,
    ]

    static var names: [String] { all.compactMap { $0.configuration.commandName } }
}

private struct LocalSign: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sign", abstract: "Sign an image.")
    @Argument(help: "As roadstead sign --help says.", completion: .file()) var rest: [String] = []
}

private struct LocalVerify: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "verify", abstract: "Verify an image.")
    @Argument(help: "As roadstead verify --help says.", completion: .file()) var rest: [String] = []
}

private struct LocalInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what is in a file or image.")
    @Argument(help: "As roadstead inspect --help says.", completion: .file()) var rest: [String] = []
}

private struct LocalCA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca", abstract: "Make a certificate authority and issue certificates.",
        subcommands: [Initialize.self, Issue.self])

    struct Initialize: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "init", abstract: "Make a root certificate.")
        @Argument(help: "As roadstead ca init --help says.", completion: .file()) var rest: [String] = []
    }

    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "issue", abstract: "Issue a signing certificate.")
        @Argument(help: "As roadstead ca issue --help says.", completion: .file()) var rest: [String] = []
    }
}

private struct LocalVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Say which version this is.")
}

/// Both programs as one, for what describes them.
struct WholeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roadstead", abstract: RemoteCommand.configuration.abstract,
        discussion: RemoteCommand.configuration.discussion,
        subcommands: LocalCommands.all + RemoteCommand.configuration.subcommands)
}
