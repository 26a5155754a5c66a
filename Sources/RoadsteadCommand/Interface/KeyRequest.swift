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
    /// What speaks for the artifact where a signing service decides.
    package var wish = ServiceWish()
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
        wish = ServiceWish(
            evidence: invocation.all(KeyOptions.evidence.name),
            looksInRegistry: invocation.has(KeyOptions.registryEvidence.name),
            explains: invocation.has(KeyOptions.explain.name), isDryRun: invocation.has(KeyOptions.dryRun.name))
    }
}

/// What goes to a signing service beside the bytes to be signed.
package struct ServiceWish: Sendable {
    /// Files with DSSE envelopes, one each, or one on each line.
    package var evidence: [String] = []
    /// Whether the service looks for more where the image lies.
    package var looksInRegistry = false
    /// Whether every criterion is shown, also those that hold.
    package var explains = false
    /// Whether the service is only asked what it would decide.
    package var isDryRun = false
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
    static let evidence = Option.repeated(
        "evidence", "FILE", "what speaks for the artifact at a signing service: in-toto attestations in DSSE envelopes")
    static let registryEvidence = Option.flag(
        "evidence-from-registry", "have a signing service look for evidence beside the image in its registry, too")
    static let explain = Option.flag("explain", "show what a signing service found, criterion by criterion")
    static let dryRun = Option.flag(
        "dry-run", "sign nothing: say what would be signed, and ask a signing service what it would decide")
    static let image = Option.value(
        "image", "REFERENCE", "where the artifact lies or will lie, for a signing service that asks")
    static let service = [evidence, registryEvidence, image, explain, dryRun]
    static let all = file + token
}
