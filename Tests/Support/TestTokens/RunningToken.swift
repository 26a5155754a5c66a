package import SoftHSM

/// A token that a test may use: what a program needs to reach it.
package struct RunningToken: Sendable {
    /// The PKCS#11 module.
    package let module: String
    /// Tells the module where its token is.
    package let environment: [String: String]
    package let pin: String
    /// Names the token, and no key.
    package let uri: String

    package init(module: String, environment: [String: String], pin: String, uri: String) {
        self.module = module
        self.environment = environment
        self.pin = pin
        self.uri = uri
    }
}

/// Why a component of a test does not run.
package struct ComponentFailure: Error, CustomStringConvertible {
    package let description: String
}

extension SoftHSM {
    /// The token "roadstead" of this directory.
    package var token: RunningToken {
        RunningToken(module: Self.module, environment: environment, pin: Self.pin, uri: "pkcs11:token=roadstead")
    }
}
