import CloudKeys
import Files
import Outbound
import RoadsteadPublish
import SigningKeys
import Synchronization
import TokenKeys
import TokenWire

extension KeySettings {
    /// What reaches the places that are configured; nil where every key is sealed.
    func reach(_ backends: [KeyScheme: any KeyBackend]) -> KeyReach? {
        places.schemes.isEmpty ? nil : KeyReach(KeyBackends(backends), deadline: deadline)
    }

    /// One backend for each place that is configured.
    func backends(_ outbound: OutboundSettings) throws -> [KeyScheme: any KeyBackend] {
        var backends: [KeyScheme: any KeyBackend] = [:]
        if let token { backends[.pkcs11] = ServerTokens(try token.settings(within: deadline)) }
        if let vault {
            let transport = try OutboundKeyTransport(vault.address, outbound, deadline: deadline)
            backends[.hashivault] = try VaultBackend(KeyServiceEnvironment(vault.variables), transport: transport)
        }
        return backends
    }
}

extension ServerKeys {
    /// The server's keys as its configuration has them.
    init(_ configuration: ServerConfiguration, _ master: MasterKey) throws {
        let keys = configuration.keys
        self.init(master, places: keys.places, reach: keys.reach(try keys.backends(configuration.outbound)))
    }
}

extension KeySettings.TokenPlace {
    func settings(within deadline: Duration) throws -> TokenSettings {
        let pinFile = pinFile
        // A little longer than a signature may take as a whole, whose end is then the one that is told of.
        var settings = TokenSettings(
            module: module, program: try TokenSettings.programBesideThisOne(), deadline: deadline + .seconds(2)
        ) { token in
            guard let pinFile, !token.hasOwnKeypad else { return nil }
            var line = try Files.readSecretLine(pinFile)
            return Secret(wiping: &line)
        }
        settings.generationDeadline = KeyReach.makingDeadline
        return settings
    }
}

extension KeySettings.VaultPlace {
    /// The settings under the names that the backend knows them by.
    fileprivate var variables: [String: String] {
        let values = [
            "VAULT_ADDR": address, "VAULT_NAMESPACE": namespace, "VAULT_TOKEN_FILE": tokenFile,
            "VAULT_ROLE_ID_FILE": roleFile, "VAULT_SECRET_ID_FILE": secretFile,
        ]
        return values.compactMapValues { $0 }
    }
}

/// Speaks to a key service by the door that every request of the server takes.
struct OutboundKeyTransport: KeyServiceTransport {
    private let client: OutboundClient

    /// - Parameter address: of the service, open to the server because the operator configured it.
    init(_ address: String, _ outbound: OutboundSettings, deadline: Duration) throws {
        let url = try OutboundURL(address)
        let own = HostRule.host(scheme: url.scheme, name: url.host, port: url.port)
        client = try OutboundClient(
            policy: OutboundPolicy(
                allowed: outbound.allowed + [own], maximumBytes: KeyServiceRequest.maximumBytes, timeout: deadline,
                connectTimeout: deadline),
            caFile: outbound.authority, userAgent: "roadstead-server/\(ServerProgram.version)")
    }

    func send(_ request: KeyServiceRequest) async throws -> KeyServiceResponse {
        let method: OutboundRequest.Method =
            switch request.method {
            case .get: .get
            case .post: .post
            case .put: .put
            }
        do {
            let response = try await client.request(
                OutboundRequest(
                    method, request.url, headers: request.headers, body: request.body,
                    maximumBytes: request.maximumBytes, followsRedirects: false))
            return KeyServiceResponse(status: response.status, headers: response.headers, body: response.body)
        } catch let error as OutboundError {
            throw CloudKeyError(Self.code(error.code), error.reason, hint: error.hint)
        }
    }

    private static func code(_ code: OutboundError.Code) -> CloudKeyError.Code {
        switch code {
        case .deadline: .deadline
        case .url, .refused, .configuration: .address
        case .tooLarge, .answer, .redirect: .answer
        case .unresolved, .unreachable: .unreachable
        }
    }
}

/// Keys on tokens of one module.
///
/// A token that did not answer to its PIN is begun with anew: nobody is there to give the PIN of a server again. What
/// refused a PIN is not; nor does a token get one that says that few tries are left.
final class ServerTokens: KeyBackend {
    private let settings: TokenSettings
    private let backend: Mutex<PKCS11Backend>

    init(_ settings: TokenSettings) {
        self.settings = settings
        backend = Mutex(PKCS11Backend(settings))
    }

    func open(_ name: KeyName) async throws -> OpenedKey { try await renewing { try await $0.open(name) } }
    func publicKey(_ name: KeyName) async throws -> PublicKey { try await renewing { try await $0.publicKey(name) } }
    func list(_ name: KeyName) async throws -> KeyListing { try await renewing { try await $0.list(name) } }

    func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        try await renewing { try await $0.generate(type, name) }
    }

    private func renewing<Value>(_ work: (PKCS11Backend) async throws -> Value) async throws -> Value {
        let used = backend.withLock { $0 }
        do {
            return try await work(used)
        } catch let error as TokenError where [.deadline, .crashed].contains(error.code) {
            backend.withLock { if $0 === used { $0 = PKCS11Backend(settings) } }
            throw error
        }
    }
}
