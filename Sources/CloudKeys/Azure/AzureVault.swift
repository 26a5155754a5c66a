import Codecs

/// Speaks to one vault, with a token that is for vaults of its domain only.
struct AzureVault: Sendable {
    let service = "Azure Key Vault"
    /// With its port where it has one.
    let host: String
    private let address: ServiceAddress
    private let client: KeyServiceClient
    private let lease: Lease<String>

    static let version = "7.4"

    init(_ authority: String, _ client: KeyServiceClient) throws {
        let address = try Self.address(authority)
        self.address = address
        self.client = client
        host = address.authority
        let login = try AzureLogin(client)
        lease = Lease(now: client.environment.now) { _ in
            try await login.token(for: try await Self.resource(address, client))
        }
    }

    /// Of a vault's name in the public cloud, or of a host.
    static func address(_ authority: String) throws(CloudKeyError) -> ServiceAddress {
        let isName = authority.utf8.allSatisfy { $0 != 0x2E && $0 != 0x3A && $0 != 0x5B } && authority != "localhost"
        return try ServiceAddress(
            authority: isName ? "\(authority).vault.azure.net" : authority, source: "the key's URI")
    }

    func get(_ path: String, doing what: String) async throws -> JSONObject {
        try await send(.get, path, nil, KeyServiceClient.attempts, what)
    }

    func post(
        _ path: String, _ body: JSON, attempts: Int = KeyServiceClient.attempts, doing what: String
    ) async throws -> JSONObject {
        try await send(.post, path, body, attempts, what)
    }

    /// The parts of the path of an address at this vault, which may name its port where it need not; nil at another.
    func segments(_ text: Substring) throws(CloudKeyError) -> [String]? {
        let parts = text.split(separator: "/" as Character, omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 3, parts[1].isEmpty,
            try ServiceAddress("\(parts[0])//\(parts[2])", source: "an address that \(host) names") == address
        else { return nil }
        return Array(parts.dropFirst(3))
    }

    /// The path of a link to a next page, which must lead to this vault.
    func path(ofLink link: String) throws(CloudKeyError) -> String {
        guard let query = link.firstIndex(of: "?"), try segments(link[..<query]) == ["keys"],
            link.utf8.allSatisfy({ (0x21...0x7E) ~= $0 && $0 != 0x23 })
        else { throw CloudKeyError(.address, "\(host) sends on to another address, which is not followed") }
        return "/keys\(link[query...])"
    }

    private func send(
        _ method: KeyServiceRequest.Method, _ path: String, _ body: JSON?, _ attempts: Int, _ what: String
    ) async throws -> JSONObject {
        let query = path.contains("?") ? "" : "?api-version=\(Self.version)"
        let response = try await client.send(with: lease, attempts: attempts) { token in
            KeyServiceRequest(
                method, "\(address.text)\(path)\(query)",
                headers: [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")],
                body: body?.bytes ?? [])
        } judge: {
            failure($0, what)
        }
        return try response.object(service)
    }

    /// Asks the vault without a token which resource a token must be for, and believes it only where the vault is below
    /// that resource's domain: a token for another is never fetched, let alone sent. Who gives out tokens is not the
    /// vault's to say.
    private static func resource(_ address: ServiceAddress, _ client: KeyServiceClient) async throws -> String {
        let request = KeyServiceRequest(.get, "\(address.text)/keys?api-version=\(version)&maxresults=1")
        let response = try await client.send(request) {
            $0.status == 429 || $0.status >= 500
                ? CloudKeyError(.unavailable, "\(address.authority) answered with status \($0.status)") : nil
        }
        guard response.status == 401, let challenge = response.header("WWW-Authenticate"),
            let resource = parameter("resource", of: challenge) ?? scope(of: challenge)
        else {
            throw CloudKeyError(
                .answer, "\(address.authority) does not say which token it takes, so it may be no vault")
        }
        let parsed = try ServiceAddress(resource, source: "the resource that \(address.authority) names")
        guard covers(parsed, address) else {
            throw CloudKeyError(
                .address, "\(address.authority) asks for a token for \(parsed.authority), which is not its own domain",
                hint: "no token was fetched; check the vault's name")
        }
        return parsed.text
    }

    private static func scope(of challenge: String) -> String? {
        parameter("scope", of: challenge).flatMap { $0.hasSuffix("/.default") ? String($0.dropLast(9)) : nil }
    }

    /// Whether a resource's domain is a parent of the vault's host, or this machine for both.
    static func covers(_ resource: ServiceAddress, _ vault: ServiceAddress) -> Bool {
        guard !vault.isLoopback else { return resource.host == vault.host }
        let labels = resource.host.split(separator: ".").count
        return resource.isEncrypted && labels >= 2 && vault.host.hasSuffix(".\(resource.host)")
    }

    /// `NAME="VALUE"` or `NAME=VALUE` in a challenge. [RFC 9110 §11.6.1]
    static func parameter(_ name: String, of challenge: String) -> String? {
        guard challenge.hasPrefix("Bearer ") else { return nil }
        for part in challenge.dropFirst("Bearer ".count).split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].filter({ $0 != " " }) == name else { continue }
            return pair[1].filter { $0 != "\"" && $0 != " " }
        }
        return nil
    }

    private func failure(_ response: KeyServiceResponse, _ what: String) -> CloudKeyError? {
        if response.isSuccess { return nil }
        let error = (try? response.object(service))?["error"]?.objectOrNil
        let inner = error?["innererror"]?.objectOrNil?["code"]?.stringOrNil
        let said = quoted(
            [error?["code"]?.stringOrNil, inner, error?["message"]?.stringOrNil]
                .compactMap(\.self).joined(separator: ": "))
        let (code, hint) = meaning(response.status, said)
        return CloudKeyError(code, "\(what): Azure Key Vault says \(said)", hint: hint)
    }

    private func meaning(_ status: Int, _ said: String) -> (CloudKeyError.Code, String?) {
        switch status {
        case 401: (.credentials, "the token has expired or is for another tenant: check AZURE_TENANT_ID")
        case 403 where said.contains("disabled") || said.contains("KeyDisabled"):
            (.unusable, "the key is disabled: az keyvault key set-attributes --enabled true")
        case 403 where said.contains("not allowed") && said.contains("key"):
            (.unusable, "the key may not sign now: az keyvault key show tells its operations and times")
        case 403: (.denied, "it takes the role Key Vault Crypto User, or an access policy with get and sign")
        case 404: (.notFound, "check vault, name and version: az keyvault key list-versions")
        case 409: (.exists, "a deleted key of that name may wait to be purged or recovered")
        case 429: (.throttled, "the vault's limit for signatures is reached: sign less at once, or spread over vaults")
        case 500...: (.unavailable, nil)
        case 300..<400: (.address, "the vault sends on to another address, which is not followed")
        default: (.request, nil)
        }
    }
}
