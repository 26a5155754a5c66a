import ArgumentParser
import Foundation
import RoadsteadCommand
import SigningKeys

/// Who gives the secrets of keys, and what is let pass: the same words as in the commands of the small program.
///
/// PINs and passphrases never stand on a command line, and the PKCS#11 module is the caller's own choice: neither is taken
/// from anything that a server sent.
struct KeyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("File with the passphrase; asked for on the terminal unless given.", valueName: "file"))
    var passphraseFile: String?

    @Option(
        name: .customLong("passphrase-fd"),
        help: ArgumentHelp("Open descriptor to read the passphrase from.", valueName: "n"))
    var passphraseDescriptor: Int?

    @Option(help: ArgumentHelp("Credential of systemd that holds the passphrase.", valueName: "name"))
    var passphraseCredential: String?

    @Option(help: ArgumentHelp("Key in the kernel's keyring that holds the passphrase.", valueName: "name"))
    var passphraseKeyring: String?

    @Option(
        help: ArgumentHelp("Attributes of the passphrase in the Secret Service.", valueName: "attributes"))
    var passphraseSecretService: String?

    @Flag(help: "Take a private key that no passphrase protects.")
    var allowPlaintextKey = false

    @Option(
        name: .customLong("pkcs11-module"),
        help: ArgumentHelp(
            "PKCS#11 module that reaches the token, if not what ROADSTEAD_PKCS11_MODULE says.", valueName: "file"))
    var module: String?

    @Option(
        help: ArgumentHelp(
            "File with the token's PIN, that only you can read; asked for on the terminal unless given.",
            valueName: "file"))
    var pinFile: String?

    @Option(name: .customLong("pin-fd"), help: ArgumentHelp("Open descriptor to read the PIN from.", valueName: "n"))
    var pinDescriptor: Int?

    @Option(help: ArgumentHelp("Credential of systemd that holds the PIN.", valueName: "name"))
    var pinCredential: String?

    @Option(help: ArgumentHelp("Key in the kernel's keyring that holds the PIN.", valueName: "name"))
    var pinKeyring: String?

    @Option(help: ArgumentHelp("Attributes of the PIN in the Secret Service.", valueName: "attributes"))
    var pinSecretService: String?

    @Flag(help: "Give the PIN although the token says that few tries are left.")
    var allowLastPINTries = false

    /// The private key that a URI names, wherever it lives.
    func signer(_ uri: String) async throws -> any Signer { try await backends().open(try KeyName(uri)).signer }

    /// The public half of the key that a URI names; a secret is asked for only where even that is hidden.
    func publicKey(of uri: String) async throws -> PublicKey { try await backends().publicKey(try KeyName(uri)) }

    private func backends() throws -> KeyBackends {
        let environment = ProcessInfo.processInfo.environment
        return try Reach.full.backends(
            KeyRequest(
                passphrase: try Self.source(
                    "passphrase", file: passphraseFile, descriptor: passphraseDescriptor,
                    credential: passphraseCredential, keyring: passphraseKeyring,
                    secretService: passphraseSecretService),
                pin: try Self.source(
                    "pin", file: pinFile, descriptor: pinDescriptor, credential: pinCredential, keyring: pinKeyring,
                    secretService: pinSecretService),
                module: module ?? environment["ROADSTEAD_PKCS11_MODULE"], allowsPlaintext: allowPlaintextKey,
                allowsLastPINTries: allowLastPINTries, console: .current))
    }

    private static func source(
        _ kind: String, file: String?, descriptor: Int?, credential: String?, keyring: String?, secretService: String?
    ) throws -> SecretSource {
        let given = [file, descriptor.map(String.init), credential, keyring, secretService].compactMap(\.self)
        guard given.count <= 1 else {
            throw RemoteError(.usage, "the options that say where the \(kind) is exclude each other")
        }
        if file == "-" { return try .reading(descriptor: 0) }
        if let descriptor { return try .reading(descriptor: descriptor) }
        if let credential { return try .credential(named: credential) }
        if let keyring { return try .keyring(named: keyring) }
        if let secretService { return try .secretService(attributes: secretService) }
        return file.map { .file($0) } ?? .terminal
    }
}
