import Codecs

/// A secret id that comes wrapped: whoever brings it here holds a token that gives it out once, so that a token which gave
/// it out to somebody else is noticed. [Vault, "Response wrapping"]
actor VaultWrapping {
    private let client: KeyServiceClient
    private let address: ServiceAddress
    private let namespace: String?
    private let mount: String
    private let file: String
    /// Kept for the logins that follow, since the token gives it out no second time.
    private var unwrapped: (token: String, secretID: String)?

    init(_ client: KeyServiceClient, _ address: ServiceAddress, _ namespace: String?, mount: String, file: String) {
        self.client = client
        self.address = address
        self.namespace = namespace
        self.mount = mount
        self.file = file
    }

    /// The secret id of the token in the file; a new token there counts at once.
    func secretID() async throws -> String {
        let token = try client.environment.secretLine(inFile: file)
        if let unwrapped, unwrapped.token == token { return unwrapped.secretID }
        try await checkOrigin(of: token)
        // Not tried again: a token whose answer was lost has given out what it had.
        let answer = try await ask("unwrap", token, headers: [("X-Vault-Token", token)], body: [:], attempts: 1)
        let secretID = try KeyServiceResponse.reading("the Vault server") {
            try answer.object("data", in: "the answer").string("secret_id", in: "data")
        }
        unwrapped = (token, secretID)
        return secretID
    }

    /// A secret id that this role's own path made, and not something that whoever took it wrapped anew.
    private func checkOrigin(of token: String) async throws {
        let answer = try await ask("lookup", token, headers: [], body: ["token": .string(token)])
        let path = try KeyServiceResponse.reading("the Vault server") {
            try answer.object("data", in: "the answer").string("creation_path", in: "data")
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let expected = ["auth"] + mount.split(separator: "/").map(String.init) + ["role"]
        guard parts.starts(with: expected), parts.count == expected.count + 2, parts.last == "secret-id" else {
            throw CloudKeyError(
                .credentials,
                "the token in \(file) wraps what was made at \(quoted(path)), not a secret id of \(mount)",
                hint: "somebody may have put it there in place of the right one: find out who, and ask for a new one")
        }
    }

    private func ask(
        _ verb: String, _ token: String, headers: [(name: String, value: String)], body: JSON,
        attempts: Int = KeyServiceClient.attempts
    ) async throws -> JSONObject {
        let request = KeyServiceRequest(
            .post, "\(address.text)/v1/sys/wrapping/\(verb)", headers: VaultClient.headers(namespace) + headers,
            body: body.bytes)
        let response = try await client.send(request, attempts: attempts) { response in
            guard [400, 403, 404].contains(response.status) else {
                return VaultClient.failure(response, "unwrapping the secret id")
            }
            return CloudKeyError(
                .credentials,
                "the wrapping token in \(file) was used already, or has expired: the Vault server says "
                    + VaultClient.reasons(response),
                hint: "if this program did not use it, somebody else may hold the secret id: have it destroyed "
                    + "(auth/\(mount)/role/…/secret-id/destroy), look who took it, and ask for a new one")
        }
        return try response.object("the Vault server")
    }
}
