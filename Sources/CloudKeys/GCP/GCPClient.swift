import Codecs

/// Speaks to Cloud KMS as whoever the environment says.
struct GCPClient: Sendable {
    let service = "Cloud KMS"
    static let address = "https://cloudkms.googleapis.com"
    private let client: KeyServiceClient
    private let lease: Lease<String>

    init(_ client: KeyServiceClient) {
        self.client = client
        let login = GCPLogin(client)
        lease = Lease(now: client.environment.now) { _ in try await login.token() }
    }

    func get(_ path: String, doing what: String) async throws -> JSONObject { try await send(.get, path, nil, what) }

    /// - Parameter attempts: 1 for what must not be done twice.
    func post(
        _ path: String, _ body: JSON, attempts: Int = KeyServiceClient.attempts, doing what: String
    ) async throws -> JSONObject {
        try await send(.post, path, body, attempts: attempts, what)
    }

    func wait(_ duration: Duration) async throws { try await client.environment.wait(duration) }

    private func send(
        _ method: KeyServiceRequest.Method, _ path: String, _ body: JSON?, attempts: Int = KeyServiceClient.attempts,
        _ what: String
    ) async throws -> JSONObject {
        let address = try ServiceAddress(
            client.environment["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"] ?? Self.address,
            source: "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS")
        let response = try await client.send(with: lease, attempts: attempts) { token in
            KeyServiceRequest(
                method, "\(address.text)/v1/\(path)",
                headers: [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")],
                body: body?.bytes ?? [])
        } judge: {
            failure($0, what)
        }
        return try response.object(service)
    }

    private func failure(_ response: KeyServiceResponse, _ what: String) -> CloudKeyError? {
        if response.isSuccess { return nil }
        let error = (try? response.object(service))?["error"]?.objectOrNil
        let status = error?["status"]?.stringOrNil ?? ""
        let (code, hint) = meaning(response.status, status)
        let said = quoted("\(status) \(error?["message"]?.stringOrNil ?? "")")
        return CloudKeyError(code, "\(what): Cloud KMS says \(said)", hint: hint)
    }

    private func meaning(_ status: Int, _ word: String) -> (CloudKeyError.Code, String?) {
        switch (status, word) {
        case (401, _): (.credentials, "the token has expired, or the account is gone")
        case (403, _): (.denied, "it takes the role Cloud KMS CryptoKey Signer/Verifier on the key")
        case (404, _): (.notFound, "check project, location, key ring, key and version")
        case (_, "FAILED_PRECONDITION"):
            (.unusable, "the version is disabled or destroyed: gcloud kms keys versions describe tells")
        case (409, _): (.exists, "choose another name; nothing was made")
        case (429, _), (_, "RESOURCE_EXHAUSTED"): (.throttled, "ask for a higher quota, or sign less at once")
        case (500..., _): (.unavailable, nil)
        case (300..<400, _): (.address, "Cloud KMS sends on to another address, which is not followed")
        default: (.request, nil)
        }
    }
}
