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
                passphrase: try Self.source(passphraseFile, passphraseDescriptor, "passphrase"),
                pin: try Self.source(pinFile, pinDescriptor, "pin"),
                module: module ?? environment["ROADSTEAD_PKCS11_MODULE"], allowsPlaintext: allowPlaintextKey,
                allowsLastPINTries: allowLastPINTries, console: .current))
    }

    private static func source(_ file: String?, _ descriptor: Int?, _ kind: String) throws -> SecretSource {
        guard file == nil || descriptor == nil else {
            throw RemoteError(.usage, "--\(kind)-file and --\(kind)-fd exclude each other")
        }
        if file == "-" { return try .reading(descriptor: 0) }
        if let descriptor { return try .reading(descriptor: descriptor) }
        return file.map { .file($0) } ?? .terminal
    }
}
