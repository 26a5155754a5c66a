import SigningKeys

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
    /// Whether a command line needs more than files, beside what its keys need.
    private let needsMore: @Sendable (Invocation) -> Bool
    let run: @Sendable (Invocation, Console, Reach) async throws -> ExitStatus

    init(
        _ name: String, _ summary: String, operand: String? = nil, options: [Option] = [], discussion: String = "",
        examples: [String] = [], needsMore: @escaping @Sendable (Invocation) -> Bool = { _ in false },
        run: @escaping @Sendable (Invocation, Console, Reach) async throws -> ExitStatus
    ) {
        self.name = name
        self.summary = summary
        self.operand = operand
        self.options = options
        self.discussion = discussion
        self.examples = examples
        self.needsMore = needsMore
        self.run = run
    }

    /// Options whose value is a key's URI.
    static let keyOptions = ["key", "ca-key"]

    /// Whether a command line needs what only the larger program reaches.
    func reachesBeyondFiles(_ invocation: Invocation) -> Bool {
        let keys = Self.keyOptions.flatMap(invocation.all) + invocation.operands
        let isElsewhere = keys.contains { key in
            KeyScheme.allCases.contains { !KeyScheme.inFiles.contains($0) && key.hasPrefix($0.prefix) }
        }
        return isElsewhere || needsMore(invocation)
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

extension KeyScheme {
    /// What every program reaches.
    static let inFiles: Set<KeyScheme> = [.file, .pkcs12]
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
