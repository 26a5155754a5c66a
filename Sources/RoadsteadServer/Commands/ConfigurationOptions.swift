import ArgumentParser
import Files
import Foundation

/// Flags that every command takes; what is not given comes from the environment, the file or the defaults.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "Configuration file, YAML or JSON. [environment: ROADSTEAD_CONFIG]")
    var config: String?

    @Option(help: "Address to listen on, HOST:PORT; port 0 takes a free one.")
    var listen: String?

    @Option(name: .customLong("state"), help: "Directory for published files and the bootstrap token.")
    var stateDirectory: String?

    @Option(help: "Address by which hosts reach the server, as join strings carry it.")
    var publicURL: String?

    @Option(help: "PEM file with the server's certificate chain.")
    var tlsCertificate: String?

    @Option(help: "PEM file with the certificate's key.")
    var tlsKey: String?

    @Option(help: "Address of a proxy that terminates TLS; may be repeated.")
    var trustedProxy: [String] = []

    @Option(help: "Host of PostgreSQL, or the directory of its socket.")
    var databaseHost: String?

    @Option(help: "Port of PostgreSQL.")
    var databasePort: String?

    @Option(help: "Name of the database.")
    var databaseName: String?

    @Option(help: "disable, require or verify-full.")
    var databaseTLS: String?

    @Option(help: "0600 file with lines ROLE:PASSWORD.")
    var databasePasswords: String?

    @Option(help: "0600 file with the master key.")
    var masterKey: String?

    @Option(help: "trace, debug, info, notice, warning or error.")
    var logLevel: String?

    func sources(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> ConfigurationSources {
        let path = config ?? environment["ROADSTEAD_CONFIG"]
        return ConfigurationSources(
            flags: try flags(), environment: environment, file: try path.map { try ConfigurationFile(path: $0) })
    }

    private func flags() throws -> [ConfigurationKey: String] {
        var flags: [ConfigurationKey: String] = [:]
        if let listen { (flags[.listenHost], flags[.listenPort]) = try Self.split(listen) }
        let given: [(ConfigurationKey, String?)] = [
            (.stateDirectory, stateDirectory.map(Self.absolute)), (.publicURL, publicURL),
            (.tlsCertificate, tlsCertificate), (.tlsKey, tlsKey), (.databaseHost, databaseHost),
            (.databasePort, databasePort), (.databaseName, databaseName), (.databaseTLS, databaseTLS),
            (.databasePasswords, databasePasswords), (.masterKey, masterKey), (.logLevel, logLevel),
        ]
        for (key, value) in given { flags[key] = value }
        if !trustedProxy.isEmpty { flags[.trustedProxy] = trustedProxy.joined(separator: ",") }
        return flags
    }

    /// `HOST:PORT`, `[::1]:PORT`, `:PORT` or `HOST`.
    private static func split(_ listen: String) throws -> (String?, String?) {
        if listen.hasPrefix("["), let end = listen.firstIndex(of: "]") {
            let host = String(listen[listen.index(after: listen.startIndex)..<end])
            let rest = listen[listen.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw refusal(listen) }
            return (host, rest.isEmpty ? nil : String(rest.dropFirst()))
        }
        let parts = listen.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw refusal(listen) }
        let host = parts[0].isEmpty ? nil : String(parts[0])
        return (host, parts.count == 2 ? String(parts[1]) : nil)
    }

    private static func refusal(_ listen: String) -> ServerError {
        ServerError(
            .configuration, "--listen is \"\(listen.prefix(60))\"", hint: "HOST:PORT, such as 127.0.0.1:8420 or [::1]:0"
        )
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
