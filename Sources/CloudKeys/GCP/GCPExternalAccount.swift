import Codecs
import Files

/// Credentials of another provider, which Google trades for its own: workload identity federation. The file holds no
/// secret, but says where the other provider's token lies and where it goes. [AIP-4117]
struct GCPExternalAccount: Sendable {
    private enum Source: Sendable {
        case file(String)
        case url(String, headers: [(name: String, value: String)])
    }

    private let audience: String
    private let tokenType: String
    private let exchange: String
    /// Where the traded token becomes one of a service account; nil where it is used as it is.
    private let impersonation: String?
    private let lifetime: Int64
    private let source: Source
    /// The member that holds the other provider's token; nil where the whole answer is the token.
    private let member: String?

    static let type = "external_account"
    /// What a token that only impersonates needs.
    private static let impersonationScope = "https://www.googleapis.com/auth/iam"
    private static let lifetimes: ClosedRange<Int64> = 600...43_200
    private static let members = [
        "type", "audience", "subject_token_type", "token_url", "token_info_url", "credential_source",
        "service_account_impersonation_url", "service_account_impersonation", "universe_domain", "quota_project_id",
    ]

    /// - Parameter file: the tree of the file at `path`.
    init(_ file: JSONObject, _ path: String) throws {
        try Self.refuse(file, allowing: Self.members, path)
        guard file["universe_domain"].map({ $0 == "googleapis.com" }) ?? true else {
            throw CloudKeyError(.configuration, "\(path) is for another universe_domain than googleapis.com")
        }
        audience = try file.string("audience", in: "the file")
        tokenType = try file.string("subject_token_type", in: "the file")
        exchange = try Self.address(try file.string("token_url", in: "the file"), .service, "the token_url in \(path)")
        let account = try file["service_account_impersonation_url"]?.string("service_account_impersonation_url")
        impersonation = try account.map {
            try Self.address($0, .service, "the service_account_impersonation_url in \(path)")
        }
        let settings = try file["service_account_impersonation"]?.object("service_account_impersonation")
        lifetime = try settings?["token_lifetime_seconds"]?.integer("token_lifetime_seconds") ?? 3_600
        guard Self.lifetimes.contains(lifetime) else {
            throw CloudKeyError(.configuration, "the token_lifetime_seconds in \(path) is not from 600 to 43200")
        }
        (source, member) = try Self.source(try file.object("credential_source", in: "the file"), path)
    }

    private static func source(_ place: JSONObject, _ path: String) throws -> (Source, member: String?) {
        try refuse(place, allowing: ["file", "url", "headers", "format"], path)
        let format = try place["format"]?.object("format")
        var member: String?
        switch try format?["type"]?.string("type") ?? "text" {
        case "text": break
        case "json": member = try format?.string("subject_token_field_name", in: "format")
        case let other: throw CloudKeyError(.configuration, "\(path) has the format \(quoted(other)), not text or json")
        }
        switch (try place["file"]?.string("file"), try place["url"]?.string("url")) {
        case (let file?, nil): return (.file(file), member)
        case (nil, let url?):
            let headers = try (place["headers"]?.object("headers").members ?? []).map {
                (name: $0.name, value: try $0.value.string("headers"))
            }
            guard headers.allSatisfy({ isPrintable($0.name) && $0.value.utf8.allSatisfy { (0x20...0x7E) ~= $0 } })
            else {
                throw CloudKeyError(.configuration, "a header in \(path) has characters that no header takes")
            }
            return (.url(try address(url, .metadata, "the url in \(path)"), headers: headers), member)
        default: throw CloudKeyError(.configuration, "the credential_source in \(path) names not one file or url")
        }
    }

    private static func refuse(_ object: JSONObject, allowing names: [String], _ path: String) throws(CloudKeyError) {
        guard let other = object.names.first(where: { !names.contains($0) }) else { return }
        throw CloudKeyError(
            .configuration, "\(path) has the member \(quoted(other)), which is not supported",
            hint: "tokens of other providers are taken from a file or a url: gcloud iam workload-identity-pools "
                + "create-cred-config --credential-source-file or --credential-source-url")
    }

