import Files
package import SigningKeys
package import TokenWire

/// How tokens are reached: which module, through which helper program, for how long, with whose PIN.
package struct TokenSettings: Sendable {
    /// The PKCS#11 module; always the operator's own choice, never what a URI or a server says.
    package var module: String
    /// The helper program.
    package var program: String
    /// How long one call may take before the helper is ended.
    package var deadline: Duration
    /// How long the token may take to make a key: large RSA keys take minutes on some.
    package var generationDeadline: Duration = .seconds(300)
    /// How long a call goes on when the token or the way to it was lost.
    package var recovery: Duration
    /// Added to the helper's environment.
    package var environment: [String: String]
    /// Gives the PIN of a token when a login is needed; it is asked once for each connection.
    package var pin: @Sendable (TokenDescription) throws -> Secret?
    /// Whether a PIN is tried although the token says that few tries are left.
    package var allowsLastPINTries: Bool
    /// Where refused PINs are remembered beyond this process; nil remembers them in this process only.
    package var pinMemory: PINMemory?

    package init(
        module: String, program: String, deadline: Duration = .seconds(60), environment: [String: String] = [:],
        allowsLastPINTries: Bool = false, recovery: Duration = .seconds(5), pinMemory: PINMemory? = nil,
        pin: @escaping @Sendable (TokenDescription) throws -> Secret? = { _ in nil }
    ) {
        self.module = module
        self.program = program
        self.deadline = deadline
        self.environment = environment
        self.allowsLastPINTries = allowsLastPINTries
        self.recovery = recovery
        self.pinMemory = pinMemory
        self.pin = pin
    }

    /// Where the helper lies: beside the program that runs.
    package static func programBesideThisOne() throws -> String {
        Files.parent(of: try Files.linkTarget("/proc/self/exe")) + "/roadstead-p11"
    }
}
