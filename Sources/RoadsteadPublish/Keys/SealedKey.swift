package import Codecs
import SigningKeys
package import TUF
import TrustModel

/// A private key as it is stored: sealed under the master key, bound to its fleet, its role and its id.
package struct SealedKey: Sendable, Equatable {
    package let purpose: KeyPurpose
    /// The public half as metadata lists it.
    package let key: Key
    /// Nonce, ciphertext and tag.
    package let sealed: [UInt8]

    /// Makes a new Ed25519 key for one purpose.
    package static func generate(for purpose: KeyPurpose, under master: MasterKey) throws -> SealedKey {
        let privateKey = try PrivateKey.generate(.ed25519)
        return try SealedKey(purpose: purpose, privateKey: privateKey, under: master)
    }

    init(purpose: KeyPurpose, privateKey: PrivateKey, under master: MasterKey) throws {
        self.purpose = purpose
        key = try Key(privateKey.publicKey)
        var plaintext = try privateKey.plaintextPKCS8
        sealed = try master.seal(plaintext, context: Self.context(purpose, key.id))
        _ = Secret(wiping: &plaintext)
    }

    /// Takes up what was stored.
    package init(purpose: KeyPurpose, key: JSON, sealed: [UInt8]) throws {
        self.purpose = purpose
        self.key = try Key(key, place: "the key for \(purpose)")
        self.sealed = sealed
    }

    package var keyID: String { key.id.text }

    /// Opens the key; refused when the master key, the fleet, the role or the id is another, or a bit was changed.
    package func open(under master: MasterKey) throws -> RoleKey {
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
        return RoleKey(purpose: purpose, key: key, signer: opened)
    }

    /// The same key sealed under another master key.
    package func resealed(from old: MasterKey, to new: MasterKey) throws -> SealedKey {
        try SealedKey(purpose: purpose, privateKey: try open(under: old).signer, under: new)
    }

    private static func context(_ purpose: KeyPurpose, _ id: KeyID) -> [UInt8] {
        Array("roadstead-sealed-key-v1\n\(purpose.fleet?.rawValue ?? "-")\n\(purpose.role)\n\(id.text)".utf8)
    }
}

/// A private key of a role, ready to sign.
package struct RoleKey: Sendable {
    package let purpose: KeyPurpose
    package let key: Key
    let signer: PrivateKey
}

extension MasterKey {
    /// Seals every key anew; all of them open under `new`, or none is returned.
    package static func rotate(_ keys: [SealedKey], from old: MasterKey, to new: MasterKey) throws -> [SealedKey] {
        try keys.map { try $0.resealed(from: old, to: new) }
    }
}
