import Codecs
package import SigningKeys

/// Keys in Google's Cloud KMS, by their whole name down to the version:
/// `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N`.
///
/// A version is tied to one algorithm, its hash included, when it is made. What cannot be signed with it is refused
/// before anything is sent.
package struct GCPBackend: KeyBackend {
    private let client: GCPClient

    static let mostListed = 200
    /// How often it is asked whether a new key is ready, once a second.
    static let mostQuestions = 60

    package init(_ environment: KeyServiceEnvironment, transport: any KeyServiceTransport) {
        client = GCPClient(KeyServiceClient(transport: transport, environment: environment))
    }

    package func open(_ name: KeyName) async throws -> OpenedKey {
        let path = try GCPKeyPath(name)
        guard path.version != nil else {
            throw CloudKeyError(
                .name, "\(name) names no version of a key", hint: "add /cryptoKeyVersions/N; key list shows them")
        }
        return try await opened(path.text)
    }

    package func list(_ name: KeyName) async throws -> KeyListing {
        let path = try GCPKeyPath(name)
        guard path.version == nil else {
            throw CloudKeyError(.name, "\(name) names a version of a key, not a key ring or a key")
        }
        let keys = path.key == nil ? try await names("cryptoKeys", in: path.text, "cryptoKeys") : [path.text]
        var entries: [KeyListing.Entry] = []
        var skipped: [String] = []
        for key in keys {
            for version in try await names("cryptoKeyVersions", in: key, "cryptoKeyVersions") {
                do {
                    let opened = try await opened(version)
                    entries.append(.init(name: opened.name, publicKey: opened.signer.publicKey, isPrivate: true))
                } catch let error as CloudKeyError where [.unusable, .denied, .notFound, .request].contains(error.code)
                {
                    skipped.append("\(quoted(version)): \(error.reason)")
                }
            }
        }
        return KeyListing(entries: entries, skipped: skipped)
    }

    /// Makes a key in software, in its first version, which the name may say; Cloud KMS takes no second key of one name.
    package func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        let path = try GCPKeyPath(name)
        guard let key = path.key, path.version == nil || path.version == "1" else {
            throw CloudKeyError(
                .name, "\(name) does not name a key to make",
                hint: "gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K, in a key ring that is there")
        }
        let algorithm = try GCPAlgorithm(making: type)
        let whole = path.version == nil ? path.text : String(path.text.dropLast("/cryptoKeyVersions/1".count))
        let ring = whole.dropLast("/cryptoKeys/\(key)".count)
        let body: JSON = ["purpose": "ASYMMETRIC_SIGN", "versionTemplate": ["algorithm": .string(algorithm.name)]]
        let answer = try await client.post(
            "\(ring)/cryptoKeys?cryptoKeyId=\(Form.encoded(key))", body, attempts: 1, doing: "making \(whole)")
        guard answer["name"]?.stringOrNil == whole else {
            throw CloudKeyError(.answer, "Cloud KMS made another key than \(whole)")
        }
        let version = "\(whole)/cryptoKeyVersions/1"
        try await waitUntilEnabled(version)
        let opened = try await opened(version)
        guard opened.signer.publicKey.type == type else {
            throw CloudKeyError(.answer, "Cloud KMS made a key of type \(opened.signer.publicKey.type)")
        }
        try await confirm(opened)
        return opened
    }

    private func waitUntilEnabled(_ version: String) async throws {
        for _ in 0..<Self.mostQuestions {
            let answer = try await client.get(version, doing: "asking whether \(version) is ready")
            switch answer["state"]?.stringOrNil {
            case "ENABLED": return
            case "PENDING_GENERATION": try await client.wait(.seconds(1))
            case let state:
                throw CloudKeyError(.unusable, "\(version) was made, and its state is \(quoted(state ?? "not said"))")
            }
        }
        throw CloudKeyError(
            .deadline, "\(version) was made, and is not ready after \(Self.mostQuestions) s",
            hint: "roadstead key test tells when it is; making it again would be refused")
    }

    private func opened(_ path: String) async throws -> OpenedKey {
        let answer = try await client.get("\(path)/publicKey", doing: "reading the public key of \(path)")
        let (algorithm, publicKey) = try KeyServiceResponse.reading(client.service) {
            guard try answer.string("name", in: "the answer") == path else {
                throw CloudKeyError(.rotated, "Cloud KMS answered with another key than \(path)")
            }
            let pem = try answer.string("pem", in: "the answer")
            guard answer["pemCrc32c"].flatMap(GCPSigner.checksum) == CRC32C.of(Array(pem.utf8)) else {
                throw CloudKeyError(.answer, "the public key of \(path) came with another checksum than its own")
            }
            let algorithm = try GCPAlgorithm(try answer.string("algorithm", in: "the answer"), path)
            return (algorithm, try ServicePublicKey.pem(pem, of: path))
        }
        guard publicKey.type == algorithm.type else {
            throw CloudKeyError(.answer, "Cloud KMS says \(algorithm.name), and the key is of type \(publicKey.type)")
        }
        let signer = GCPSigner(publicKey: publicKey, path: path, algorithm: algorithm, client: client)
        return OpenedKey(signer, name: try KeyName(built: "\(KeyScheme.gcpkms.prefix)\(path)"))
    }

    private func names(_ list: String, in parent: String, _ folder: String) async throws -> [String] {
        var names: [String] = []
        var page = ""
        var paging = Paging(client.service)
        repeat {
            try paging.beginPage()
            let query = "pageSize=25" + (page.isEmpty ? "" : "&pageToken=\(Form.encoded(page))")
            let answer = try await client.get("\(parent)/\(folder)?\(query)", doing: "listing the keys of \(parent)")
            page = answer["nextPageToken"]?.stringOrNil ?? ""
            try KeyServiceResponse.reading(client.service) {
                for entry in answer[list]?.arrayOrNil ?? [] {
                    let name = try entry.object(list).string("name", in: list)
                    guard name.hasPrefix("\(parent)/\(folder)/"),
                        let path = try? GCPKeyPath(try KeyName("\(KeyScheme.gcpkms.prefix)\(name)")), path.text == name
                    else { throw CloudKeyError(.answer, "Cloud KMS lists a key that is not below \(parent)") }
                    names.append(name)
                }
            }
            guard names.count <= Self.mostListed else {
                throw CloudKeyError(.answer, "Cloud KMS lists more than the \(Self.mostListed) keys that are taken")
            }
        } while !page.isEmpty
        return names
    }
}

/// A name in Cloud KMS, from the key ring down.
struct GCPKeyPath {
    let text: String
    let key: String?
    let version: String?

    private static let folders = ["projects", "locations", "keyRings", "cryptoKeys", "cryptoKeyVersions"]

    init(_ name: KeyName) throws(CloudKeyError) {
        let uri = try ServiceKeyURI(name, parameters: [])
        var parts = try uri.path(name)
        // As other tools write it.
        if parts.count == 10, parts[8] == "versions" { parts[8] = "cryptoKeyVersions" }
        let folders = stride(from: 0, to: parts.count, by: 2).map { parts[$0] }
        guard [6, 8, 10].contains(parts.count), folders.elementsEqual(Self.folders.prefix(folders.count)),
            !uri.isFolder, parts.allSatisfy({ !$0.isEmpty }),
            parts.count < 10 || Int64(parts[9]).map({ $0 > 0 }) == true
        else {
            throw CloudKeyError(
                .name, "\(name) is no key of Cloud KMS",
                hint: "gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N")
        }
        text = parts.joined(separator: "/")
        key = parts.count > 7 ? parts[7] : nil
        version = parts.count > 9 ? parts[9] : nil
    }
}
