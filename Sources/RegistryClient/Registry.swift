import Codecs
import NIOHTTP1
package import OCI

/// Reads images' signatures out of one registry. [OCI distribution specification 1.1]
///
/// Everything is checked against the digest by which it is named; the registry is believed only about which tag means
/// which digest, and which signatures there are.
package actor Registry {
    private let http: RegistryHTTP
    private let address: RegistryAddress
    private let credentials: RegistryCredentials
    private let plain: RegistryAddress.Plain
    /// What is sent with each request, by repository.
    private var authorization: [String: String] = [:]

    /// Signatures looked at; an image with more is full of rubbish. [CVE-2023-33958]
    package static let maximumSignatures = 50
    /// Registries hand blobs over to storage services, which may hand over once more.
    private static let maximumRedirects = 3
    private static let tokenBytes = 65_536

    private init(
        _ http: RegistryHTTP, _ address: RegistryAddress, _ credentials: RegistryCredentials,
        _ plain: RegistryAddress.Plain
    ) {
        self.http = http
        self.address = address
        self.credentials = credentials
        self.plain = plain
    }

    /// Gives the body a connection to the registry of a reference.
    ///
    /// - Parameter plainHTTP: speaks plain HTTP, to loopback only.
    package static func with<Result: Sendable>(
        _ registry: String, credentials: RegistryCredentials = .none, plainHTTP: Bool = false,
        _ body: (Registry) async throws -> Result
    ) async throws -> Result {
        let plain: RegistryAddress.Plain = plainHTTP ? .loopback : .refused
        let address = try RegistryAddress(registry: registry, plain: plain)
        return try await RegistryHTTP.with { http in
            try await body(Registry(http, address, credentials, plain))
        }
    }

    /// The manifest or index that a reference names; by its digest where it has one, else by its tag.
    package func resolve(_ reference: Reference) async throws -> Descriptor {
        guard let name = reference.digest?.description ?? reference.tag else {
            throw RegistryError(
                .answer, "\(reference) names neither a tag nor a digest", hint: "write \(reference):TAG")
        }
        return try await manifest(name, of: reference.repository, limit: OCILimit.manifestBytes).descriptor
    }

    /// The signature manifests that refer to an artifact, each once, at most `maximumSignatures`.
    package func signatures(of artifact: Descriptor, in repository: String) async throws -> [SignatureManifest] {
        var seen: Set<Digest> = []
        var found: [SignatureManifest] = []
        for entry in try await referrers(of: artifact, in: repository) {
            guard entry.mediaType == MediaType.imageManifest, seen.insert(entry.digest).inserted else { continue }
            guard seen.count <= Self.maximumSignatures else { break }
            let (bytes, descriptor) = try await manifest(
                entry.digest.description, of: repository, limit: OCILimit.manifestBytes)
            guard let manifest = try? Manifest(parsing: bytes), manifest.isNotationSignature,
                manifest.subject?.digest == artifact.digest
            else { continue }
            found.append(SignatureManifest(descriptor: descriptor, manifest: manifest))
        }
        return found
    }

    /// The envelope of a signature manifest.
    package func envelope(of signature: SignatureManifest, in repository: String) async throws -> [UInt8] {
        let layer = try signature.envelope
        guard layer.size <= OCILimit.signatureBytes else {
            throw RegistryError(.limit, "the envelope \(layer.digest) is said to have \(layer.size) bytes")
        }
        let path = "/v2/\(repository)/blobs/\(layer.digest)"
        let answer = try await get(path, of: repository, accept: layer.mediaType, limit: Int(layer.size))
        guard answer.status == 200 else { throw refusal(answer, "the envelope \(layer.digest)") }
        try layer.check(answer.body)
        return answer.body
    }

    // MARK: Manifests

    private func manifest(
        _ name: String, of repository: String, limit: Int
    ) async throws -> (bytes: [UInt8], descriptor: Descriptor) {
        let answer = try await get(
            "/v2/\(repository)/manifests/\(name)", of: repository, accept: Self.manifestTypes, limit: limit)
        guard answer.status == 200 else { throw refusal(answer, "\(address.host)/\(repository) \(name)") }
        let type = answer.headers.first(name: "Content-Type")?.prefix { $0 != ";" } ?? "application/octet-stream"
        let digest: Digest
        if let named = try? Digest(name) {
            digest = Digest(of: answer.body, algorithm: named.algorithm)
            guard digest == named else {
                throw RegistryError(.answer, "\(address.host) sends \(digest) for \(named)")
            }
        } else {
            digest = Digest(of: answer.body)
        }
        let descriptor = Descriptor(mediaType: String(type), digest: digest, size: Int64(answer.body.count))
        return (answer.body, descriptor)
    }

    private static let manifestTypes = [
        MediaType.imageManifest, MediaType.imageIndex, "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ].joined(separator: ", ")

    /// By the referrers API, and by the tag where the registry has none. ["Listing Referrers", "Referrers Tag Schema"]
    private func referrers(of artifact: Descriptor, in repository: String) async throws -> [Descriptor] {
        let query = "?artifactType=\(MediaType.notationSignature)"
        let answer = try await get(
            "/v2/\(repository)/referrers/\(artifact.digest)\(query)", of: repository, accept: MediaType.imageIndex,
            limit: OCILimit.indexBytes)
        if answer.status == 200 { return try Index(parsing: answer.body).manifests }
        guard answer.status == 404 else { throw refusal(answer, "the referrers of \(artifact.digest)") }
        let listed = try await get(
            "/v2/\(repository)/manifests/\(artifact.digest.referrersTag)", of: repository,
            accept: MediaType.imageIndex, limit: OCILimit.indexBytes)
        if listed.status == 404 { return [] }
        guard listed.status == 200 else { throw refusal(listed, "the referrers of \(artifact.digest)") }
        return try Index(parsing: listed.body).manifests
    }

    private func refusal(_ answer: RegistryAnswer, _ what: String) -> RegistryError {
        switch answer.status {
        case 401, 403:
            RegistryError(
                .unauthorized, "could not fetch \(what): \(answer.status) from \(address.host)",
                hint: "sign in with docker login \(address.host); its configuration file is read")
        case 404: RegistryError(.notFound, "\(address.host) has no \(what)")
        default: RegistryError(.answer, "could not fetch \(what): \(answer.status) from \(address.host)")
        }
    }

    // MARK: Requests

    /// Asks, once more with what the registry wants to see, and follows redirects without it.
    private func get(
        _ path: String, of repository: String, accept: String, limit: Int
    ) async throws -> RegistryAnswer {
        let url = address.url(path)
        var answer = try await send(url, authorization[repository], accept, limit)
        if answer.status == 401, let challenge = challenge(in: answer) {
            authorization[repository] = try await proof(for: challenge, repository)
            answer = try await send(url, authorization[repository], accept, limit)
        }
        var redirects = 0
        while [301, 302, 303, 307, 308].contains(answer.status), let target = answer.headers.first(name: "Location") {
            redirects += 1
            guard redirects <= Self.maximumRedirects else {
                throw RegistryError(.answer, "\(address.host) redirects more than \(Self.maximumRedirects) times")
            }
            let next = target.hasPrefix("/") ? address.url(target) : target
            try RegistryAddress.check(next, plain: plain, what: "the redirect to")
            // Credentials are for the registry alone.
            let proof = RegistryAddress.hostPart(of: next) == address.host ? authorization[repository] : nil
            answer = try await send(next, proof, accept, limit)
        }
        return answer
    }

    private func send(
        _ url: String, _ authorization: String?, _ accept: String, _ limit: Int
    ) async throws -> RegistryAnswer {
        var headers = [("Accept", accept), ("User-Agent", "roadstead")]
        if let authorization { headers.append(("Authorization", authorization)) }
        return try await http.get(url, headers: headers, limit: limit)
    }

    private func challenge(in answer: RegistryAnswer) -> RegistryChallenge? {
        answer.headers["WWW-Authenticate"].lazy.compactMap { RegistryChallenge($0) }.first
    }

    /// What the registry wants to see: the password itself, or a token that the password gets from elsewhere.
    private func proof(for challenge: RegistryChallenge, _ repository: String) async throws -> String? {
        let password = credentials.header(for: address.host)
        guard case .bearer(let realm, let service, _) = challenge else { return password }
        try RegistryAddress.check(realm, plain: plain, what: "the token service")
        var query = ["scope=\(Self.escaped("repository:\(repository):pull"))"]
        if let service { query.append("service=\(Self.escaped(service))") }
        let url = realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&")
        let answer = try await send(url, password, "application/json", Self.tokenBytes)
        guard answer.status == 200 else { throw refusal(answer, "a token for \(repository)") }
        let object = try JSON(parsing: answer.body).object("the token service's answer")
        guard let token = (object["token"] ?? object["access_token"])?.stringOrNil,
            !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw RegistryError(.answer, "the token service of \(address.host) answers without a token") }
        return "Bearer \(token)"
    }

    /// [RFC 3986 §2.3]
    private static func escaped(_ text: String) -> String {
        let plain = Array("-._~".utf8)
        return text.utf8.map { byte in
            let isWord =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            return isWord || plain.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }.joined()
    }
}
