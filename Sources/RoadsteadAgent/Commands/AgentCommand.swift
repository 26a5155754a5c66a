public import ArgumentParser
import Glibc
import Problems

/// `roadstead-agent`: enrols a host and keeps its trust in step with its fleet.
public struct AgentCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "roadstead-agent",
        abstract: "Gets a fleet's trust onto this host, verified, and shows that it is enforced.",
        version: AgentVersion.text,
        subcommands: [
            EnrollCommand.self, SyncCommand.self, RunCommand.self, StatusCommand.self, LeaveCommand.self,
        ])

    public init() {}

    /// Runs the program: data to stdout, everything else to stderr, and an exit status that says what kind of end it was.
    public static func start() async -> Never {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Glibc.exit(ExitStatus.success.rawValue)
        } catch let error as any Problem {
            Terminal.fail(error)
        } catch let exit as ExitCode {
            Glibc.exit(exit.rawValue)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            guard code.isSuccess else {
                Terminal.note(text.isEmpty ? "\(error)" : text)
                Glibc.exit(code == .validationFailure ? ExitStatus.usage.rawValue : ExitStatus.environment.rawValue)
            }
            print(text)
            Glibc.exit(ExitStatus.success.rawValue)
        }
    }
}

/// Words for people on stderr.
enum Terminal {
    static func note(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    }

    static func fail(_ problem: any Problem) -> Never {
        note("roadstead-agent: \(problem.reason)")
        if let hint = problem.hint { note("hint: \(hint)") }
        exit(ExitStatus(problem).rawValue)
    }
}
