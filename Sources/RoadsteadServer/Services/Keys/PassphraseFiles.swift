import Files
import SigningKeys

/// Keys of the server in files under one passphrase: `file:PATH`, encrypted PKCS#8, which are made here too, and
/// `pkcs12:PATH`.
///
/// A passphrase beside the files protects them where they are copied apart from it, such as in backups.
struct PassphraseFiles: KeyBackend {
    /// The file with the passphrase.
    let passphraseFile: String

    func open(_ name: KeyName) async throws -> OpenedKey {
        let path = String(name.rest)
        let bytes = try Files.readSecret(path, limit: KeyBundle.maximumBytes)
        do throws(KeyError) {
            return OpenedKey(try key(bytes, name.scheme, try passphrase()), name: name, protection: .encrypted)
        } catch {
            throw KeyError(error.code, "\(path): \(error.reason)", hint: error.hint)
        }
    }

    private func key(_ bytes: [UInt8], _ scheme: KeyScheme, _ passphrase: Secret) throws(KeyError) -> PrivateKey {
        if scheme == .pkcs12 { return try KeyBundle(pkcs12: bytes, passphrase: passphrase).key }
        guard try PrivateKey.protection(ofPEM: bytes) == .encrypted else {
            throw KeyError(
                .refused, "no passphrase protects this key", hint: "encrypt it with openssl pkcs8 -topk8 -v2 aes256")
        }
        return try PrivateKey(pem: bytes, passphrase: passphrase)
    }

    func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        guard name.scheme == .file else {
            throw KeyError(.unsupported, "PKCS#12 files are read, not made", hint: "name it file:PATH")
        }
        let path = String(name.rest)
        let key = try PrivateKey.generate(type)
        let pem = try key.encryptedPEM(passphrase: try passphrase())
        try Files.create(Array(pem.utf8), at: path, mode: 0o600)
        try Files.syncDirectory(Files.parent(of: path))
        return try await open(name)
    }

    private func passphrase() throws(KeyError) -> Secret {
        do {
            return try KeySettings.line(ofFile: passphraseFile)
        } catch {
            throw KeyError(.passphraseMissing, "the passphrase cannot be read: \(error)")
        }
    }
}
