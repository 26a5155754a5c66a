import Codecs
import Files

/// How credentials for AWS are come by, in the order of AWS's own tools: the environment, a web identity, the profile that
/// `AWS_PROFILE` names or the default one, the container's endpoint, and where nothing says otherwise the machine's.
struct AWSLogin: Sendable {
    typealias Held = Lease<AWSCredentials>.Held

    private let client: KeyServiceClient
    private let region: String
    private var environment: KeyServiceEnvironment { client.environment }

    /// The machine's endpoint answers at once where there is one.
    private static let metadataTimeout = Duration.seconds(2)

    init(_ client: KeyServiceClient, region: String) {
        self.client = client
        self.region = region
    }

    func credentials() async throws -> Held {
        if let keys = try fromEnvironment() { return Held(keys, expires: nil) }
        let isNamed = environment["AWS_PROFILE"] != nil
        // A profile that is named and cannot be used is said before anything else is taken in its place.
        if isNamed { _ = try AWSProfile(environment).keys() }
        if let file = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] { return try await fromWebIdentity(file) }
        if let held = try await fromProfile() { return held }
        guard !isNamed else {
            throw CloudKeyError(.configuration, "the profile that AWS_PROFILE names has no keys")
        }
        if let address = try containerAddress() { return try await fromContainer(address) }
        guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { throw Self.nobody }
        return try await fromMachine()
    }

    private static let nobody = CloudKeyError(
        .configuration, "nothing says who is calling AWS",
        hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or AWS_ROLE_ARN with "
            + "AWS_WEB_IDENTITY_TOKEN_FILE")

    private func fromProfile() async throws -> Held? {
        let profile = try AWSProfile(environment)
        if let keys = try profile.keys() { return Held(keys, expires: nil) }
        guard let process = profile.process else { return nil }
        return try await AWSProcess(process, profile: profile.name).credentials()
    }

    private func fromEnvironment() throws -> AWSCredentials? {
        guard let id = environment["AWS_ACCESS_KEY_ID"] else { return nil }
        guard let secret = environment["AWS_SECRET_ACCESS_KEY"] else {
            throw CloudKeyError(.configuration, "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")
        }
        return try AWSCredentials(
            id: id, secret: secret, session: environment["AWS_SESSION_TOKEN"], source: "the environment")
    }

    /// Trades a token of the build system or the cluster for credentials of a role. [STS AssumeRoleWithWebIdentity]
    private func fromWebIdentity(_ file: String) async throws -> Held {
        guard let role = environment["AWS_ROLE_ARN"] else {
            throw CloudKeyError(.configuration, "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not")
        }
        let given = environment["AWS_ENDPOINT_URL_STS"] ?? environment["AWS_ENDPOINT_URL"]
        let text = given ?? "https://sts.\(region).\(AWSRegion.suffix(region))"
        let address = try ServiceAddress(text, source: "the address of AWS's token service")
        let fields = [
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", environment["AWS_ROLE_SESSION_NAME"] ?? "roadstead"),
            ("WebIdentityToken", try environment.tokenLine(inFile: file)),
        ]
        let request = KeyServiceRequest(
            .post, "\(address.text)/", headers: [Form.header, (name: "Accept", value: "application/xml")],
            body: Form.body(fields))
        let what = "assuming the role \(role)"
        let response = try await client.send(request) { response in
            if response.isSuccess { return nil }
            let said = "\(Self.text("Code", response) ?? "") \(Self.text("Message", response) ?? "")"
            return response.status >= 500 || response.status == 429
                ? CloudKeyError(.unavailable, "\(what): AWS's token service has failed: \(quoted(said))")
                : CloudKeyError(
                    .credentials, "\(what): AWS's token service says \(quoted(said))",
                    hint: "check the token's age, its audience and the role's trust policy")
        }
        return try held(
            id: Self.text("AccessKeyId", response), secret: Self.text("SecretAccessKey", response),
            session: Self.text("SessionToken", response), expires: Self.text("Expiration", response),
            source: "AWS's token service")
    }

    /// The text of the one element of a name that has only text in it.
    static func text(_ name: String, _ response: KeyServiceResponse) -> String? {
        let body = String(decoding: response.body, as: UTF8.self)
        let opened = body.split(separator: "<\(name)>", omittingEmptySubsequences: false)
        guard opened.count == 2, let inside = opened[1].split(separator: "<", maxSplits: 1).first,
            opened[1].dropFirst(inside.count).hasPrefix("</\(name)>"), !inside.contains("&")
        else { return nil }
        return String(inside)
    }

    private func containerAddress() throws -> ServiceAddress? {
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            let text = "http://169.254.170.2\(path)"
            return try ServiceAddress(text, .metadata, source: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        }
        guard let text = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] else { return nil }
        return try ServiceAddress(text, .metadata, source: "AWS_CONTAINER_CREDENTIALS_FULL_URI")
    }

    private func fromContainer(_ address: ServiceAddress) async throws -> Held {
        var request = KeyServiceRequest(.get, address.text)
        if let file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            request.headers = [("Authorization", try environment.tokenLine(inFile: file))]
        } else if let token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
            request.headers = [("Authorization", token)]
        }
        return try await held(request, "the container's credentials endpoint")
    }

    /// IMDSv2: a token that only this machine can ask for comes first.
    private func fromMachine() async throws -> Held {
        let text = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? Metadata.address
        let address = try ServiceAddress(text, .metadata, source: "AWS_EC2_METADATA_SERVICE_ENDPOINT")
        let place = "the machine's metadata service"
        var first = KeyServiceRequest(
            .put, "\(address.text)/latest/api/token", headers: [("X-aws-ec2-metadata-token-ttl-seconds", "300")])
        first.timeout = Self.metadataTimeout
        let answer: KeyServiceResponse
        // A machine outside AWS has no such service, and waiting for one is no help.
        do { answer = try await client.transport.send(first) } catch is CloudKeyError { throw Self.nobody }
        let token = String(decoding: answer.body, as: UTF8.self)
        guard answer.isSuccess, !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E) ~= $0 }) else {
            throw CloudKeyError(.credentials, "\(place) gives out no token (status \(answer.status))")
        }
        let headers = [(name: "X-aws-ec2-metadata-token", value: token)]
        let roles = "\(address.text)/latest/meta-data/iam/security-credentials/"
        let listed = try await client.send(KeyServiceRequest(.get, roles, headers: headers)) {
            Self.failure($0, place, hint: "does the machine have a role?")
        }
        let role = String(decoding: listed.body, as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
        guard !role.isEmpty, role.utf8.allSatisfy({ (0x21...0x7E) ~= $0 && !"/?#%".utf8.contains($0) }) else {
            throw CloudKeyError(.credentials, "\(place) names no role")
        }
        return try await held(KeyServiceRequest(.get, roles + role, headers: headers), place)
    }

    private func held(_ request: KeyServiceRequest, _ place: String) async throws -> Held {
        let response = try await client.send(request) { Self.failure($0, place, hint: nil) }
        let object = try response.object(place)
        return try held(
            id: object["AccessKeyId"]?.stringOrNil, secret: object["SecretAccessKey"]?.stringOrNil,
            session: object["Token"]?.stringOrNil, expires: object["Expiration"]?.stringOrNil, source: place)
    }

    private func held(
        id: String?, secret: String?, session: String?, expires: String?, source: String
    ) throws -> Held {
        guard let id, let secret, let session, let expires = expires.flatMap(ServiceDate.iso) else {
            throw CloudKeyError(.answer, "\(source) answered without credentials that expire")
        }
        return Held(
            try AWSCredentials(id: id, secret: secret, session: session, source: source), expires: expires)
    }

    private static func failure(_ response: KeyServiceResponse, _ place: String, hint: String?) -> CloudKeyError? {
        if response.isSuccess { return nil }
        let code: CloudKeyError.Code = response.status >= 500 || response.status == 429 ? .unavailable : .credentials
        return CloudKeyError(code, "\(place) answered with status \(response.status)", hint: hint)
    }
}

/// What follows from a region's name.
enum AWSRegion {
    static func suffix(_ region: String) -> String {
        region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    }

    static func checked(_ region: String, _ source: String) throws(CloudKeyError) -> String {
        let allowed = region.utf8.allSatisfy { (0x61...0x7A) ~= $0 || (0x30...0x39) ~= $0 || $0 == 0x2D }
        guard allowed, (4...32) ~= region.utf8.count else {
            throw CloudKeyError(.configuration, "\(source) does not name a region such as eu-central-1")
        }
        return region
    }
}
