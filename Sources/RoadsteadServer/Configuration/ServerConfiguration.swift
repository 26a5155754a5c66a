import Codecs
import Configuration
import Files
import Logging
import PostgresKit
import RoadsteadPublish

/// Everything the server can be told, checked as a whole: flags, then environment, then file, then defaults.
package struct ServerConfiguration: Sendable {
    var listenHost: String
    var listenPort: Int
    /// As configured; join strings fall back to the address that is listened on.
    var publicURL: String?
    var tls: TLSFiles?
    var trustedProxies: [String]
    var outbound: OutboundSettings
    var providers: ProviderSettings
    var database: DatabaseConfiguration
    var stateDirectory: String
    var masterKeyPath: String
    /// Where the server's other keys are made and found.
    var keys: KeySettings
    /// Where systemd puts credentials, when it started the server.
    var credentialsDirectory: String?
    var logLevel: Logger.Level
    var cacheBytes: Int
    var shutdown: Duration
    var limits: RequestLimits

    struct TLSFiles: Sendable {
        let certificate: String
        let key: String
        /// The CA of client certificates, where they are asked for.
        var clientAuthority: String?
    }

    /// Reads and checks all settings.
    ///
    /// - Throws: `ConfigurationProblems` with everything that is wrong.
    init(_ sources: ConfigurationSources) throws {
        var reader = SettingReader(sources)
        listenHost = reader.text(.listenHost) ?? "127.0.0.1"
        listenPort = reader.number(.listenPort, 0...65_535) ?? 8_420
        publicURL = reader.url(.publicURL)
        trustedProxies = reader.list(.trustedProxy)
        outbound = OutboundSettings(&reader)
        providers = ProviderSettings(&reader)
        database = DatabaseConfiguration(&reader)
        stateDirectory = reader.directory(.stateDirectory) ?? Self.defaultStateDirectory(sources.environment)
        credentialsDirectory = sources.environment["CREDENTIALS_DIRECTORY"]
        masterKeyPath = reader.text(.masterKey) ?? Self.defaultMasterKey(sources.environment, stateDirectory)
        keys = KeySettings(&reader)
        logLevel =
            reader.oneOf(.logLevel, Logger.Level.allCases.map(\.rawValue)).flatMap { Logger.Level(rawValue: $0) }
            ?? .info
        cacheBytes = (reader.number(.cacheMegabytes, 1...65_536) ?? 64) << 20
        shutdown = .seconds(reader.number(.shutdownSeconds, 1...600) ?? 20)
        limits = RequestLimits(
            credentialPerMinute: reader.number(.limitCredential, RequestLimits.range)
                ?? RequestLimits.standard.credentialPerMinute,
            addressPerMinute: reader.number(.limitAddress, RequestLimits.range)
                ?? RequestLimits.standard.addressPerMinute,
            failuresPerMinute: reader.number(.limitFailures, RequestLimits.failures)
                ?? RequestLimits.standard.failuresPerMinute)
        tls = Self.tls(&reader)
        checkExposure(&reader)
        checkClientCertificates(&reader)
        try reader.finish()
    }

    private static func tls(_ reader: inout SettingReader) -> TLSFiles? {
        let authority = reader.text(.tlsClientAuthority)
        switch (reader.text(.tlsCertificate), reader.text(.tlsKey)) {
        case (let certificate?, let key?):
            return TLSFiles(certificate: certificate, key: key, clientAuthority: authority)
        case (nil, nil):
            guard authority != nil else { return nil }
            reader.refuse(
                .tlsClientAuthority, "client certificates need TLS at this server itself",
                "set tls.certificate and tls.key; a proxy's word about certificates is never believed")
            return nil
        default:
            reader.refuse(.tlsCertificate, "a certificate and its key go together", "set both or neither")
            return nil
        }
    }

    /// Off loopback, credentials never travel in the clear.
    private func checkExposure(_ reader: inout SettingReader) {
        guard tls == nil, !isLoopback, trustedProxies.isEmpty else { return }
        reader.refuse(
            .listenHost, "plain HTTP on \(listenHost) would carry credentials in the clear",
            "set tls.certificate and tls.key, or name the proxy that terminates TLS with --trusted-proxy ADDRESS")
    }

    /// Behind a proxy the certificate of a connection is the proxy's, and would be everybody's.
    private func checkClientCertificates(_ reader: inout SettingReader) {
        guard tls?.clientAuthority != nil, !trustedProxies.isEmpty else { return }
        reader.refuse(
            .tlsClientAuthority, "client certificates and a trusted proxy do not go together",
            "let clients connect to this server itself, or sign them in without certificates")
    }

    var isLoopback: Bool { listenHost == "localhost" || listenHost == "::1" || listenHost.hasPrefix("127.") }

    /// Whether callers speak HTTPS, to this server or to its proxy.
    var isEncrypted: Bool { tls != nil || !trustedProxies.isEmpty }

    var publishedDirectory: String { stateDirectory + "/published" }
    var bootstrapTokenPath: String { stateDirectory + "/bootstrap-token" }

    /// The address for join strings, once the port is known.
    func publicAddress(port: Int) -> String {
        if let publicURL { return publicURL }
        let host = listenHost.contains(":") ? "[\(listenHost)]" : listenHost
        return "\(tls == nil ? "http" : "https")://\(host):\(port)"
    }

    static func defaultStateDirectory(_ environment: [String: String]) -> String {
        if environment["USER"] == "root" || environment["HOME"] == "/root" { return "/var/lib/roadstead/server" }
        let state = environment["XDG_STATE_HOME"] ?? (environment["HOME"].map { $0 + "/.local/state" } ?? "/var/lib")
        return state + "/roadstead/server"
    }

    /// Where nothing else was said, what belongs to `dev` lies apart from what belongs to `serve`.
    mutating func useOwnPlaces(_ environment: [String: String]) {
        let usual = Self.defaultStateDirectory(environment)
        let hasUsualKey = masterKeyPath == Self.defaultMasterKey(environment, stateDirectory)
        if stateDirectory == usual { stateDirectory = Files.parent(of: usual) + "/dev" }
        if hasUsualKey { masterKeyPath = stateDirectory + "/master-key" }
    }

    /// A systemd credential where there is one. [systemd.exec(5), LoadCredential]
    private static func defaultMasterKey(_ environment: [String: String], _ state: String) -> String {
        if let folder = environment["CREDENTIALS_DIRECTORY"], Files.exists("\(folder)/\(MasterKey.credentialName)") {
            return "\(folder)/\(MasterKey.credentialName)"
        }
        return state + "/master-key"
    }

    /// Every setting with its effective value; secrets are files, so there is nothing to hide but their contents.
    var summary: [(ConfigurationKey, String)] {
        [
            (.listenHost, listenHost), (.listenPort, String(listenPort)), (.publicURL, publicURL ?? "(from listen)"),
            (.tlsCertificate, tls?.certificate ?? "(none)"), (.tlsKey, tls?.key ?? "(none)"),
            (.tlsClientAuthority, tls?.clientAuthority ?? "(none)"),
            (.trustedProxy, trustedProxies.isEmpty ? "(none)" : trustedProxies.joined(separator: ",")),
        ] + outbound.summary + providers.summary + database.summary + [
            (.stateDirectory, stateDirectory), (.masterKey, masterKeyPath),
        ] + keys.summary + [
            (.logLevel, logLevel.rawValue),
            (.cacheMegabytes, String(cacheBytes >> 20)), (.shutdownSeconds, String(shutdown.components.seconds)),
            (.limitCredential, String(limits.credentialPerMinute)), (.limitAddress, String(limits.addressPerMinute)),
            (.limitFailures, String(limits.failuresPerMinute)),
        ]
    }
}
