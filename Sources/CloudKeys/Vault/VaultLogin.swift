import Codecs
import Files

/// How a token for Vault is come by: a given one, or AppRole's role id and secret id, which may come wrapped.
struct VaultLogin: Sendable {
    struct Token: Sendable {
        let text: String
        let isRenewable: Bool
    }

    private enum Way: Sendable {
        case given(variable: String?)
        case file(String)
        case appRole(mount: String, role: String, SecretID)
    }

    private enum SecretID: Sendable {
        case variable
        case file(String)
        /// A token that gives it out once.
        case wrapped(VaultWrapping)
    }

    private let way: Way
    private let client: KeyServiceClient
    private let address: ServiceAddress
    private let namespace: String?

    init(_ client: KeyServiceClient, address: ServiceAddress, namespace: String?) throws {
        self.client = client
        self.address = address
        self.namespace = namespace
        way = try Self.way(client, address, namespace)
    }

    /// The token that somebody set wins over the role, and the role over the token that `vault login` left behind.
    private static func way(
        _ client: KeyServiceClient, _ address: ServiceAddress, _ namespace: String?
    ) throws -> Way {
        let environment = client.environment
        if environment["VAULT_TOKEN"] != nil { return .given(variable: try environment.secretLine("VAULT_TOKEN")) }
        if let path = environment["VAULT_TOKEN_FILE"] { return .file(path) }
        if let role = try role(environment) {
            let mount = environment["VAULT_APPROLE_PATH"] ?? "approle"
            guard mount.utf8.allSatisfy({ $0 != 0x3F && $0 != 0x23 && (0x21...0x7E).contains($0) }) else {
                throw CloudKeyError(.configuration, "VAULT_APPROLE_PATH is no path of an authentication method")
            }
            if let path = environment["VAULT_WRAPPED_SECRET_ID_FILE"] {
                let wrapping = VaultWrapping(client, address, namespace, mount: mount, file: path)
                return .appRole(mount: mount, role: role, .wrapped(wrapping))
            }
            if let path = environment["VAULT_SECRET_ID_FILE"] {
                return .appRole(mount: mount, role: role, .file(path))
            }
            return .appRole(mount: mount, role: role, .variable)
        }
        if let path = environment.home(".vault-token"), Files.exists(path) { return .file(path) }
        throw CloudKeyError(
            .configuration, "nothing says who is calling the Vault server",
            hint: "vault login, or set VAULT_TOKEN, VAULT_TOKEN_FILE, or VAULT_ROLE_ID with VAULT_SECRET_ID_FILE")
    }

    private static func role(_ environment: KeyServiceEnvironment) throws -> String? {
        if let path = environment["VAULT_ROLE_ID_FILE"] { return try environment.secretLine(inFile: path) }
        return try environment.secretLine("VAULT_ROLE_ID")
    }

    /// A token that can be used now: what was held before is renewed where that gives it more time.
    func token(after previous: Lease<Token>.Held?) async throws -> Lease<Token>.Held {
        switch way {
        case .given(let text): Lease.Held(Token(text: text ?? "", isRenewable: false), expires: nil)
        case .file(let path):
            Lease.Held(Token(text: try client.environment.secretLine(inFile: path), isRenewable: false), expires: nil)
        case .appRole(let mount, let role, let secret):
            if let renewed = await renewed(previous) {
                renewed
            } else {
                try await logIn(mount, role, try await value(of: secret))
            }
        }
    }

    private func value(of secret: SecretID) async throws -> String {
        switch secret {
        case .wrapped(let wrapping): return try await wrapping.secretID()
        case .file(let path): return try client.environment.secretLine(inFile: path)
        case .variable:
            if let text = try client.environment.secretLine("VAULT_SECRET_ID") { return text }
            throw CloudKeyError(
                .configuration, "VAULT_ROLE_ID is set, and no secret id is",
                hint: "set VAULT_SECRET_ID_FILE, VAULT_WRAPPED_SECRET_ID_FILE or VAULT_SECRET_ID")
        }
    }

    /// nil where a new login is needed: near its greatest age a renewed token gets less time than is kept in reserve.
    private func renewed(_ previous: Lease<Token>.Held?) async -> Lease<Token>.Held? {
        guard let previous, previous.credential.isRenewable, let expires = previous.expires,
            client.environment.now() < expires
        else { return nil }
        let request = KeyServiceRequest(
            .post, "\(address.text)/v1/auth/token/renew-self",
            headers: VaultClient.headers(namespace) + [("X-Vault-Token", previous.credential.text)],
            body: Array("{}".utf8))
        guard let held = try? await held(request, "renewing the token"), let end = held.expires,
            client.environment.now().adding(seconds: Lease<Token>.reserveSeconds) < end
        else { return nil }
        return held
    }

    private func logIn(_ mount: String, _ role: String, _ secret: String) async throws -> Lease<Token>.Held {
        let body: JSON = ["role_id": .string(role), "secret_id": .string(secret)]
        let request = KeyServiceRequest(
            .post, "\(address.text)/v1/auth/\(mount)/login", headers: VaultClient.headers(namespace),
            body: body.bytes)
        do {
            return try await held(request, "logging in with AppRole")
        } catch let error as CloudKeyError where error.code == .request || error.code == .credentials {
            throw CloudKeyError(
                .credentials, error.reason,
                hint: "a secret id may be used up or expired: put a fresh one into VAULT_SECRET_ID_FILE")
        }
    }

    private func held(_ request: KeyServiceRequest, _ what: String) async throws -> Lease<Token>.Held {
        let start = client.environment.now()
        let response = try await client.send(request) { VaultClient.failure($0, what) }
        let object = try response.object("the Vault server")
        return try KeyServiceResponse.reading("the Vault server") {
            let auth = try object.object("auth", in: "the answer")
            let text = try auth.string("client_token", in: "auth")
            guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !text.isEmpty else {
                throw CloudKeyError(.answer, "the Vault server's token has characters that no header takes")
            }
            let seconds = try auth.integer("lease_duration", in: "auth")
            return Lease.Held(
                Token(text: text, isRenewable: auth["renewable"]?.boolOrNil ?? false),
                expires: seconds > 0 ? start.adding(seconds: seconds) : nil)
        }
    }
}
