package import Codecs
package import SigningKeys
package import TUF
package import TrustModel

/// A private key of the server's own, as it is stored: sealed under the master key and bound to its purpose, or only
/// named, with the private half in a token or a service.
package struct ServerKey: Sendable, Equatable {
    /// Where the private half is.
    package enum Home: Sendable, Equatable {
        /// Here: nonce, ciphertext and tag.
        case sealed([UInt8])
        /// Where the operator's configuration has it under this name. `fleet` is what the key's fleet is called.
        case named(KeyName, fleet: FleetName?)
    }

    package let purpose: KeyPurpose
    /// The public half as metadata lists it.
    package let key: Key
    package let home: Home

    /// Makes a new Ed25519 key for one purpose, sealed.
    package static func generate(for purpose: KeyPurpose, under master: MasterKey) throws -> ServerKey {
        let privateKey = try PrivateKey.generate(.ed25519)
        return try ServerKey(purpose: purpose, privateKey: privateKey, under: master)
    }

    init(purpose: KeyPurpose, privateKey: PrivateKey, under master: MasterKey) throws {
        self.purpose = purpose
        key = try Key(privateKey.publicKey)
        var plaintext = try privateKey.plaintextPKCS8
        home = .sealed(try master.seal(plaintext, context: Self.context(purpose, key.id)))
        _ = Secret(wiping: &plaintext)
    }

    init(purpose: KeyPurpose, key: Key, home: Home) {
        self.purpose = purpose
        self.key = key
        self.home = home
    }

    /// Takes up what was stored.
    package init(purpose: KeyPurpose, key: JSON, home: Home) throws {
        self.init(purpose: purpose, key: try Key(key, place: "the key for \(purpose)"), home: home)
    }

    package init(purpose: KeyPurpose, key: JSON, sealed: [UInt8]) throws {
        try self.init(purpose: purpose, key: key, home: .sealed(sealed))
    }

    package var keyID: String { key.id.text }

    package var sealed: [UInt8]? { if case .sealed(let bytes) = home { bytes } else { nil } }

    /// What a key outside of the server is called.
    package var name: KeyName? { if case .named(let name, _) = home { name } else { nil } }

    /// Opens a sealed key; refused when the master key, the fleet, the role or the id is another, or a bit was changed.
    package func open(under master: MasterKey) throws -> RoleKey {
        RoleKey(purpose: purpose, key: key, signer: try unsealed(under: master))
    }

    private func unsealed(under master: MasterKey) throws -> PrivateKey {
        guard case .sealed(let sealed) = home else {
            throw PublishError(.sealedKey, "the key for \(purpose) is not sealed here, it lives elsewhere")
        }
        let opened: PrivateKey
        do {
            opened = try PrivateKey(pkcs8: try master.open(sealed, context: Self.context(purpose, key.id)))
        } catch let error as KeyError {
            throw PublishError(
                .sealedKey, "the key for \(purpose) does not open: \(error.reason)",
                hint: "it was sealed under another master key or for another role, or was changed in the database")
        }
        guard try Key(opened.publicKey).id == key.id else {
            throw PublishError(.sealedKey, "the key for \(purpose) is not the one it is stored as")
        }
        return opened
    }

    /// The same key sealed under another master key.
    package func resealed(from old: MasterKey, to new: MasterKey) throws -> ServerKey {
        try ServerKey(purpose: purpose, privateKey: try unsealed(under: old), under: new)
    }

    private static func context(_ purpose: KeyPurpose, _ id: KeyID) -> [UInt8] {
        Array("roadstead-sealed-key-v1\n\(purpose.fleet?.rawValue ?? "-")\n\(purpose.role)\n\(id.text)".utf8)
    }
}

/// A private key of a role, ready to sign.
package struct RoleKey: Sendable {
    package let purpose: KeyPurpose
    package let key: Key
    let signer: any Signer
}

extension MasterKey {
    /// Seals every key anew; all of them open under `new`, or none is returned.
    package static func rotate(_ keys: [ServerKey], from old: MasterKey, to new: MasterKey) throws -> [ServerKey] {
        try keys.map { try $0.resealed(from: old, to: new) }
    }
}
