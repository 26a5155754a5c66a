import Files
import Glibc
import SigningKeys

/// Where passphrases come from; never from the command line itself.
enum Passphrase {
    static let options: [Option] = [
        .value(
            "passphrase-file", "FILE", "read the key's passphrase from the first line of a file that only you can read"),
        .value("passphrase-fd", "N", "read the key's passphrase from an open file descriptor"),
    ]

    /// The passphrase that the options name; nil where they name none. `own` is an option that goes before the others.
    static func given(_ invocation: Invocation, own: String? = nil) throws -> Secret? {
        if let file = own.flatMap({ invocation[$0] }) { return try read(file) }
        guard !(invocation.has("passphrase-file") && invocation.has("passphrase-fd")) else {
            throw CommandError(.usage, "--passphrase-file and --passphrase-fd exclude each other")
        }
        if let file = invocation["passphrase-file"] { return try read(file) }
        guard invocation.has("passphrase-fd") else { return nil }
        let number = try invocation.integer("passphrase-fd", in: 0...1_023, default: 0)
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < 4_096, unsafe Glibc.read(Int32(number), &byte, 1) == 1 { bytes.append(byte) }
        return try firstLine(of: &bytes, "file descriptor \(number)")
    }

    /// Asks on the terminal, twice where a new passphrase is made.
    static func asked(_ prompt: String, again: Bool, _ console: Console) throws -> Secret? {
        guard var first = console.askSecret("\(prompt): ") else { return nil }
        let secret = Secret(wiping: &first)
        guard again else { return secret }
        guard var second = console.askSecret("once more: "), Secret(wiping: &second) == secret else {
            throw CommandError(.environment, "the two passphrases differ")
        }
        return secret
    }

    private static func read(_ file: String) throws -> Secret {
        var bytes = try Files.readSecret(file, limit: 4_096)
        return try firstLine(of: &bytes, "the passphrase file \(file)")
    }

    private static func firstLine(of bytes: inout [UInt8], _ place: String) throws(CommandError) -> Secret {
        var line = Array(bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
        _ = Secret(wiping: &bytes)
        guard !line.isEmpty else { throw CommandError(.environment, "\(place) holds no passphrase") }
        return Secret(wiping: &line)
    }
}

/// Private keys in files, named `file:PATH`.
enum KeyFile {
    static let allowPlaintext = Option.flag(
        "allow-plaintext-key", "allow a private key that no passphrase protects")

    static func path(_ uri: String) throws(CommandError) -> String {
        guard uri.hasPrefix("file:"), uri.utf8.count > 5 else {
            throw CommandError(
                .usage, "\"\(uri.prefix(120))\" does not name a key in a file", hint: "write --key file:PATH")
        }
        return String(uri.dropFirst(5))
    }

    /// Opens a key. Its file must be readable by its owner alone; a plain key must be allowed.
    ///
    /// - Parameter passphraseOption: an option of the command that names this key's passphrase before the general ones.
    static func open(
        _ uri: String, _ invocation: Invocation, _ console: Console, passphraseOption: String? = nil
    ) throws -> PrivateKey {
        let path = try path(uri)
        let pem = try Files.readSecret(path, limit: 65_536)
        do {
            guard try PrivateKey.protection(ofPEM: pem) == .encrypted else {
                guard invocation.has(allowPlaintext.name) else {
                    throw CommandError(
                        .refused,
                        "the private key in \(path) is not protected by a passphrase, and plain keys are not allowed",
                        hint: "encrypt it with openssl pkcs8 -topk8 -v2 aes256, or allow it with --allow-plaintext-key")
                }
                return try PrivateKey(pem: pem)
            }
            guard
                let passphrase = try Passphrase.given(invocation, own: passphraseOption)
                    ?? Passphrase.asked("passphrase of \(path)", again: false, console)
            else {
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

    /// A new key as its file will hold it: encrypted, unless a plain one is allowed and no passphrase is given.
    static func pem(
        of key: PrivateKey, named path: String, _ invocation: Invocation, _ console: Console
    ) throws -> String {
        var passphrase = try Passphrase.given(invocation)
        if passphrase == nil, !invocation.has(allowPlaintext.name) {
            passphrase = try Passphrase.asked("new passphrase for \(path)", again: true, console)
            guard passphrase != nil else {
                throw CommandError(
                    .environment, "there is no passphrase for the new key and no terminal to ask for one",
                    hint:
                        "use --passphrase-file or --passphrase-fd, or --allow-plaintext-key for a key without protection"
                )
            }
        }
        return try passphrase.map { try key.encryptedPEM(passphrase: $0) } ?? key.plaintextPEM
    }
}
