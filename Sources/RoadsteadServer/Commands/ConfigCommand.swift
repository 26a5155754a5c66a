import ArgumentParser

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "The configuration.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the effective configuration, or everything that is wrong with it.",
            discussion: "Settings, as keys of the file (environment: ROADSTEAD_ and the key in capitals):\n"
                + ConfigurationKey.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            try await reportingProblems {
                for (key, value) in try ServerConfiguration(try options.sources()).summary {
                    print("\(key.rawValue): \(value)")
                }
            }
        }
    }
}
