import Codecs
import Problems

/// The words of a command line, sorted into the options and operands that its command takes.
struct Invocation: Sendable {
    private(set) var operands: [String] = []
    private var values: [String: [String]] = [:]

    init(_ arguments: [String], of command: Command) throws(CommandError) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                break
            }
            guard word.hasPrefix("-"), word != "-" else {
                operands.append(word)
                continue
            }
            let (option, inline) = try Self.option(word, of: command)
            guard option.arity != .flag else {
                guard inline == nil else { throw Self.usage(command, "--\(option.name) takes no value") }
                values[option.name] = [""]
                continue
            }
            guard let value = inline ?? rest.popFirst() else {
                throw Self.usage(command, "--\(option.name) needs a value: \(option.spelling)")
            }
            guard option.arity == .repeated || values[option.name] == nil else {
                throw Self.usage(command, "--\(option.name) is given twice")
            }
            values[option.name, default: []].append(value)
        }
        for option in command.options where option.isRequired && values[option.name] == nil {
            throw Self.usage(command, "--\(option.name) is missing: \(option.help)")
        }
        guard command.operand != nil || operands.isEmpty else {
            throw Self.usage(command, "\"\(operands[0])\" is one word too many")
        }
    }

    subscript(name: String) -> String? { values[name]?.last }

    func all(_ name: String) -> [String] { values[name] ?? [] }

    func has(_ name: String) -> Bool { values[name] != nil }

    /// The value of an option that the command requires.
    func required(_ name: String) throws(CommandError) -> String {
        guard let value = self[name] else { throw CommandError(.usage, "--\(name) is missing") }
        return value
    }

    /// The one operand of a command.
    func operand(_ what: String) throws(CommandError) -> String {
        guard let operand = operands.first, operands.count == 1 else {
            throw CommandError(.usage, "exactly one \(what) belongs here, \(operands.count) were given")
        }
        return operand
    }

    func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws(CommandError) -> Int {
        guard let text = self[name] else { return standard }
        guard let value = Int(text), range.contains(value) else {
            throw CommandError(
                .usage, "--\(name) is \"\(text)\", not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// `KEY=VALUE` pairs, each key once.
    func pairs(_ name: String) throws(CommandError) -> [String: String] {
        var pairs: [String: String] = [:]
        for text in all(name) {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw CommandError(.usage, "\"\(text)\" is not of the form KEY=VALUE")
            }
            let key = String(text[..<equals])
            guard pairs.updateValue(String(text[text.index(after: equals)...]), forKey: key) == nil else {
                throw CommandError(.usage, "the key \"\(key)\" is given twice")
            }
        }
        return pairs
    }

    /// A span of time such as `90s`, `30m`, `24h` or `7d`, in seconds.
    func duration(_ name: String) throws(CommandError) -> Int64? {
        guard let text = self[name] else { return nil }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), count > 0,
            text.first != "+"
        else {
            throw CommandError(.usage, "--\(name) is \"\(text)\", not a time such as 90s, 30m, 24h or 7d")
        }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
        guard !overflow, seconds <= 100 * 366 * 86_400 else {
            throw CommandError(.usage, "--\(name) is longer than 100 years")
        }
        return seconds
    }

    /// One of a set of words.
    func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ name: String, default standard: Value
    ) throws(CommandError) -> Value {
        guard let text = self[name] else { return standard }
        guard let value = Value(rawValue: text) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandError(.usage, "--\(name) is \"\(text)\", not one of \(known)")
        }
        return value
    }

    private static func option(
        _ word: String, of command: Command
    ) throws(CommandError) -> (Option, inline: String?) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let found = command.options.first { option in
            word.hasPrefix("--") ? "--\(option.name)" == parts[0] : option.short.map { "-\($0)" == word } ?? false
        }
        if let found { return (found, parts.count == 2 && word.hasPrefix("--") ? parts[1] : nil) }
        let nearest = Spelling.nearest(to: parts[0], among: command.options.map { "--\($0.name)" })
        throw CommandError(
            .usage, "roadstead \(command.name) has no option \(parts[0])",
            hint: nearest.map { "did you mean \($0)?" } ?? "roadstead \(command.name) --help lists the options")
    }

    private static func usage(_ command: Command, _ reason: String) -> CommandError {
        CommandError(.usage, reason, hint: "roadstead \(command.name) --help")
    }
}
