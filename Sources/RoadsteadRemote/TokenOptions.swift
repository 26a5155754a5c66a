import ArgumentParser
import Files
import Foundation
import SigningKeys
import TokenKeys
import TokenWire

/// How keys on tokens are reached. The module and the PIN are the caller's own choice on their own machine: neither is
/// taken from anything that a server sent, and a PIN never stands on a command line.
struct TokenOptions: ParsableArguments {
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
    var pinDescriptor: Int32?

    @Flag(help: "Give the PIN although the token says that few tries are left.")
    var allowLastPINTries = false

    /// Where the PIN comes from, without asking anybody.
    func hasPIN(_ uri: TokenURI) -> Bool { pinFile != nil || pinDescriptor != nil || uri.pinFile != nil }

    /// The token that a URI names; nothing is started yet.
    func connection(to uri: TokenURI) throws -> TokenConnection {
        guard pinFile == nil || pinDescriptor == nil else {
            throw RemoteError(.usage, "--pin-file and --pin-fd exclude each other")
        }
        let settings = TokenSettings(
            module: try modulePath(), program: try TokenSettings.programBesideThisOne(),
            allowsLastPINTries: allowLastPINTries
        ) { token in try pin(of: token, uri) }
        return TokenConnection(uri, settings)
    }

    private func modulePath() throws -> String {
        let chosen = module ?? ProcessInfo.processInfo.environment["ROADSTEAD_PKCS11_MODULE"]
        guard let path = chosen, !path.isEmpty else {
            throw RemoteError(
                .usage, "the key is on a token, and nothing says which PKCS#11 module reaches it",
                hint: "give --pkcs11-module FILE or set ROADSTEAD_PKCS11_MODULE")
        }
        return path
    }

    private func pin(of token: TokenDescription, _ uri: TokenURI) throws -> Secret? {
        if token.hasOwnKeypad {
            Terminal.note("enter the PIN of token \"\(token.label)\" on its own keys")
            return nil
        }
        if let pinDescriptor { return Secret(try readSecretLine(descriptor: pinDescriptor)) }
        if let file = pinFile ?? uri.pinFile { return Secret(try readSecretLine(file)) }
        return Terminal.askSecretly("PIN of token \"\(token.label)\": ").map { Secret($0) }
    }
}
