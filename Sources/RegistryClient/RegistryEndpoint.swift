import Codecs
import NIOHTTP1

/// One host that speaks the distribution protocol: shows it what it wants to see, and asks again what may pass.
actor RegistryEndpoint {
    let address: RegistryAddress
    private let http: RegistryHTTP
    private let credentials: RegistryCredentials
    private let plain: RegistryAddress.Plain
    let retries: RetryPolicy
    /// What is sent with each request.
    private var authorization: [RegistryAccess: String] = [:]

    /// Registries hand blobs over to storage services, which may hand over once more.
    private static let maximumRedirects = 3
    private static let tokenBytes = 65_536
    /// Repositories whose tokens are kept at once.
    private static let maximumProofs = 1_000

    init(
        _ registry: String, _ http: RegistryHTTP, _ credentials: RegistryCredentials, _ plain: RegistryAddress.Plain,
        _ retries: RetryPolicy
    ) throws(RegistryError) {
        address = try RegistryAddress(registry: registry, plain: plain)
        self.http = http
        self.credentials = credentials
        self.plain = plain
        self.retries = retries
    }

    nonisolated var host: String { address.host }

    /// Sends a request that may safely arrive twice, until it is answered with something that will not pass by itself.
    func exchange(_ request: RegistryRequest, _ access: RegistryAccess) async throws -> RegistryAnswer {
        var attempts = Attempts(retries)
        while true {
            do {
                let answer = try await once(request, access)
                guard RetryPolicy.mayPass(answer.status), try await attempts.another(asked: answer.retryAfter) else {
                    return answer
                }
            } catch let error as RegistryError where error.code == .unreachable {
                guard try await attempts.another() else { throw error }
            }
        }
    }

    /// Sends a request, once more with what the registry wants to see, and follows redirects of reads without it.
    func once(_ request: RegistryRequest, _ access: RegistryAccess) async throws -> RegistryAnswer {
        var answer = try await send(request, known(access))
        if answer.status == 401, let challenge = Self.challenge(in: answer) {
            if authorization.count >= Self.maximumProofs { authorization = [:] }
            authorization[access] = try await proof(for: challenge, access)
            answer = try await send(request, authorization[access])
        }
        guard request.method == .get || request.method == .head else { return answer }
        return try await follow(answer, of: request, access)
    }

    private func follow(
        _ first: RegistryAnswer, of request: RegistryRequest, _ access: RegistryAccess
    ) async throws -> RegistryAnswer {
        var answer = first
        var redirects = 0
        while [301, 302, 303, 307, 308].contains(answer.status), let target = answer.header("Location") {
            redirects += 1
            guard redirects <= Self.maximumRedirects else {
                throw RegistryError(.answer, "\(host) redirects more than \(Self.maximumRedirects) times")
            }
            let next = target.hasPrefix("/") ? address.url(target) : target
            try RegistryAddress.check(next, plain: plain, what: "the redirect to")
            // Credentials are for the registry alone.
            answer = try await send(
                request.redirected(to: next), address.isOrigin(of: next) ? known(access) : nil)
        }
        return answer
    }

    /// Who may write may read.
    private func known(_ access: RegistryAccess) -> String? {
        authorization[access] ?? (access.isPush ? nil : authorization[.push(access.repository)])
    }

    /// An address on this host that an answer names for what comes next; any other is refused.
    nonisolated func ownURL(_ text: String?, what: String) throws(RegistryError) -> String {
        guard let text, !text.isEmpty else { throw RegistryError(.answer, "\(host) does not say where \(what) is") }
        let url = text.hasPrefix("/") ? address.url(text) : text
        guard address.isOrigin(of: url) else {
            throw RegistryError(
                .address, "\(host) names \(url.prefix(200)) for \(what), which lies elsewhere",
                hint: "if this is your registry, tell it its own address (docker-registry: http.host or relativeurls)")
        }
        return url
    }

    private func send(_ request: RegistryRequest, _ authorization: String?) async throws -> RegistryAnswer {
        guard let authorization else { return try await http.send(request) }
        var request = request
        request.headers.append(("Authorization", authorization))
        return try await http.send(request)
    }

    private static func challenge(in answer: RegistryAnswer) -> RegistryChallenge? {
        answer.headers["WWW-Authenticate"].lazy.compactMap { RegistryChallenge($0) }.first
    }

    /// What the registry wants to see: the password itself, or a token that the password gets from elsewhere.
    private func proof(for challenge: RegistryChallenge, _ access: RegistryAccess) async throws -> String? {
        let credential = try await credentials.credential(for: host)
        if case .bearer(let token)? = credential { return "Bearer \(token)" }
        guard case .bearer(let realm, let service, _) = challenge else { return credential?.basic }
        try RegistryAddress.check(realm, plain: plain, what: "the token service")
        let answer = try await http.send(Self.tokenRequest(realm, service, access, credential))
        guard answer.status == 200 else { throw refusal(answer, "a token for \(access.repository)") }
        let object = try JSON(parsing: answer.body).object("the token service's answer")
        guard let token = (object["token"] ?? object["access_token"])?.stringOrNil,
            !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw RegistryError(.answer, "the token service of \(host) answers without a token") }
        return "Bearer \(token)"
    }

    /// With a password a GET, with an identity token a POST. [distribution, "Token Authentication", "OAuth2"]
    private static func tokenRequest(
        _ realm: String, _ service: String?, _ access: RegistryAccess, _ credential: RegistryCredential?
    ) -> RegistryRequest {
        if case .identity(let token)? = credential {
            let form = [
                ("grant_type", "refresh_token"), ("client_id", "roadstead"), ("refresh_token", token),
                ("scope", access.scopes.joined(separator: " ")), ("service", service ?? ""),
            ]
            let body = form.filter { !$0.1.isEmpty }.map { "\($0.0)=\(PercentText.escaped($0.1))" }
            return RegistryRequest(
                method: .post, url: realm, headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array(body.joined(separator: "&").utf8)[...], limit: tokenBytes)
        }
        var query = access.scopes.map { "scope=\(PercentText.escaped($0))" }
        if let service { query.append("service=\(PercentText.escaped(service))") }
        let url = realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&")
        var request = RegistryRequest.get(url, accept: "application/json", limit: tokenBytes)
        if let basic = credential?.basic { request.headers.append(("Authorization", basic)) }
        return request
    }

    /// What an answer other than the expected one means.
    nonisolated func refusal(_ answer: RegistryAnswer, _ what: String) -> RegistryError {
        let said = Self.message(in: answer).map { " (\($0))" } ?? ""
        return switch answer.status {
        case 401, 403:
            RegistryError(
                .unauthorized, "no access to \(what): \(answer.status) from \(host)\(said)",
                hint: "sign in with docker login \(host); its configuration file and credential helpers are used")
        case 404: RegistryError(.notFound, "\(host) has no \(what)")
        case 429:
            RegistryError(
                .unreachable, "\(host) wants fewer requests: 429 for \(what)\(said)", hint: "try again later")
        case let status where RetryPolicy.mayPass(status):
            RegistryError(.unreachable, "\(host) fails: \(status) for \(what)\(said)", hint: "try again later")
        default: RegistryError(.answer, "\(host) answers \(answer.status) for \(what)\(said)")
        }
    }

    /// The registry's own word for what is wrong, such as DENIED. [OCI distribution specification, "Error Codes"]
    private static func message(in answer: RegistryAnswer) -> String? {
        guard let errors = try? JSON(parsing: answer.body).objectOrNil?["errors"]?.arrayOrNil,
            let code = errors.first?.objectOrNil?["code"]?.stringOrNil,
            (1...64).contains(code.utf8.count),
            code.utf8.allSatisfy({ (0x41...0x5A).contains($0) || $0 == UInt8(ascii: "_") })
        else { return nil }
        return code
    }
}

/// [RFC 3986 §2.3]
enum PercentText {
    static func escaped(_ text: String) -> String {
        let plain = Array("-._~".utf8)
        return text.utf8.map { byte in
            let isWord =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            return isWord || plain.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }.joined()
    }
}
