package import ArgumentParser
import Codecs
import Files
import Foundation
import Glibc
import Logging
import Problems
import ReleaseCriteria

/// The program beside the keys: signs what their criteria allow.
package struct SignerCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "roadstead-signer",
        abstract: "Signs what the criteria of its keys allow, and records every decision.",
        subcommands: [ServeCommand.self, ConfigCommand.self, LogCommand.self])

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
            let text = fullMessage(for: error).replacing("Error: ", with: "", maxReplacements: 1)
            FileHandle.standardError.write(Data("roadstead-signer: \(text)\n".utf8))
            Glibc.exit(2)
        }
    }
}

struct ConfigurationOption: ParsableArguments {
    @Option(help: "Configuration file, JSON.")
    var config: String

    func read() throws -> SignerConfiguration {
        let path = config.hasPrefix("/") ? config : FileManager.default.currentDirectoryPath + "/" + config
        return try SignerConfiguration(path: path)
    }
}

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serves signatures until it is told to stop.")

    @OptionGroup var options: ConfigurationOption

    func run() async throws {
        try await reportingProblems {
            let configuration = try options.read()
            LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
            let logger = Logger(label: "roadstead-signer")
            let program = SignerProgram(configuration: configuration, logger: logger) {
                UTCDate(seconds: Int64(Date().timeIntervalSince1970))
            }
            let isEncrypted = configuration.listen.certificate != nil
            try await program.run { port in
                logger.notice("serving at \(isEncrypted ? "https" : "http")://\(configuration.listen.host):\(port)")
            }
        }
    }
}

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "The configuration.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads the configuration and every file that it names, and opens no key.")

        @OptionGroup var options: ConfigurationOption

        func run() async throws {
            try await reportingProblems {
                let configuration = try options.read()
                try configuration.checkFiles()
                for (name, settings, _) in configuration.keys {
                    let callers = settings.callers.sorted().joined(separator: ", ")
                    print("key \(name): \(settings.usage.rawValue), for \(callers.isEmpty ? "nobody" : callers)")
                }
                print("the configuration can be used")
            }
        }
    }
}

struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "The decision log.", subcommands: [Verify.self, Head.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follows a decision log from its first line and says whether it is whole.",
            discussion:
                "Lines cut off at the end show only against what was kept elsewhere: the head, or a hash that an answer carried."
        )

        @Argument(help: "The log.")
        var file: String

        @Option(help: "A hash that an answer carried; the log must hold its entry.")
        var contains: [String] = []

        @Option(help: "The head that the service wrote (logHead); the log must reach it.")
        var head: String?

        func run() async throws {
            try await reportingProblems {
                var wanted = Set(contains)
                var search = try head.map { HeadSearch(try LogHead(reading: $0)) }
                let trail = try LogTrail.read(file) { entry in
                    wanted.remove(entry.hash)
                    search?.take(entry)
                }
                try search?.check(trail)
                if let missing = wanted.sorted().first {
                    throw SignerError(
                        .brokenLog, "the log has no entry \(missing.prefix(64))", hint: "lines were cut off")
                }
                let torn = trail.unfinished == nil ? "" : "; its last line is torn, and is marked at the next start"
                print("\(trail.sequence) entries, whole; the last has the hash \(trail.hash)\(torn)")
            }
        }
    }

    struct Head: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follows a decision log and prints its head, as the service keeps it in logHead.")

        @Argument(help: "The log.")
        var file: String

        func run() async throws {
            try await reportingProblems {
                let trail = try LogTrail.read(file)
                let now = UTCDate(seconds: Int64(Date().timeIntervalSince1970))
                print(LogHead(count: trail.sequence, hash: trail.hash, time: now))
            }
        }
    }
}

/// Runs a command's work; what goes wrong is told on standard error with its way out, and becomes the exit status.
func reportingProblems(_ work: () async throws -> Void) async throws {
    do {
        try await work()
    } catch let error as SignerError {
        say(error)
        throw ExitCode(error.code == .configuration ? 2 : error.code == .brokenLog ? 1 : 3)
    } catch let error as any Problem {
        say(error)
        throw ExitCode(error is CriteriaError ? 2 : 3)
    } catch {
        FileHandle.standardError.write(Data("roadstead-signer: \(error)\n".utf8))
        throw ExitCode(3)
    }
}

private func say(_ problem: any Problem) {
    var text = "roadstead-signer: \(problem.reason)\n"
    if let hint = problem.hint { text += "hint: \(hint)\n" }
    FileHandle.standardError.write(Data(text.utf8))
}
