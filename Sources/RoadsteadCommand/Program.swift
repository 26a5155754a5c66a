import Envelopes
import Files
import Glibc
import OCI
import Problems
import SigningKeys
import TrustModel

/// The program `roadstead`: finds the command that is meant, runs it, and turns what happened into an exit status.
package enum Program {
    static let commands: [Command] = [
        SignCommand.command, VerifyCommand.command, InspectCommand.command, SignatureCommands.list,
        ApproveCommand.command, BlobCommands.sign,
        BlobCommands.verify,
        KeyCommands.generate, KeyCommands.inspect, KeyCommands.list, KeyCommands.importing, KeyCommands.csr,
        KeyCommands.test, CACommands.initialize, CACommands.issue, CACommands.renew, CACommands.list, CACommands.revoke,
        CACommands.revocationList, VersionCommand.command,
    ]

    /// Whether a command line is about one of the commands here, or a group of them.
    package static func owns(_ arguments: [String]) -> Bool {
        if arguments.first == NotationPlugin.word { return true }
        let words = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
        return commands.contains { $0.words.first == words.first } || words.first.map { aliases[$0] != nil } ?? false
    }

    /// Short names of commands.
    private static let aliases = ["ls": ["signature", "list"], "list": ["signature", "list"]]

    /// Runs the command line of this process.
    package static func run(reach: Reach) async -> Int32 {
        ProcessMemory.forbidCoreFiles()
        let console = Console.current
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let own = CommandLine.arguments.first, Files.name(of: own) == NotationPlugin.programName {
            return await NotationPlugin.run(arguments, console, reach)
        }
        if arguments.first == NotationPlugin.word {
            return await NotationPlugin.run(Array(arguments.dropFirst()), console, reach)
        }
        do {
            return try await run(arguments, console, reach).rawValue
        } catch {
            console.report(error)
            return ExitStatus(of: error).rawValue
        }
    }

    private static func run(
        _ arguments: [String], _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        guard let first = arguments.first, first != "--help", first != "-h", arguments != ["help"] else {
            console.printText(help)
            return .success
        }
        if first == "help" { return try await run(Array(arguments.dropFirst()) + ["--help"], console, reach) }
        if let words = aliases[first] { return try await run(words + arguments.dropFirst(), console, reach) }
        if first == "--version" { return try await run(["version"], console, reach) }
        guard let command = command(for: arguments) else { return try unknown(arguments, console) }
        let rest = Array(arguments.dropFirst(command.words.count))
        let beforeEnd = rest.prefix { $0 != "--" }
        if beforeEnd.contains("--help") || beforeEnd.contains("-h") {
            console.printText(command.help)
            return .success
        }
        let invocation = try Invocation(rest, of: command)
        if !reach.isFull, command.reachesBeyondFiles(invocation) { throw try handOver(arguments) }
        return try await command.run(invocation, console, reach)
    }

    private static func command(for arguments: [String]) -> Command? {
        commands.first { arguments.starts(with: $0.words) }
    }

    /// Becomes the program that reaches more; gives the error when it is not there.
    private static func handOver(_ arguments: [String]) throws -> CommandError {
        try Sibling.replaceProcess(program: "roadstead-remote", arguments: arguments)
        return CommandError(
            .environment,
            "the program roadstead-remote, which reaches keys and images beyond files, is not beside this one",
            hint: "install it, and roadstead-p11 for tokens, beside roadstead")
    }

    /// A group of ours without its verb, or a command of the program that talks to the server.
    private static func unknown(_ arguments: [String], _ console: Console) throws -> ExitStatus {
        let first = arguments[0]
        let group = commands.filter { $0.words.count > 1 && $0.words[0] == first }
        guard group.isEmpty else {
            let verbs = group.map { $0.words[1] }
            if arguments.count == 1 || arguments.contains("--help") || arguments.contains("-h") {
                for command in group { console.printText(HelpText.row(command.name, command.summary)) }
                return arguments.count == 1 ? .usage : .success
            }
            let nearest = Spelling.nearest(to: arguments[1], among: verbs)
            throw CommandError(
                .usage, "roadstead \(first) has no command \"\(arguments[1])\"",
                hint: nearest.map { "did you mean roadstead \(first) \($0)?" }
                    ?? "one of \(verbs.joined(separator: ", "))")
        }
        try Sibling.replaceProcess(program: "roadstead-remote", arguments: arguments)
        let names = commands.map { $0.words[0] }
        throw CommandError(
            .usage,
            "there is no command \"\(first)\" here, and the program roadstead-remote, which holds the commands that talk to a server, is not beside this one",
            hint: otherTongues[first] ?? Spelling.nearest(to: first, among: names).map {
                "did you mean roadstead \($0)?"
            }
                ?? "roadstead --help lists the commands")
    }

    /// What users of related tools type, and what it is called here.
    private static let otherTongues = [
        "cert": "did you mean roadstead anchor add?",
        "certificate": "did you mean roadstead ca issue (make one) or roadstead inspect FILE (look at one)?",
    ]

    static var help: String {
        var text = """
            roadstead decides whose signatures a fleet of container hosts believes.

            usage: roadstead COMMAND [options]

            commands that need no server:

            """
        for command in commands { text += HelpText.row(command.name, command.summary) }
        text += """

            Every other command, such as login, team, anchor, change or fleet, talks to a server and lives in the
            program roadstead-remote beside this one: roadstead COMMAND calls it.

            roadstead COMMAND --help shows the options of a command and examples.
            exit status: 0 done or verified, 1 rejected, 2 wrong usage, 3 something around the command is not in order

            """
        return text
    }
}
