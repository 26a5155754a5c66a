import Codecs
package import SigningKeys

/// Keys in Azure Key Vault and Managed HSM: `azurekms://VAULT/KEY[/VERSION]`, where VAULT is a name in the public cloud
/// or a host.
///
/// A key is opened in one version, the newest unless the URI says which, and only that version signs.
package struct AzureBackend: KeyBackend {
    private let client: KeyServiceClient
    private let vaults = AzureVaults()

    static let mostListed = 200

    package init(_ environment: KeyServiceEnvironment, transport: any KeyServiceTransport) {
        client = KeyServiceClient(transport: transport, environment: environment)
    }

    package func open(_ name: KeyName) async throws -> OpenedKey {
        let (vault, key) = try await vault(name)
        let found = try await describe(try Self.path(key, name), vault)
        return try Self.opened(found, vault)
    }

    package func list(_ name: KeyName) async throws -> KeyListing {
        let (vault, key) = try await vault(name)
        guard key.segments.isEmpty else {
            throw CloudKeyError(.name, "\(name) names a key, not a vault", hint: "such as azurekms://VAULT/")
        }
        var entries: [KeyListing.Entry] = []
        var skipped: [String] = []
        for text in try await identifiers(vault) {
            do {
                let found = try await describe(try AzureKey.segments(text, vault), vault)
                entries.append(.init(name: try found.id.name(vault), publicKey: found.publicKey, isPrivate: true))
            } catch let error as CloudKeyError where [.unusable, .denied, .notFound].contains(error.code) {
                skipped.append("\(quoted(text)): \(error.reason)")
            }
        }
        return KeyListing(entries: entries, skipped: skipped)
    }

    package func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        let (vault, key) = try await vault(name)
        guard key.segments.count == 1, let text = key.segments.first else {
            throw CloudKeyError(.name, "\(name) does not name a key to make", hint: "azurekms://VAULT/KEY")
        }
        // Making a key whose name is taken would make a new version of that key.
        do {
            _ = try await vault.get("/keys/\(text)", doing: "looking for \(text)")
            throw CloudKeyError(
                .exists, "the key \(text) exists already", hint: "choose another name; nothing was made")
        } catch let error as CloudKeyError where error.code == .notFound {}
        var body = JSONObject([("key_ops", ["sign", "verify"])])
        switch type {
        case .ec(let curve): body["kty"] = "EC"; body["crv"] = .string(curve.name)
        case .rsa(let bits): body["kty"] = "RSA"; body["key_size"] = .integer(Int64(bits))
        case .ed25519: throw KeyError(.unsupported, "Azure Key Vault makes no keys of type \(type)")
        }
        let answer = try await vault.post("/keys/\(text)/create", .object(body), attempts: 1, doing: "making \(text)")
        let opened = try Self.opened(
            try KeyServiceResponse.reading(vault.service) {
                try AzureKey(answer, vault, now: client.environment.now())
            },
            vault)
        guard opened.signer.publicKey.type == type else {
            throw CloudKeyError(.answer, "Azure Key Vault made a key of type \(opened.signer.publicKey.type)")
        }
        try await confirm(opened)
        return opened
    }

    private func vault(_ name: KeyName) async throws -> (AzureVault, ServiceKeyURI) {
        let uri = try ServiceKeyURI(name, parameters: [])
        guard !uri.authority.isEmpty, uri.segments.count <= 2, !uri.isFolder || uri.segments.isEmpty else {
            throw CloudKeyError(.name, "\(name) is no key of a vault", hint: "such as azurekms://VAULT/KEY/VERSION")
        }
        return (try await vaults.vault(uri.authority, client), uri)
    }

    private static func path(_ uri: ServiceKeyURI, _ name: KeyName) throws(CloudKeyError) -> [String] {
        guard !uri.segments.isEmpty else {
            throw CloudKeyError(.name, "\(name) names no key", hint: "such as azurekms://VAULT/KEY")
        }
        return uri.segments
    }

    private func describe(_ path: [String], _ vault: AzureVault) async throws -> AzureKey {
        let text = path.joined(separator: "/")
        let answer = try await vault.get("/keys/\(text)", doing: "reading the key \(text)")
        let key = try KeyServiceResponse.reading(vault.service) {
            try AzureKey(answer, vault, now: client.environment.now())
        }
        guard key.id.segments.starts(with: path) else {
            throw CloudKeyError(.rotated, "Azure Key Vault answered with another key than \(text)")
        }
        return key
    }

    private static func opened(_ key: AzureKey, _ vault: AzureVault) throws -> OpenedKey {
        OpenedKey(
            AzureSigner(publicKey: key.publicKey, id: key.id, vault: vault), name: try key.id.name(vault))
    }

    private func identifiers(_ vault: AzureVault) async throws -> [String] {
        var identifiers: [String] = []
        var path: String? = "/keys"
        var paging = Paging(vault.service)
        while let next = path {
            try paging.beginPage()
            let answer = try await vault.get(next, doing: "listing the keys of \(vault.host)")
            try KeyServiceResponse.reading(vault.service) {
                identifiers += try answer.array("value", in: "the answer").map {
                    try $0.object("value").string("kid", in: "value")
                }
            }
            path = try answer["nextLink"]?.stringOrNil.flatMap { $0.isEmpty ? nil : try vault.path(ofLink: $0) }
        }
        guard identifiers.count <= Self.mostListed, path == nil else {
            throw CloudKeyError(.answer, "\(vault.host) lists more than the \(Self.mostListed) keys that are taken")
        }
        return identifiers
    }
}

/// The vaults that are in use, each with its own token.
private actor AzureVaults {
    private var vaults: [String: AzureVault] = [:]

    func vault(_ authority: String, _ client: KeyServiceClient) throws -> AzureVault {
        if let vault = vaults[authority] { return vault }
        let vault = try AzureVault(authority, client)
        vaults[authority] = vault
        return vault
    }
}
