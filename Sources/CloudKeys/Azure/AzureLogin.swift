import Codecs

/// How tokens of Entra ID are come by: a client's secret, a federated assertion, or, where neither is set, the
/// machine's own identity.
struct AzureLogin: Sendable {
    private enum Proof: Sendable {
        /// In a file, or where there is none in the environment.
        case secret(file: String?)
        case assertion(file: String)
    }

    private let client: KeyServiceClient
    private let application: (proof: Proof, id: String, tokens: String)?
    private var environment: KeyServiceEnvironment { client.environment }

    static let authority = "https://login.microsoftonline.com"
    private static let metadataTimeout = Duration.seconds(2)

    init(_ client: KeyServiceClient) throws {
        self.client = client
        let environment = client.environment
        let proof: Proof? =
            if let file = environment["AZURE_CLIENT_SECRET_FILE"] {
                .secret(file: file)
            } else if environment["AZURE_CLIENT_SECRET"] != nil {
                .secret(file: nil)
            } else if let file = environment["AZURE_FEDERATED_TOKEN_FILE"] {
                .assertion(file: file)
            } else { nil }
        guard let proof else {
            application = nil
            return
        }
        guard let tenant = environment["AZURE_TENANT_ID"], let id = environment["AZURE_CLIENT_ID"],
            tenant.utf8.allSatisfy({ (0x30...0x39) ~= $0 || (0x61...0x7A) ~= ($0 | 0x20) || $0 == 0x2D || $0 == 0x2E })
        else {
            throw CloudKeyError(
                .configuration, "an application is to call Azure, and AZURE_TENANT_ID or AZURE_CLIENT_ID is not set")
        }
        let authority = try ServiceAddress(
            environment["AZURE_AUTHORITY_HOST"] ?? Self.authority, source: "AZURE_AUTHORITY_HOST")
        application = (proof, id, "\(authority.text)/\(tenant)/oauth2/v2.0/token")
    }

    /// A token for a resource, such as `https://vault.azure.net`.
    func token(for resource: String) async throws -> Lease<String>.Held {
        guard let (proof, id, address) = application else { return try await managed(resource) }
        var form = [
            ("grant_type", "client_credentials"), ("client_id", id), ("scope", "\(resource)/.default"),
        ]
        switch proof {
        case .secret(let file?): form.append(("client_secret", try environment.secretLine(inFile: file)))
        case .secret: form.append(("client_secret", environment["AZURE_CLIENT_SECRET"] ?? ""))
        case .assertion(let file):
            form += [
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", try environment.tokenLine(inFile: file)),
            ]
        }
        let request = KeyServiceRequest(.post, address, headers: [Form.header], body: Form.body(form))
        return try await held(
            request, "Entra ID", hint: "check AZURE_CLIENT_ID, its secret or federation, and the tenant")
    }

    private func managed(_ resource: String) async throws -> Lease<String>.Held {
        let identity = environment["AZURE_CLIENT_ID"].map { "&client_id=\(Form.encoded($0))" } ?? ""
        if let endpoint = environment["IDENTITY_ENDPOINT"], let header = try environment.secretLine("IDENTITY_HEADER") {
            let address = try ServiceAddress(endpoint, .metadata, source: "IDENTITY_ENDPOINT")
            let url = "\(address.text)?api-version=2019-08-01&resource=\(Form.encoded(resource))\(identity)"
            return try await held(
                KeyServiceRequest(.get, url, headers: [("X-IDENTITY-HEADER", header)]), "the application's identity",
                hint: nil)
        }
        let base = environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] ?? Metadata.address
        let address = try ServiceAddress(base, .metadata, source: "AZURE_POD_IDENTITY_AUTHORITY_HOST")
        var request = KeyServiceRequest(
            .get,
            "\(address.text)/metadata/identity/oauth2/token?api-version=2018-02-01"
                + "&resource=\(Form.encoded(resource))\(identity)", headers: [("Metadata", "true")])
        request.timeout = Self.metadataTimeout
        do {
            return try await held(request, attempts: 1, "the machine's identity", hint: "does the machine have one?")
        } catch let error as CloudKeyError where error.code == .unreachable || error.code == .deadline {
            // A machine outside Azure has no such service, and waiting for one is no help.
            throw CloudKeyError(
                .configuration, "nothing says who is calling Azure",
                hint: "set AZURE_TENANT_ID and AZURE_CLIENT_ID, with AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE")
        }
    }

    private func held(
        _ request: KeyServiceRequest, attempts: Int = KeyServiceClient.attempts, _ place: String, hint: String?
    ) async throws -> Lease<String>.Held {
        let start = environment.now()
        let response = try await client.send(request, attempts: attempts) {
            OAuthToken.failure($0, place, hint: hint)
        }
        return try OAuthToken.held(response, place, from: start)
    }
}
