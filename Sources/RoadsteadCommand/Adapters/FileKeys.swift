import Codecs
import Files
import PKI
import SigningKeys

/// Keys in PEM files, named `file:PATH`: PKCS#8 that a passphrase protects, or plain forms where they are allowed.
///
/// Certificates of the key may follow it in its file, leaf first.
struct FileKeys: KeyBackend {
    private let request: KeyRequest
    private let policy: SigningPolicy

    static let limit = 1 << 20

    init(_ request: KeyRequest, _ policy: SigningPolicy) {
        self.request = request
        self.policy = policy
    }

    func open(_ name: KeyName) async throws -> OpenedKey {
        let path = String(name.rest)
        let file = try KeyFile(try Files.readSecret(path, limit: Self.limit), path)
        let key = try privateKey(file.key, path)
        return OpenedKey(key, name: name, certificates: file.certificates, protection: key.protection)
    }

    /// Also from a file that holds only the public half.
    func publicKey(_ name: KeyName) async throws -> PublicKey {
        let path = String(name.rest)
        let bytes = try Files.read(path, limit: Self.limit)
        guard let key = try? PublicKey(pem: bytes) else { return try await open(name).signer.publicKey }
        return key
    }

    func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        let path = String(name.rest)
        try NewFiles.checkAbsent([path])
        let key = try PrivateKey.generate(type)
        let pem = try pem(of: key, path)
        try NewFiles.create([(path, pem, 0o600)])
        return OpenedKey(key, name: name, protection: try PrivateKey.protection(ofPEM: Array(pem.utf8)))
    }

    func store(_ key: PrivateKey?, certificates: [[UInt8]], at name: KeyName) async throws {
        let path = String(name.rest)
        let chain = certificates.map { PEMBlock(label: "CERTIFICATE", bytes: $0).text }.joined()
        if let key {
            try NewFiles.checkAbsent([path])
            try NewFiles.create([(path, try pem(of: key, path) + chain, 0o600)])
        } else {
            let file = try KeyFile(try Files.readSecret(path, limit: Self.limit), path)
            try Files.write(file.key + Array(chain.utf8), to: path, mode: 0o600)
        }
    }

    /// A new key as its file will hold it: encrypted, unless a plain one is allowed and no passphrase is given.
    func pem(of key: PrivateKey, _ path: String) throws -> String {
        guard request.passphrase.isReady || !policy.allowsPlaintext else { return try key.plaintextPEM }
        let passphrase = try request.passphrase.secret("new passphrase for \(path)", again: true, on: request.console)
        guard let passphrase else {
            throw CommandError(
                .environment, "there is no passphrase for the new key and no terminal to ask for one",
                hint:
                    "use --passphrase-file or --passphrase-fd, or --allow-plaintext-key for a key without protection")
        }
        return try key.encryptedPEM(passphrase: passphrase)
    }

    private func privateKey(_ pem: [UInt8], _ path: String) throws -> PrivateKey {
        do {
            guard try PrivateKey.protection(ofPEM: pem) == .encrypted else {
                guard policy.allowsPlaintext else { throw Self.isPlain(path) }
                return try PrivateKey(pem: pem)
            }
            guard let passphrase = try request.passphrase.secret("passphrase of \(path)", on: request.console) else {
                throw CommandError(
                    .environment,
                    "the private key in \(path) is encrypted and there is no terminal to ask for its passphrase",
                    hint: "use --passphrase-file or --passphrase-fd")
            }
            return try PrivateKey(pem: pem, passphrase: passphrase)
        } catch let error as KeyError {
            throw CommandError(.environment, "cannot use the key in \(path): \(error.reason)", hint: error.hint)
        }
    }

    private static func isPlain(_ path: String) -> CommandError {
        CommandError(
            .refused, "the private key in \(path) is not protected by a passphrase, and plain keys are not allowed",
            hint: "encrypt it with openssl pkcs8 -topk8 -v2 aes256, or allow it with --allow-plaintext-key")
    }
}

/// A file with a key, taken apart.
struct KeyFile {
    /// PEM of the key without its certificates.
    let key: [UInt8]
    /// DER, as they stand in the file.
    let certificates: [[UInt8]]

    init(_ bytes: [UInt8], _ path: String) throws(CommandError) {
        let isBundle = String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----")
        guard isBundle else {
            (key, certificates) = (bytes, [])
            return
        }
        let blocks: [PEMBlock]
        do throws(CodecError) { blocks = try PEM.decode(bytes, maximumBytes: FileKeys.limit) } catch {
            throw CommandError(.environment, "\(path) is malformed: \(error.reason)", hint: error.hint)
        }
        let own = blocks.filter { $0.label != "CERTIFICATE" }
        guard !own.isEmpty else {
            (key, certificates) = (bytes, [])
            return
        }
        key = Array(own.map(\.text).joined().utf8)
        certificates = blocks.filter { $0.label == "CERTIFICATE" }.map(\.bytes)
    }
}
