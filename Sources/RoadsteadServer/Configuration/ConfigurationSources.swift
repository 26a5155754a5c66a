import Configuration
import Problems

/// Where settings come from, the first that says something wins.
package struct ConfigurationSources: Sendable {
    let flags: [ConfigurationKey: String]
    let environment: [String: String]
    let file: [(key: String, value: String)]
    /// Words that stand in a file and mean nothing.
    let unknownKeys: [String]

    init(
        flags: [ConfigurationKey: String] = [:], environment: [String: String] = [:], file: ConfigurationFile? = nil
    ) {
        self.flags = flags
        self.environment = environment
        let values = file?.values ?? []
        self.file = values.filter { ConfigurationKey(rawValue: Self.dotted($0.key)) != nil }
        unknownKeys = values.map(\.key).filter { ConfigurationKey(rawValue: Self.dotted($0)) == nil }
    }

    /// `database.root-certificate` and `database.root.certificate` are the same key.
    private static func dotted(_ key: String) -> String {
        String(key.map { $0 == "-" || $0 == "_" ? "." : $0 }).lowercased()
    }

    /// The reader in the order of precedence; every value is read as text and parsed by its key.
    var reader: ConfigReader {
        func values(_ pairs: [(String, String)]) -> [AbsoluteConfigKey: ConfigValue] {
            Dictionary(
                pairs.map { key, value in
                    let components = ["roadstead"] + key.split(separator: ".").map(String.init)
                    return (AbsoluteConfigKey(components), ConfigValue(.string(value), isSecret: false))
                },
                uniquingKeysWith: { _, last in last })
        }
        return ConfigReader(providers: [
            InMemoryProvider(name: "flags", values: values(flags.map { ($0.key.rawValue, $0.value) })),
            EnvironmentVariablesProvider(environmentVariables: environment),
            InMemoryProvider(name: "file", values: values(file.map { (Self.dotted($0.key), $0.value) })),
        ]).scoped(to: "roadstead")
    }
}

/// Everything that is wrong with a configuration.
struct ConfigurationProblems: Error, CustomStringConvertible {
    let problems: [ServerError]
    var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Reads settings and collects what is wrong with them, so that all problems are told at once.
struct SettingReader {
    private let reader: ConfigReader
    private var problems: [ServerError]

    init(_ sources: ConfigurationSources) {
        reader = sources.reader
        problems = sources.unknownKeys.map { key in
            ServerError(
                .configuration, "the file sets \"\(key.prefix(60))\", which is no setting",
                hint: "see roadstead-server config check --help")
        }
    }

    mutating func text(_ key: ConfigurationKey) -> String? {
        guard let text = reader.string(forKey: ConfigKey(key.rawValue.split(separator: ".").map(String.init))) else {
            return nil
        }
        guard !text.isEmpty, text.utf8.count <= 4_096, !text.utf8.contains(0) else {
            refuse(key, "is empty or longer than 4096 bytes", key.summary)
            return nil
        }
        return text
    }

    mutating func number(_ key: ConfigurationKey, _ range: ClosedRange<Int>) -> Int? {
        guard let text = text(key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            refuse(key, "is \"\(text.prefix(40))\"", "\(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    mutating func oneOf(_ key: ConfigurationKey, _ words: [String]) -> String? {
        guard let text = text(key) else { return nil }
        guard words.contains(text) else {
            refuse(key, "is \"\(text.prefix(40))\"", "one of \(words.joined(separator: ", "))")
            return nil
        }
        return text
    }

    mutating func directory(_ key: ConfigurationKey) -> String? {
        guard let text = text(key) else { return nil }
        guard text.hasPrefix("/") else {
            refuse(key, "is \"\(text.prefix(80))\"", "an absolute path")
            return nil
        }
        return text
    }

    mutating func url(_ key: ConfigurationKey) -> String? {
        guard let text = text(key) else { return nil }
        let scheme = ["https://", "http://"].first { text.hasPrefix($0) }
        let rest = scheme.map { text.dropFirst($0.count) } ?? ""
        guard !rest.isEmpty, rest.allSatisfy({ $0.isASCII && !$0.isWhitespace && $0 != "?" && $0 != "#" && $0 != "@" })
        else {
            refuse(key, "is \"\(text.prefix(80))\"", "such as https://trust.example.com")
            return nil
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    mutating func list(_ key: ConfigurationKey) -> [String] {
        (text(key) ?? "").split(separator: ",").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
    }

    mutating func refuse(_ key: ConfigurationKey, _ reason: String, _ hint: String) {
        problems.append(ServerError(.configuration, "\(key.rawValue): \(reason)", hint: hint))
    }

    func finish() throws {
        if !problems.isEmpty { throw ConfigurationProblems(problems: problems) }
    }
}
