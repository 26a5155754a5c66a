import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a completion script for a shell.",
        discussion: """
            bash: roadstead completion bash > ~/.local/share/bash-completion/completions/roadstead
            zsh:  roadstead completion zsh > "${fpath[1]}/_roadstead"
            fish: roadstead completion fish > ~/.config/fish/completions/roadstead.fish
            """)

    enum Shell: String, CaseIterable, ExpressibleByArgument { case bash, zsh, fish }

    @Argument(help: "bash, zsh or fish.") var shell: Shell

    func run() throws { Terminal.show(Self.script(shell)) }

    static func script(_ shell: Shell) -> String {
        switch shell {
        case .bash: WholeCommand.completionScript(for: .bash)
        case .zsh: WholeCommand.completionScript(for: .zsh)
        case .fish: WholeCommand.completionScript(for: .fish)
        }
    }
}

struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Print the manual page, in the form that man reads.",
        discussion: "For example: roadstead manual > roadstead.1; man ./roadstead.1")

    func run() throws { Terminal.showWhole(ManualPage.text) }
}

/// One page for man(1) with the help of every command. [man(7)]
enum ManualPage {
    static var text: String {
        let root = WholeCommand.configuration
        return """
            .TH ROADSTEAD 1
            .SH NAME
            roadstead \\- \(escaped(root.abstract))
            .SH DESCRIPTION
            .nf
            \(escaped(root.discussion))
            .fi
            .SH COMMANDS

            """ + sections(of: WholeCommand.self, words: ["roadstead"]).joined()
    }

    private static func sections(of command: any ParsableCommand.Type, words: [String]) -> [String] {
        command.configuration.subcommands.flatMap { child -> [String] in
            let words = words + [child._commandName]
            guard child.configuration.subcommands.isEmpty else { return sections(of: child, words: words) }
            let help = WholeCommand.helpMessage(for: child, columns: 78)
            return [".SS \(escaped(words.joined(separator: " ")))\n.nf\n\(escaped(help))\n.fi\n"]
        }
    }

    /// Backslashes and hyphens as they are, and no line that begins like a request.
    private static func escaped(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let plain = line.replacing("\\", with: "\\e").replacing("-", with: "\\-")
            return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
        }.joined(separator: "\n")
    }
}
