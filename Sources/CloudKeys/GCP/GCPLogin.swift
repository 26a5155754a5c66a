import Codecs
import Files
import SigningKeys

/// How tokens of Google Cloud are come by: a service account's key, another provider's token, or, where no file of either
/// is named, the machine's account.
struct GCPLogin: Sendable {
    private let client: KeyServiceClient
    private var environment: KeyServiceEnvironment { client.environment }

    static let scope = "https://www.googleapis.com/auth/cloudkms"
    /// What Google calls itself in a grant, whatever address the grant goes to.
    static let audience = "https://oauth2.googleapis.com/token"
    static let lifetimeSeconds: Int64 = 3_600
    static let maximumBytes = 1 << 16
    private static let metadataTimeout = Duration.seconds(2)

    init(_ client: KeyServiceClient) { self.client = client }

    func token() async throws -> Lease<String>.Held {
        if let path = environment["GOOGLE_APPLICATION_CREDENTIALS"] { return try await token(byFile: path) }
        if let path = environment.home(".config/gcloud/application_default_credentials.json"), Files.exists(path) {
            return try await token(byFile: path)
        }
        return try await machineToken()
    }

    private func token(byFile path: String) async throws -> Lease<String>.Held {
        let file = try Self.tree(try Files.readTrusted(path, limit: Self.maximumBytes), path)
        do {
            if try file.string("type", in: "the file") == GCPExternalAccount.type {
                return try await GCPExternalAccount(file, path).token(client)
            }
        } catch let error as CodecError {
            throw CloudKeyError(.configuration, "\(path) is malformed: \(error.reason)")
        }
        return try await token(ofAccountIn: path)
    }

    static func tree(_ bytes: [UInt8], _ path: String) throws(CloudKeyError) -> JSONObject {
        do throws(CodecError) {
            return try JSON(parsing: bytes, limits: JSONLimits(bytes: maximumBytes, depth: 8)).object("the file")
        } catch {
            throw CloudKeyError(.configuration, "\(path) is no file of credentials: \(error.reason)")
        }
    }

    private func token(ofAccountIn path: String) async throws -> Lease<String>.Held {
        let account = try GCPServiceAccount(Self.tree(try Files.readSecret(path), path), path)
        let start = environment.now()
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", try account.assertion(at: start)),
        ]
        let request = KeyServiceRequest(.post, account.tokens.text, headers: [Form.header], body: Form.body(form))
        let response = try await client.send(request) {
            OAuthToken.failure($0, "Google", hint: "the key in \(path) may be deleted, or this machine's clock be off")
        }
        return try OAuthToken.held(response, "Google", from: start)
    }

    private func machineToken() async throws -> Lease<String>.Held {
        let host = environment["GCE_METADATA_HOST"] ?? "169.254.169.254"
        let address = try ServiceAddress("http://\(host)", .metadata, source: "GCE_METADATA_HOST")
        var request = KeyServiceRequest(
            .get, "\(address.text)/computeMetadata/v1/instance/service-accounts/default/token",
            headers: [("Metadata-Flavor", "Google")])
        request.timeout = Self.metadataTimeout
        let start = environment.now()
        do {
            let response = try await client.send(request, attempts: 1) {
                OAuthToken.failure($0, "the machine's metadata service", hint: "does the machine have an account?")
            }
            guard response.header("Metadata-Flavor") == "Google" else {
                throw CloudKeyError(.answer, "what answers at \(address.authority) is not Google's metadata service")
            }
            return try OAuthToken.held(response, "the machine's metadata service", from: start)
        } catch let error as CloudKeyError where error.code == .unreachable || error.code == .deadline {
            // A machine outside Google Cloud has no such service, and waiting for one is no help.
            throw CloudKeyError(
                .configuration, "nothing says who is calling Google Cloud",
                hint: "set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file, or an external_account")
        }
    }
}

/// The key file of a service account.
struct GCPServiceAccount {
    let tokens: ServiceAddress
    private let email: String
    private let keyID: String
    private let key: PrivateKey

    init(_ file: JSONObject, _ path: String) throws {
        do {
            let type = try file.string("type", in: "the file")
            guard type == "service_account" else {
                throw CloudKeyError(
                    .configuration, "\(path) holds credentials of the type \(quoted(type)), which is not supported",
                    hint: "name a service account's key or an external_account in GOOGLE_APPLICATION_CREDENTIALS, or "
                        + "move \(path) away: then the machine's own account is taken")
            }
            email = try file.string("client_email", in: "the file")
            keyID = try file.string("private_key_id", in: "the file")
            tokens = try ServiceAddress(
                file["token_uri"]?.stringOrNil ?? GCPLogin.audience, source: "the token_uri in \(path)")
            key = try PrivateKey(pem: Array(try file.string("private_key", in: "the file").utf8))
        } catch let error as CodecError {
            throw CloudKeyError(.configuration, "\(path) is no key file of a service account: \(error.reason)")
        } catch let error as KeyError {
            throw CloudKeyError(.configuration, "the key in \(path) cannot be used: \(error.reason)")
        }
    }

    /// What is traded for a token. [RFC 7523 §2.1]
    func assertion(at now: UTCDate) throws -> String {
        let header: JSON = ["alg": "RS256", "typ": "JWT", "kid": .string(keyID)]
        let claims: JSON = [
            "iss": .string(email), "scope": .string(GCPLogin.scope), "aud": .string(GCPLogin.audience),
            "iat": .integer(now.seconds), "exp": .integer(now.seconds + GCPLogin.lifetimeSeconds),
        ]
        let text = "\(Base64.encode(header.bytes, .url)).\(Base64.encode(claims.bytes, .url))"
        return "\(text).\(Base64.encode(try key.tokenRequestSignature(over: Array(text.utf8)), .url))"
    }
}
