import ArgumentParser
import Foundation
import Testing

@testable import RoadsteadCommand
@testable import RoadsteadRemote

@Suite struct CommandTree {
    /// Every command with the words that call it.
    private static func all(
        below command: any ParsableCommand.Type = WholeCommand.self, words: [String] = []
    ) -> [(words: [String], command: any ParsableCommand.Type)] {
        command.configuration.subcommands.flatMap { child in
            let path = words + [child._commandName]
            return [(path, child)] + all(below: child, words: path)
        }
    }

    @Test func `every command says in a sentence what it does`() {
        let all = Self.all()
        #expect(all.count > 60)
        for (words, command) in all {
            #expect(command.configuration.abstract.hasSuffix("."), "roadstead \(words.joined(separator: " "))")
        }
    }

    @Test func `every option of every command has a help text`() throws {
        for (words, command) in Self.all() where command.configuration.subcommands.isEmpty {
            let help = WholeCommand.helpMessage(for: command, columns: 200)
            let options = help.split(separator: "\n").filter { $0.hasPrefix("  -") }
            for line in options {
                let isExplained = line.dropFirst(2).contains("  ") || line.count > 24
                #expect(isExplained, "roadstead \(words.joined(separator: " ")): \(line)")
            }
        }
    }

    @Test func `help of every command of the server's program ends well`() {
        for (words, _) in Self.all(below: RemoteCommand.self) {
            let error = #expect(throws: (any Error).self) {
                var help = try RemoteCommand.parseAsRoot(words + ["--help"])
                #expect("\(type(of: help))" == "HelpCommand")
                try help.run()
            }
            #expect(error.map { RemoteCommand.exitCode(for: $0) } == .success, "\(words)")
        }
    }

    @Test func `the small program's commands are all known to completion and manual`() {
        let known = Set(Self.all().map { $0.words.joined(separator: " ") })
        for command in Program.commands {
            #expect(known.contains(command.words.joined(separator: " ")), "\(command.name)")
        }
    }

    @Test func `the completion script is one that bash reads, with both programs' commands`() throws {
        let script = CompletionCommand.script(.bash)
        #expect(script.contains("verify"))
        #expect(script.contains("anchor"))
        let file = FileManager.default.temporaryDirectory.appending(path: "roadstead-\(UUID().uuidString).bash")
        try Data(script.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let bash = Process()
        bash.executableURL = URL(fileURLWithPath: "/bin/bash")
        bash.arguments = ["-n", file.path]
        try bash.run()
        bash.waitUntilExit()
        #expect(bash.terminationStatus == 0)
        #expect(CompletionCommand.script(.zsh).hasPrefix("#compdef roadstead"))
        #expect(CompletionCommand.script(.fish).contains("complete"))
    }

    @Test func `the manual names every command and has no line that man would take for a request`() {
        let page = ManualPage.text
        #expect(page.contains(".SS roadstead change approve"))
        #expect(page.contains(".SS roadstead verify"))
        #expect(page.utf8.count < 1 << 20)
        let requests = Set(
            page.split(separator: "\n").filter { $0.hasPrefix(".") }.map { $0.prefix { $0 != " " } })
        #expect(requests.isSubset(of: [".TH", ".SH", ".SS", ".nf", ".fi"]))
    }

    @Test(arguments: [
        (["cert", "add", "--type", "ca"], "roadstead anchor add"), (["pr", "list"], "roadstead change list"),
        (["auth", "can-i"], "roadstead can-i"), (["trustpolicy"], "roadstead policy"),
    ])
    func `the words of related tools lead to ours`(arguments: [String], meant: String) {
        #expect(OtherTongues.hint(for: arguments)?.contains(meant) == true)
    }
}
