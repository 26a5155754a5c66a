/// One command: its name, what it takes, what it says about itself, and what it does.
struct Command: Sendable {
    /// The words that call it, such as `key generate`.
    let name: String
    let summary: String
    /// What stands after the options, for the help; nil where nothing may.
    let operand: String?
    let options: [Option]
    /// Paragraphs below the options.
    let discussion: String
    let examples: [String]
    let run: @Sendable (Invocation, Console) async throws -> ExitStatus

    init(
        _ name: String, _ summary: String, operand: String? = nil, options: [Option] = [], discussion: String = "",
        examples: [String] = [],
        run: @escaping @Sendable (Invocation, Console) async throws -> ExitStatus
    ) {
        self.name = name
        self.summary = summary
        self.operand = operand
        self.options = options
        self.discussion = discussion
        self.examples = examples
        self.run = run
    }

    var words: [String] { name.split(separator: " ").map(String.init) }

    var help: String {
        var text = "\(summary)\n\nusage: roadstead \(name)"
        for option in options where option.isRequired { text += " \(option.spelling)" }
        if options.contains(where: { !$0.isRequired }) { text += " [options]" }
        if let operand { text += " \(operand)" }
        text += "\n"
        if !options.isEmpty {
            text += "\noptions:\n"
            for option in options {
                text += HelpText.row(option.spelling, option.help + (option.isRequired ? " (required)" : ""))
            }
        }
        if !discussion.isEmpty { text += "\n\(discussion)\n" }
        if !examples.isEmpty { text += "\nexamples:\n" + examples.map { "  \($0)\n" }.joined() }
        return text
    }
}

enum HelpText {
    /// A term and its explanation, wrapped below one another.
    static func row(_ term: String, _ explanation: String) -> String {
        let indent = 34
        var lines: [String] = []
        var line = ""
        for word in explanation.split(separator: " ") {
            if !line.isEmpty, line.count + word.count + 1 > 100 - indent {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        lines.append(line)
        let margin = String(repeating: " ", count: indent)
        let body = lines.joined(separator: "\n\(margin)")
        guard term.count <= indent - 4 else { return "  \(term)\n\(margin)\(body)\n" }
        return "  \(term)\(String(repeating: " ", count: indent - 2 - term.count))\(body)\n"
    }
}
