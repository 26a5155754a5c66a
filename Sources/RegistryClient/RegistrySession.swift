/// How registries are reached, for one run of a program.
package struct RegistrySettings: Sendable {
    package var credentials: RegistryCredentials
    /// Speaks plain HTTP, to loopback only.
    package var plainHTTP: Bool
    /// Certificates in PEM that vouch for registries, beside those of the system.
    package var authorities: [UInt8]?
    package var mirrors: RegistryMirrors
    package var retries: RetryPolicy

    package init(
        credentials: RegistryCredentials = .none, plainHTTP: Bool = false, authorities: [UInt8]? = nil,
        mirrors: RegistryMirrors = .none, retries: RetryPolicy = .standard
    ) {
        self.credentials = credentials
        self.plainHTTP = plainHTTP
        self.authorities = authorities
        self.mirrors = mirrors
        self.retries = retries
    }

    /// - Throws: `RegistryError(.address)` for plain HTTP to another machine, `.configuration` for authorities that
    ///   cannot be read.
    package func check(_ registry: String) throws(RegistryError) {
        _ = try RegistryAddress(registry: registry, plain: plainHTTP ? .loopback : .refused)
        if let authorities { _ = try RegistryHTTP.tls(trusting: authorities) }
    }
}

/// The registries that one run of a program speaks to: connections, tokens and what was put where are kept between images.
package actor RegistrySession {
    private let http: RegistryHTTP
    private let settings: RegistrySettings
    private var registries: [String: Registry] = [:]

    private init(_ http: RegistryHTTP, _ settings: RegistrySettings) {
        self.http = http
        self.settings = settings
    }

    package static func with<Result: Sendable>(
        _ settings: RegistrySettings, _ body: (RegistrySession) async throws -> Result
    ) async throws -> Result {
        try await RegistryHTTP.with(authorities: settings.authorities) { http in
            try await body(RegistrySession(http, settings))
        }
    }

    /// For programs that ask for as long as they run; whoever opens it closes it.
    package static func open(_ settings: RegistrySettings) throws -> RegistrySession {
        RegistrySession(try RegistryHTTP(authorities: settings.authorities), settings)
    }

    package func close() async { await http.close() }

    /// - Parameter name: host and port, as references have it.
    package func registry(_ name: String) throws -> Registry {
        if let known = registries[name] { return known }
        let plain: RegistryAddress.Plain = settings.plainHTTP ? .loopback : .refused
        let origin = try RegistryEndpoint(name, http, settings.credentials, plain, settings.retries)
        let mirrors = try settings.mirrors.of(name).map { mirror in
            // Only this machine is spoken to in plain text; other mirrors keep to TLS also where that was asked for.
            let isPlain = settings.plainHTTP && RegistryAddress.isLoopback(mirror.host)
            return Registry.Mirror(
                endpoint: try RegistryEndpoint(
                    mirror.host, http, settings.credentials, isPlain ? .loopback : .refused, .none),
                prefix: mirror.prefix)
        }
        let registry = Registry(origin, mirrors: mirrors)
        registries[name] = registry
        return registry
    }
}
