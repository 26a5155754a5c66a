import Codecs
package import SigningKeys

/// Keys in the transit engine of Vault and OpenBao: `hashivault://MOUNT/KEY[?version=N]`.
///
/// A key is opened in one version, the newest unless the URI says which, and every signature is asked for in that
/// version: rotating a key does not change what a program that has it open signs with.
package struct VaultBackend: KeyBackend {
    private let client: VaultClient

    /// Keys of one mount that are listed; each costs a request.
    static let mostListed = 200

    /// - Throws: `CloudKeyError(.configuration/.address)` for what the environment says of the server.
    package init(_ environment: KeyServiceEnvironment, transport: any KeyServiceTransport) throws {
        client = try VaultClient(KeyServiceClient(transport: transport, environment: environment))
    }

    package func open(_ name: KeyName) async throws -> OpenedKey {
        let (key, version) = try VaultKey.named(name)
        return try await open(key, version)
    }

    package func publicKey(_ name: KeyName) async throws -> PublicKey {
        let (key, version) = try VaultKey.named(name)
        return try await description(of: key).publicKey(version).key
    }

    package func list(_ name: KeyName) async throws -> KeyListing {
        let mount = try VaultKey.mount(name)
        let answer = try await client.get("\(mount)/keys?list=true", doing: "listing the keys of \(mount)")
        let names = try KeyServiceResponse.reading(client.service) {
            try answer.array("keys", in: "data").map { try $0.string("a key's name") }
        }
        var entries: [KeyListing.Entry] = []
        var skipped: [String] = []
        for text in names.prefix(Self.mostListed) {
            do {
                let key = try VaultKey(mount: mount, key: text)
                let (publicKey, version) = try await description(of: key).publicKey(nil)
                entries.append(.init(name: try key.name(version), publicKey: publicKey, isPrivate: true))
            } catch let error as CloudKeyError where [.unusable, .denied, .notFound, .name].contains(error.code) {
                skipped.append("\(quoted(text)): \(error.reason)")
            }
        }
        if names.count > Self.mostListed { skipped.append("\(names.count - Self.mostListed) more keys of \(mount)") }
        return KeyListing(entries: entries, skipped: skipped)
    }

    package func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        let (key, version) = try VaultKey.named(name)
        guard let word = VaultKey.words.first(where: { $0.value == type })?.key, version == nil else {
            throw KeyError(.unsupported, "\(client.service) makes no keys of type \(type) under \(name)")
        }
        // Making a key that is there is no error to the server, and no new key either.
        do {
            _ = try await description(of: key)
            throw CloudKeyError(.exists, "\(key) exists already", hint: "choose another name; nothing was made")
        } catch let error as CloudKeyError where error.code == .notFound {}
        _ = try await client.post(
            "\(key.mount)/keys/\(key.key)",
            ["type": .string(word), "exportable": false, "allow_plaintext_backup": false], doing: "making \(key)")
        let opened = try await open(key, 1)
        guard opened.signer.publicKey.type == type else {
            throw CloudKeyError(.exists, "somebody else made \(key), of another type, at the same moment")
        }
        try await confirm(opened)
        return opened
    }

    private func open(_ key: VaultKey, _ version: Int64?) async throws -> OpenedKey {
        let (publicKey, version) = try await description(of: key).publicKey(version)
        let signer = VaultSigner(publicKey: publicKey, key: key, version: version, client: client)
        return OpenedKey(signer, name: try key.name(version))
    }

    private func description(of key: VaultKey) async throws -> VaultKeyDescription {
        let data = try await client.get("\(key.mount)/keys/\(key.key)", doing: "reading \(key)")
        return try KeyServiceResponse.reading(client.service) { try VaultKeyDescription(data, key) }
    }
}

/// A transit key's place.
struct VaultKey: Sendable, CustomStringConvertible {
    let mount: String
    let key: String

    /// What transit calls the types of keys that sign.
    static let words: [String: KeyType] = [
        "ecdsa-p256": .ec(.p256), "ecdsa-p384": .ec(.p384), "ecdsa-p521": .ec(.p521), "ed25519": .ed25519,
        "rsa-2048": .rsa(bits: 2_048), "rsa-3072": .rsa(bits: 3_072), "rsa-4096": .rsa(bits: 4_096),
    ]

    /// Takes a name that the server listed.
    init(mount: String, key: String) throws(CloudKeyError) {
        let name = try KeyName(built: "\(KeyScheme.hashivault.prefix)\(mount)/\(key)")
        (self, _) = try VaultKey.named(name)
    }

    private init(checkedMount mount: String, key: String) {
        self.mount = mount
        self.key = key
    }

    static func named(_ name: KeyName) throws(CloudKeyError) -> (key: VaultKey, version: Int64?) {
        let uri = try ServiceKeyURI(name, parameters: ["version"])
        let path = try uri.path(name)
        guard let key = path.dropFirst().last, !uri.isFolder else {
            throw CloudKeyError(.name, "\(name) names no key", hint: "such as hashivault://transit/release")
        }
        var version: Int64?
        if let text = uri.query["version"] {
            version = Int64(text)
            guard let version, version > 0 else {
                throw CloudKeyError(.name, "the version in \(name)'s query is no number from 1 on")
            }
        }
        return (VaultKey(checkedMount: path.dropLast().joined(separator: "/"), key: key), version)
    }

    /// `hashivault://MOUNT`, or with a slash at its end where the mount has one inside.
    static func mount(_ name: KeyName) throws(CloudKeyError) -> String {
        let uri = try ServiceKeyURI(name, parameters: [])
        guard uri.isFolder || uri.segments.isEmpty else {
            throw CloudKeyError(.name, "\(name) names a key, not a mount", hint: "such as hashivault://transit/")
        }
        return try uri.path(name).joined(separator: "/")
    }

    func name(_ version: Int64) throws(CloudKeyError) -> KeyName {
        try KeyName(built: "\(KeyScheme.hashivault.prefix)\(mount)/\(key)?version=\(version)")
    }

    var description: String { "the transit key \(mount)/\(key)" }
}

/// What transit says of a key.
struct VaultKeyDescription {
    let key: VaultKey
    let type: String
    let latest: Int64
    private let versions: JSONObject

    init(_ data: JSONObject, _ key: VaultKey) throws {
        self.key = key
        type = try data.string("type", in: "data")
        latest = try data.integer("latest_version", in: "data")
        versions = data["keys"]?.objectOrNil ?? JSONObject()
    }

    /// One version's public key, the newest's when `version` is nil.
    func publicKey(_ version: Int64?) throws -> (key: PublicKey, version: Int64) {
        guard let wanted = VaultKey.words[type] else {
            throw CloudKeyError(
                .unusable, "\(key) is of type \(quoted(type)), which makes no signatures that are used here",
                hint: "make one of type ecdsa-p384")
        }
        let version = version ?? latest
        guard let found = versions[String(version)]?.objectOrNil else {
            throw CloudKeyError(
                .notFound, "\(key) has no version \(version); its newest is \(latest)",
                hint: "older versions may have been archived: name one that is there")
        }
        let text = try found.string("public_key", in: "data.keys.\(version)")
        let publicKey =
            wanted == .ed25519
            ? try ServicePublicKey.ed25519(try Base64.decode(text), of: "\(key)")
            : try ServicePublicKey.pem(text, of: "\(key)")
        guard publicKey.type == wanted else {
            throw CloudKeyError(.answer, "\(key) says \(type), and its public key is of type \(publicKey.type)")
        }
        return (publicKey, version)
    }
}
