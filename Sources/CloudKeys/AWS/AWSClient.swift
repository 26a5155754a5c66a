import Codecs

/// Speaks to AWS KMS in one region, as whoever the environment says.
struct AWSClient: Sendable {
    let service = "AWS KMS"
    let uri: AWSKeyURI
    let region: String
    private let address: ServiceAddress
    private let client: KeyServiceClient
    private let lease: Lease<AWSCredentials>

    /// Clocks may be five minutes apart.
    static let skewSeconds: Int64 = 240

    init(_ uri: AWSKeyURI, _ client: KeyServiceClient, lease: Lease<AWSCredentials>, region: String) throws {
        self.uri = uri
        self.region = region
        self.client = client
        self.lease = lease
        address = try uri.address(client.environment, region: region)
    }

    func call(
        _ operation: String, _ body: JSON, attempts: Int = KeyServiceClient.attempts, doing what: String
    ) async throws -> JSONObject {
        let bytes = body.bytes
        let response = try await client.send(with: lease, attempts: attempts) { credentials in
            let headers = SigV4(credentials: credentials, region: region, service: "kms").signed(
                [
                    (name: "Content-Type", value: "application/x-amz-json-1.1"),
                    (name: "X-Amz-Target", value: "TrentService.\(operation)"),
                ],
                host: address.authority, path: address.path.isEmpty ? "/" : address.path, body: bytes,
                at: client.environment.now())
            return KeyServiceRequest(
                .post, address.path.isEmpty ? "\(address.text)/" : address.text, headers: headers, body: bytes)
        } judge: {
            failure($0, what)
        }
        return try response.object(service)
    }

    private func failure(_ response: KeyServiceResponse, _ what: String) -> CloudKeyError? {
        if response.isSuccess { return nil }
        let object = try? response.object(service)
        let type = object?["__type"]?.stringOrNil ?? response.header("x-amzn-ErrorType") ?? ""
        let name = type.split(separator: "#").last.map { String($0.prefix { $0 != ":" }) } ?? ""
        let said = quoted(object?["message"]?.stringOrNil ?? object?["Message"]?.stringOrNil)
        let (code, hint) = meaning(name, response)
        return CloudKeyError(code, "\(what): AWS KMS says \(quoted(name)): \(said)", hint: hint)
    }

    private func meaning(_ name: String, _ response: KeyServiceResponse) -> (CloudKeyError.Code, String?) {
        switch name {
        case "NotFoundException": (.notFound, "check id, alias, region and account")
        case "DisabledException": (.unusable, "the key is disabled: aws kms enable-key")
        case "KMSInvalidStateException":
            (.unusable, "the key waits for its deletion or for material: aws kms describe-key tells")
        case "InvalidKeyUsageException", "UnsupportedOperationException":
            (.unusable, "signing takes an asymmetric key made for SIGN_VERIFY")
        case "AlreadyExistsException": (.exists, "choose another alias")
        case "AccessDeniedException":
            (.denied, "it takes kms:GetPublicKey and kms:Sign, and kms:DescribeKey to see a key's state")
        case "ExpiredTokenException", "ExpiredToken": (.credentials, "the session has expired: log in again")
        case "InvalidSignatureException" where isSkewed(response), "RequestExpired", "RequestTimeTooSkewed":
            (.clock, "this machine's clock and AWS's are too far apart: set the clock")
        case "InvalidSignatureException": (.credentials, "the secret access key does not belong to the access key id")
        case "UnrecognizedClientException", "InvalidClientTokenId", "IncompleteSignatureException",
            "MissingAuthenticationTokenException":
            (.credentials, "AWS does not know these credentials: aws sts get-caller-identity tells who they are")
        case "ThrottlingException", "Throttling", "RequestLimitExceeded", "LimitExceededException":
            (.throttled, "ask for a higher request quota, or sign less at once")
        case "KeyUnavailableException", "DependencyTimeoutException", "KMSInternalException", "InternalFailure",
            "ServiceUnavailable":
            (.unavailable, nil)
        default: (response.status == 429 ? .throttled : response.status >= 500 ? .unavailable : .request, nil)
        }
    }

    private func isSkewed(_ response: KeyServiceResponse) -> Bool {
        guard let theirs = response.header("Date").flatMap(ServiceDate.header) else { return false }
        return abs(theirs.seconds - client.environment.now().seconds) > Self.skewSeconds
    }
}
