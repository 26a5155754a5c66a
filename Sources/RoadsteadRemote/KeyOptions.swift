import ArgumentParser
import Files
import SigningKeys
import TokenKeys
import TokenWire

/// The one place where a key's URI becomes something that signs, or its public half.
///
/// `file:PATH`: only files that others cannot read, encrypted unless plain text is allowed by name. `pkcs11:…`: a key on a
/// token, which stays there. [RFC 7512]
struct KeyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("File with the passphrase; asked for on the terminal unless given.", valueName: "file"))
    var passphraseFile: String?

    @Flag(help: "Take a private key that no passphrase protects.")
    var allowPlaintextKey = false

    @OptionGroup(title: "Keys on tokens") var tokens: TokenOptions

    private static let limit = 65_536

    /// The private key that a URI names, wherever it lies.
    func signer(_ uri: String) async throws -> any Signer {
        guard uri.hasPrefix(TokenURI.scheme) else { return try privateKey(uri) }
        let name = try TokenURI(uri)
        return try await TokenKey(name, on: try tokens.connection(to: name))
    }

    /// The public half of the key that a URI names; a token is asked for its PIN only if it hides even that.
    func publicKey(of uri: String) async throws -> PublicKey {
        guard uri.hasPrefix(TokenURI.scheme) else { return try publicKey(uri) }
        let name = try TokenURI(uri)
        return try PublicKey(try await tokens.connection(to: name).publicKey(name))
    }

    /// The public part of a key, from a file that holds just that or from a private key's.
    func publicKey(_ uri: String) throws -> PublicKey {
        let text = try readText(try path(uri), limit: Self.limit)
        guard text.contains("-----BEGIN PUBLIC KEY-----") else { return try privateKey(uri).publicKey }
        return try PublicKey(pem: Array(text.utf8))
    }

    func privateKey(_ uri: String) throws -> PrivateKey {
        let path = try path(uri)
        let pem = try Files.readSecret(path, limit: Self.limit)
        guard try PrivateKey.protection(ofPEM: pem) == .plaintext else {
            return try PrivateKey(pem: pem, passphrase: try passphrase(of: path))
        }
        guard allowPlaintextKey else {
            throw RemoteError(
                .usage, "\(path) holds a private key that no passphrase protects",
                hint: "make one with roadstead key generate, or give --allow-plaintext-key")
        }
        return try PrivateKey(pem: pem)
    }

    private func passphrase(of path: String) throws -> Secret {
        if let passphraseFile { return Secret(try readSecretLine(passphraseFile)) }
        guard let answer = Terminal.askSecretly("passphrase of \(path): ") else {
            throw RemoteError(
                .usage, "\(path) is encrypted, and there is no terminal to ask for its passphrase",
                hint: "give --passphrase-file FILE")
        }
        return Secret(answer)
    }

    private func path(_ uri: String) throws -> String {
        guard uri.hasPrefix("file:") else {
            throw RemoteError(
                .usage, "\"\(uri)\" is not a key that this program can use",
                hint: "file:PATH, or pkcs11:token=LABEL;object=LABEL")
        }
        return String(uri.dropFirst("file:".count))
    }
}

/// The former name, for commands that take keys in files only.
typealias KeyFileOptions = KeyOptions