    /// An address that may have a query.
    private static func address(_ text: String, _ trust: ServiceAddress.Trust, _ source: String) throws -> String {
        let base = text.prefix { $0 != "?" }
        let query = text.dropFirst(base.count)
        guard query.isEmpty || isPrintable(String(query)) && !query.contains("#") else {
            throw CloudKeyError(.address, "\(source) has characters that do not belong there")
        }
        return try ServiceAddress(String(base), trust, source: source).text + query
    }

    private static func isPrintable(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    func token(_ client: KeyServiceClient) async throws -> Lease<String>.Held {
        let start = client.environment.now()
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("audience", audience),
            ("scope", impersonation == nil ? GCPLogin.scope : Self.impersonationScope),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token", try await subjectToken(client)), ("subject_token_type", tokenType),
        ]
        let request = KeyServiceRequest(.post, exchange, headers: [Form.header], body: Form.body(form))
        let response = try await client.send(request) {
            OAuthToken.failure(
                $0, "Google's token exchange",
                hint: "check the token's age and audience, and what the identity pool's provider asks for")
        }
        let held = try OAuthToken.held(response, "Google's token exchange", from: start)
        guard let impersonation else { return held }
        return try await impersonated(impersonation, held.credential, client)
    }

    private func subjectToken(_ client: KeyServiceClient) async throws -> String {
        switch source {
        case .file(let path):
            let bytes = try Files.read(path, limit: KeyServiceRequest.maximumBytes)
            return try subjectToken(in: bytes, path)
        case .url(let url, let headers):
            let place = "the other provider"
            let response = try await client.send(KeyServiceRequest(.get, url, headers: headers)) {
                OAuthToken.failure($0, place, hint: "it is asked as the credential_source says")
            }
            return try subjectToken(in: response.body, place)
        }
    }

    private func subjectToken(in bytes: [UInt8], _ place: String) throws -> String {
        var text = String(decoding: bytes, as: UTF8.self)
        if let member {
            let object = try? JSON(parsing: bytes, limits: JSONLimits(bytes: bytes.count, depth: 8)).objectOrNil
            guard let token = object?[member]?.stringOrNil else {
                throw CloudKeyError(.credentials, "\(place) gives no token in the member \(quoted(member))")
            }
            text = token
        }
        while text.hasSuffix("\n") || text.hasSuffix("\r\n") { text.removeLast() }
        guard Self.isPrintable(text) else {
            throw CloudKeyError(.credentials, "\(place) gives something that is no token")
        }
        return text
    }

    /// [IAM Service Account Credentials API, generateAccessToken]
    private func impersonated(
        _ url: String, _ token: String, _ client: KeyServiceClient
    ) async throws -> Lease<String>.Held {
        let body: JSON = ["scope": [.string(GCPLogin.scope)], "lifetime": .string("\(lifetime)s")]
        let request = KeyServiceRequest(
            .post, url, headers: [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")],
            body: body.bytes)
        let place = "Google's service account"
        let response = try await client.send(request) { response in
            if response.isSuccess { return nil }
            let error = (try? response.object(place))?["error"]?.objectOrNil
            let said = quoted(error?["message"]?.stringOrNil ?? "status \(response.status)")
            return response.status == 429 || response.status >= 500
                ? CloudKeyError(.unavailable, "\(place) gives out no token: \(said)")
                : CloudKeyError(
                    .credentials, "\(place) gives out no token: \(said)",
                    hint: "the other provider's identity needs the role Workload Identity User on the account")
        }
        let answer = try response.object(place)
        return try KeyServiceResponse.reading(place) {
            let token = try answer.string("accessToken", in: "the answer")
            guard Self.isPrintable(token),
                let expires = ServiceDate.iso(try answer.string("expireTime", in: "the answer"))
            else { throw CloudKeyError(.answer, "\(place) answered with a token that cannot be used") }
            return Lease.Held(token, expires: expires)
        }
    }
}
