import Problems

/// The command line, read once: what to do, with what, and how long it may take.
package struct ClientArguments: Sendable, Equatable {
    package enum Command: Sendable, Equatable {
        case initialise(rootFile: String)
        case refresh(metadataURL: BaseURL)
        case download(metadataURL: BaseURL, targets: Targets)
    }

    /// What to download, in order, from where and to where.
    package struct Targets: Sendable, Equatable {
        package let names: [String]
        package let directory: String
        package let baseURL: BaseURL
    }

    package static let usage = """
        usage: roadstead-tuf-client --metadata-dir DIR init ROOT_FILE
               roadstead-tuf-client --metadata-url URL --metadata-dir DIR refresh
               roadstead-tuf-client --metadata-url URL --metadata-dir DIR --target-name NAME [--target-name NAME …]
                                    --target-dir DIR --target-base-url URL download
        also:  --request-seconds N (30) for each request, --total-seconds N (300) for the whole run
        """

    package let command: Command
    package let metadataDirectory: String
    package let requestSeconds: Double
    package let totalSeconds: Double

    package init(_ arguments: [String]) throws(ClientError) {
        var options = Options()
        try options.read(arguments)
        metadataDirectory = try options.one("--metadata-dir")
        requestSeconds = try options.seconds("--request-seconds", 30)
        totalSeconds = try options.seconds("--total-seconds", 300)
        switch (options.words.first, options.words.count) {
        case ("init", 2): command = .initialise(rootFile: options.words[1])
        case ("refresh", 1): command = .refresh(metadataURL: try BaseURL(options.one("--metadata-url")))
        case ("download", 1):
            let names = options.values["--target-name"] ?? []
            guard !names.isEmpty else { throw Self.misused("download needs --target-name") }
            let targets = Targets(
                names: names, directory: try options.one("--target-dir"),
                baseURL: try BaseURL(options.one("--target-base-url")))
            command = .download(metadataURL: try BaseURL(options.one("--metadata-url")), targets: targets)
        default: throw Self.misused("give one of init ROOT_FILE, refresh or download")
        }
    }

    fileprivate static func misused(_ reason: String) -> ClientError { ClientError(.usage, reason, hint: usage) }
}

/// Options and words as they stand on the command line.
private struct Options {
    static let known = [
        "--metadata-dir", "--metadata-url", "--target-name", "--target-dir", "--target-base-url", "--request-seconds",
        "--total-seconds",
    ]
    static let repeatable = "--target-name"

    var values: [String: [String]] = [:]
    var words: [String] = []

    mutating func read(_ arguments: [String]) throws(ClientError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                words.append(argument)
                continue
            }
            guard Self.known.contains(argument) else { throw ClientArguments.misused("\(argument) is not an option") }
            guard let value = rest.popFirst() else { throw ClientArguments.misused("\(argument) needs a value") }
            values[argument, default: []].append(value)
            guard argument == Self.repeatable || values[argument]?.count == 1 else {
                throw ClientArguments.misused("\(argument) is given twice")
            }
        }
    }

    func one(_ name: String) throws(ClientError) -> String {
        guard let value = values[name]?.first, !value.isEmpty else {
            throw ClientArguments.misused("\(name) is missing")
        }
        return value
    }

    func seconds(_ name: String, _ usual: Double) throws(ClientError) -> Double {
        guard let text = values[name]?.first else { return usual }
        guard let seconds = Double(text), (0.1...86_400).contains(seconds) else {
            throw ClientArguments.misused("\(name) takes a number of seconds from 0.1 to 86400")
        }
        return seconds
    }
}
