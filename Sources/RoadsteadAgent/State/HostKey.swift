import Files
package import SigningKeys

/// The host's own key, made here and never sent anywhere.
package enum HostKey {
    /// Takes the key that a broken-off enrolment left behind, or makes one; the flag says whether it was made now.
    package static func loadOrCreate(_ state: StateDirectory) throws -> (key: PrivateKey, isNew: Bool) {
        if Files.exists(state.hostKey) { return (try load(state), false) }
        let key = try PrivateKey.generate(.ed25519)
        try Files.write(Array(key.plaintextPEM.utf8), to: state.hostKey, mode: 0o600)
        return (key, true)
    }

    package static func load(_ state: StateDirectory) throws -> PrivateKey {
        try PrivateKey(pem: try Files.readSecret(state.hostKey))
    }
}
