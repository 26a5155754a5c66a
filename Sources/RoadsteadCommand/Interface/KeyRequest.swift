/// What one command line says of keys: who gives their secrets, and what is let pass.
package struct KeyRequest: Sendable {
    /// What opens keys in files.
    package var passphrase: SecretSource
    /// What opens tokens.
    package var pin: SecretSource
    /// The PKCS#11 module: always the caller's own choice, never a URI's.
    package var module: String?
    package var allowsPlaintext: Bool
    /// Whether a PIN is tried although the token says that few tries are left.
    package var allowsLastPINTries: Bool
    package let console: Console

    package init(
        passphrase: SecretSource = .terminal, pin: SecretSource = .terminal, module: String? = nil,
        allowsPlaintext: Bool = false, allowsLastPINTries: Bool = false, console: Console
    ) {
        self.passphrase = passphrase
        self.pin = pin
        self.module = module
        self.allowsPlaintext = allowsPlaintext
        self.allowsLastPINTries = allowsLastPINTries
        self.console = console
    }

    /// Reads the options of ``KeyOptions``.
    init(_ invocation: Invocation, _ console: Console) throws {
        self.init(
            passphrase: try SecretSource(invocation, "passphrase"), pin: try SecretSource(invocation, "pin"),
            module: invocation[KeyOptions.module.name] ?? console.environment("ROADSTEAD_PKCS11_MODULE"),
            allowsPlaintext: invocation.has(KeyOptions.allowPlaintext.name),
            allowsLastPINTries: invocation.has(KeyOptions.allowLastPINTries.name), console: console)
    }
}

/// The options of every command that uses keys.
enum KeyOptions {
    static let allowPlaintext = Option.flag(
        "allow-plaintext-key", "allow a private key that no passphrase protects")
    static let module = Option.value(
        "pkcs11-module", "FILE", "the PKCS#11 module that reaches the token (default: $ROADSTEAD_PKCS11_MODULE)")
    static let allowLastPINTries = Option.flag(
        "allow-last-pin-tries", "give the PIN although the token says that few tries are left")

    static let passphrase = SecretSource.options("passphrase", "the key's passphrase")
    static let file = [allowPlaintext] + passphrase
    static let token = [module, allowLastPINTries] + SecretSource.options("pin", "the token's PIN")
    static let all = file + token
}
