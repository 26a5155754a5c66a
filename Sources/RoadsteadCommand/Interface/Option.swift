/// One option of a command: the only place where its name, its value and its help stand.
struct Option: Sendable {
    enum Arity: Sendable, Equatable {
        case flag
        case single
        case repeated
    }

    let name: String
    let short: Character?
    /// What stands for the value in the help; nil for a flag.
    let value: String?
    let arity: Arity
    let isRequired: Bool
    let help: String

    static func value(
        _ name: String, _ value: String, short: Character? = nil, required: Bool = false, _ help: String
    ) -> Option {
        Option(name: name, short: short, value: value, arity: .single, isRequired: required, help: help)
    }

    static func repeated(_ name: String, _ value: String, short: Character? = nil, _ help: String) -> Option {
        Option(name: name, short: short, value: value, arity: .repeated, isRequired: false, help: help)
    }

    static func flag(_ name: String, _ help: String) -> Option {
        Option(name: name, short: nil, value: nil, arity: .flag, isRequired: false, help: help)
    }

    /// How it is written in the help.
    var spelling: String {
        let long = "--\(name)" + (value.map { " \($0)" } ?? "")
        return short.map { "-\($0), \(long)" } ?? long
    }
}
