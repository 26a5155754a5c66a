/// In which form a command prints its result.
enum Output: String, Sendable, CaseIterable {
    case text
    case json

    static let option = Option.value("output", "text|json", "the form of the result (default: text)")
}
