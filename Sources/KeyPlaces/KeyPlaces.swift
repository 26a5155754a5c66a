import AgentKeys
import CloudKeys
package import SigningKeys
import Synchronization

/// Every place outside of files where a program of this machine finds keys: agents, tokens, key services.
package enum KeyPlaces {
    /// Nothing is started and nothing sent before a key is wanted.
    ///
    /// - Parameter tokens: says which PKCS#11 module there is and who gives its PIN.
    package static func backends(
        _ environment: [String: String], tokens: @escaping @Sendable () throws -> any KeyBackend
    ) -> [KeyScheme: any KeyBackend] {
        var backends = CloudKeys.backends(KeyServiceEnvironment(environment)) { try transport(caFile: $0) }
        backends[.sshAgent] = AgentKeyBackend(socket: environment["SSH_AUTH_SOCK"])
        backends[.pkcs11] = DeferredBackend(tokens)
        return backends
    }

    /// Connections to key services are kept until the program ends.
    private static let transports = Mutex<[String: HTTPKeyTransport]>([:])

    private static func transport(caFile: String?) throws -> HTTPKeyTransport {
        try transports.withLock { transports in
            if let known = transports[caFile ?? ""] { return known }
            let new = try HTTPKeyTransport(caFile: caFile)
            transports[caFile ?? ""] = new
            return new
        }
    }
}
