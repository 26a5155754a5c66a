import Codecs

/// In which form a command prints its result.
enum Output: String, Sendable, CaseIterable {
    case text
    case json
    case yaml

    static let option = Option.value(
        "output", "text|json|yaml", short: "o", "the form of the result (default: text)")

    init(_ invocation: Invocation) throws(CommandError) {
        self = try invocation.choice(Self.option.name, default: .text)
    }
}

extension Console {
    /// Prints a result for programs; as text it is JSON in lines, for people.
    func show(_ result: JSON, as output: Output) {
        switch output {
        case .text: printText(result.prettyText)
        case .json: print(result.text)
        case .yaml: printText(YAMLText.text(result))
        }
    }
}
