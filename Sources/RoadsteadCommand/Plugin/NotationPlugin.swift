import Codecs
import Files
import Glibc
import Problems
import SigningKeys

/// `notation-roadstead`: this program under the name of a Notation plugin, so that notation signs with every key here.
///
/// One command for each process: a request in JSON on standard input, an answer on standard output, an error on standard
/// error. [Notary plugin-extensibility, contract 1.0]
package enum NotationPlugin {
    package static let programName = "notation-roadstead"
    /// The word by which `roadstead-remote` is asked for the same.
    static let word = "notation-plugin"
    static let contractVersion = "1.0"

    /// What notation itself reads and writes at most.
    static let maximumRequestBytes = 64 << 20

    static func run(_ arguments: [String], _ console: Console, _ reach: Reach) async -> Int32 {
        do {
            let answer = try await answer(arguments, console, reach)
            console.print(JSON.object(answer).text)
            return ExitStatus.success.rawValue
        } catch {
            console.complain(PluginError(error).json)
            return 1
        }
    }

    private static func answer(
        _ arguments: [String], _ console: Console, _ reach: Reach
    ) async throws -> JSONObject {
        guard arguments.count == 1, let name = arguments.first, let command = PluginCommand(rawValue: name) else {
            throw PluginError(.validation, "the plugin's one argument is a command of the protocol, not \(arguments)")
        }
        let bytes = try standardInput()
        let request = try PluginRequest(bytes, command)
        if command == .metadata { return metadata(request.config) }
        let key = try PluginKey(request, console)
        if !reach.isFull, !KeyScheme.inFiles.contains(key.name.scheme) { throw try handOver(command, bytes) }
        switch command {
        case .describe: return try await describe(request, key, reach)
        case .signature: return try await sign(request, key, reach)
        case .envelope: return try await envelope(request, key, reach, console)
        case .metadata: return JSONObject()
        }
    }

    private static func metadata(_ config: PluginConfig) -> JSONObject {
        JSONObject([
            ("name", "roadstead"),
            ("description", "signs with keys in files, on tokens, in agents and in key services"),
            ("version", .string(VersionCommand.version)), ("url", "https://github.com/roadstead/roadstead"),
            ("supportedContractVersions", [.string(contractVersion)]),
            ("capabilities", [config.signsEnvelopes ? "SIGNATURE_GENERATOR.ENVELOPE" : "SIGNATURE_GENERATOR.RAW"]),
        ])
    }

    /// All of standard input, up to what a request may have.
    private static func standardInput() throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw PluginError(.generic, "the request cannot be read") }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= maximumRequestBytes else {
                throw PluginError(.validation, "the request is larger than \(maximumRequestBytes) bytes")
            }
        }
    }

    /// Becomes the program that reaches more, with the same request before it.
    private static func handOver(_ command: PluginCommand, _ request: [UInt8]) throws -> PluginError {
        guard let file = unsafe tmpfile() else { throw PluginError(.generic, "no temporary file could be made") }
        defer { unsafe fclose(file) }
        let number = unsafe fileno(file)
        var rest = request[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(number, $0.baseAddress, $0.count) }
            guard count > 0 else { throw PluginError(.generic, "the request cannot be handed on") }
            rest = rest.dropFirst(count)
        }
        lseek(number, 0, SEEK_SET)
        dup2(number, STDIN_FILENO)
        try Sibling.replaceProcess(
            program: "roadstead-remote", arguments: [word, command.rawValue], searchesPath: true)
        return PluginError(
            .generic,
            "the program roadstead-remote, which reaches this kind of key, is neither beside this one nor in PATH")
    }
}
