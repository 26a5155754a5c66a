import ArgumentParser
import Files
import Foundation
import Problems
import RoadsteadCommand
import SigningKeys

/// Exit statuses that pipelines can tell apart. [docs/cli.md]
enum ExitStatus {
    static let done: Int32 = 0
    static let refused: Int32 = 1
    static let usage: Int32 = 2
    static let environment: Int32 = 3
    static let waiting: Int32 = 4
}

/// Everything of the command line that talks to a server or reaches further than files; `roadstead` runs it.
package enum RemoteProgram {
    /// The commands of the small program come here when they need more than files; they run as they are.
    package static func run(arguments: [String]) async -> Int32 {
        ProcessMemory.forbidCoreFiles()
        if Program.owns(arguments) { return await Program.run(reach: .full) }
        do {
            try checkFirstWord(of: arguments)
            var command = try RemoteCommand.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return ExitStatus.done
        } catch {
            return report(error)
        }
    }

    /// A first word that nobody knows comes here too, since the small program hands on whatever it does not know itself.
    private static func checkFirstWord(of arguments: [String]) throws {
        guard let word = arguments.first, !word.hasPrefix("-"), word != "help" else { return }
        let known = RemoteCommand.configuration.subcommands.flatMap { command in
            [command.configuration.commandName].compactMap(\.self) + command.configuration.aliases
        }
        guard !known.contains(word) else { return }
        throw RemoteError(
            .usage, "there is no command \"\(word.prefix(64))\"",
            hint: OtherTongues.hint(for: arguments) ?? nearest(to: word, known)
                ?? "without a server: \(LocalCommands.names.joined(separator: ", ")); with one: \(known.joined(separator: ", "))"
        )
    }

    private static func nearest(to word: String, _ known: [String]) -> String? {
        Spelling.nearest(to: word, among: known + LocalCommands.names).map { "did you mean: roadstead \($0)?" }
    }

    private static func report(_ error: any Error) -> Int32 {
        if let waiting = error as? AcceptedWaiting {
            Terminal.note(waiting.message)
            return ExitStatus.waiting
        }
        if let status = error as? ExitCode { return status.rawValue }
        if let problem = error as? any Problem {
            Terminal.complain(problem.reason, hint: problem.hint)
            return status(of: problem)
        }
        let message = RemoteCommand.fullMessage(for: error)
        guard RemoteCommand.exitCode(for: error).isSuccess else {
            Terminal.complain(message.replacing("Error: ", with: "", maxReplacements: 1), hint: nil)
            return error is CleanExit ? ExitStatus.done : ExitStatus.usage
        }
        print(message)
        return ExitStatus.done
    }

    private static func status(of problem: any Problem) -> Int32 {
        if (problem as? KeyError)?.code == .name { return ExitStatus.usage }
        return switch (problem as? RemoteError)?.code {
        case .usage: ExitStatus.usage
        case .notSignedIn, .unreachable, .file: ExitStatus.environment
        case .refused, .answer, .mismatch: ExitStatus.refused
        case nil: ExitStatus.environment
        }
    }
}

/// The root of the commands.
struct RemoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roadstead",
        abstract: "Decide whose signatures your container hosts believe.",
        discussion: """
            Exit status: 0 done, 1 refused, 2 usage, 3 environment, 4 accepted and waiting for approvals.
            Sign in first: roadstead login --server URL
            """,
        subcommands: [
            Login.self, Logout.self, WhoAmICommand.self, CanI.self, InboxCommand.self, StatusCommand.self,
            TeamCommand.self,
            ScopeCommand.self,
            StoreCommand.self, RepositoryCommand.self, RuleCommand.self, AnchorCommand.self, PolicyCommand.self,
            ExceptionCommand.self, VendorCommand.self, RequestCommand.self, CampaignCommand.self,
            ChangeCommand.self,
            DenyCommand.self,
            FleetCommand.self, CeremonyCommand.self, ReleaseCommand.self, HostCommand.self, PersonCommand.self,
            TokenCommand.self, IdentityCommand.self, GroupRoleCommand.self, AuditCommand.self, ReportCommand.self,
            WebhookCommand.self, ApplyCommand.self, DiffCommand.self, GetCommand.self,
            CompletionCommand.self, ManualCommand.self,
        ])
}
