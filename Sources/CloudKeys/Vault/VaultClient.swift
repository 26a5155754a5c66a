import Codecs

/// Speaks to one server of Vault or OpenBao, as whoever the environment says.
struct VaultClient: Sendable {
    let service = "the Vault server"
    private let client: KeyServiceClient
    private let address: ServiceAddress
    private let namespace: String?
    private let lease: Lease<VaultLogin.Token>

    init(_ client: KeyServiceClient) throws {
        let environment = client.environment
        guard let text = environment["VAULT_ADDR"] else {
            throw CloudKeyError(
                .configuration, "VAULT_ADDR is not set, so the Vault server is not known",
                hint: "export VAULT_ADDR=https://vault.example.com:8200")
        }
        self.client = client
        let address = try ServiceAddress(text, source: "VAULT_ADDR")
        let namespace = try environment.secretLine("VAULT_NAMESPACE")
        self.address = address
        self.namespace = namespace
        let login = try VaultLogin(client, address: address, namespace: namespace)
        lease = Lease(now: environment.now) { try await login.token(after: $0) }
    }

    /// The `data` of an answer.
    func get(_ path: String, doing what: String) async throws -> JSONObject {
        try await send(.get, path, nil, what)["data"]?.objectOrNil ?? JSONObject()
    }

    func post(_ path: String, _ body: JSON, doing what: String) async throws -> JSONObject {
        try await send(.post, path, body, what)["data"]?.objectOrNil ?? JSONObject()
    }

    private func send(
        _ method: KeyServiceRequest.Method, _ path: String, _ body: JSON?, _ what: String
    ) async throws -> JSONObject {
        let response = try await client.send(with: lease) { token in
            KeyServiceRequest(
                method, "\(address.text)/v1/\(path)",
                headers: Self.headers(namespace) + [("X-Vault-Token", token.text)], body: body?.bytes ?? [])
        } judge: {
            Self.failure($0, what)
        } doubt: { error, token in
            await explained(error, token)
        }
        return response.body.isEmpty ? JSONObject() : try response.object(service)
    }

    /// A dead token and a policy that lacks a path get one answer; whether a token may ask about itself tells them apart.
    private func explained(_ found: CloudKeyError, _ token: VaultLogin.Token) async -> CloudKeyError {
        guard found.code == .denied else { return found }
        let request = KeyServiceRequest(
            .get, "\(address.text)/v1/auth/token/lookup-self",
            headers: Self.headers(namespace) + [("X-Vault-Token", token.text)])
        do {
            _ = try await client.send(request) { Self.failure($0, "") }
            return found
        } catch let refusal as CloudKeyError where refusal.code == .denied {
            return CloudKeyError(
                .credentials, found.reason, hint: "the token is unknown, revoked or expired: log in again")
        } catch {
            return found
        }
    }

    static func headers(_ namespace: String?) -> [(name: String, value: String)] {
        // Tells the server that this is no browser's form. [Vault: require_request_header]
        let common = [(name: "X-Vault-Request", value: "true"), (name: "Content-Type", value: "application/json")]
        return common + (namespace.map { [(name: "X-Vault-Namespace", value: $0)] } ?? [])
    }

    /// What an answer says is wrong, or nil.
    static func failure(_ response: KeyServiceResponse, _ what: String) -> CloudKeyError? {
        if response.isSuccess { return nil }
        let said = reasons(response)
        switch response.status {
        case 403:
            return CloudKeyError(
                .denied, "\(what): the Vault server says \(said)",
                hint: "the token's policy lacks this path with read, or update for signing")
        case 400 where said.contains("not found"), 404:
            return CloudKeyError(
                .notFound, "\(what): the Vault server has nothing there (\(said))",
                hint: "check mount and name: vault list MOUNT/keys")
        case _ where said.contains("key version"):
            return CloudKeyError(
                .rotated, "\(what): the Vault server says \(said)",
                hint: "the key was rotated and this version retired; open the newest version with its certificate")
        case 429:
            return CloudKeyError(.throttled, "\(what): the Vault server wants to be asked less often (\(said))")
        case 503 where said.contains("sealed"):
            return CloudKeyError(
                .sealed, "\(what): the Vault server is sealed", hint: "somebody has to unseal it: vault operator unseal"
            )
        case 301, 302, 307, 308:
            return CloudKeyError(
                .address, "\(what): the Vault server sends on to another address, which is not followed",
                hint: "set VAULT_ADDR to the active server")
        case 500...: return CloudKeyError(.unavailable, "\(what): the Vault server has failed: \(said)")
        default: return CloudKeyError(.request, "\(what): the Vault server refuses the request: \(said)")
        }
    }

    static func reasons(_ response: KeyServiceResponse) -> String {
        let body = try? JSON(parsing: response.body, limits: JSONLimits(bytes: response.body.count, depth: 8))
        let errors = body?.objectOrNil?["errors"]?.arrayOrNil?.compactMap(\.stringOrNil) ?? []
        return quoted(errors.joined(separator: "; ").replacingNewlines)
    }
}

extension String {
    fileprivate var replacingNewlines: String { split(whereSeparator: \.isNewline).joined(separator: " ") }
}
