/// Every backend that a program has, by scheme, behind the enterprise's policy: the one way from a URI to a key.
package struct KeyBackends: Sendable {
    package let policy: SigningPolicy
    private let backends: [KeyScheme: any KeyBackend]

    package init(_ backends: [KeyScheme: any KeyBackend], policy: SigningPolicy = .standard) {
        self.backends = backends
        self.policy = policy
    }

    package var schemes: Set<KeyScheme> { Set(backends.keys) }

    /// Opens a key that the policy allows.
    ///
    /// - Throws: `KeyError(.refused)` where the policy does not allow the place, the type or the lack of protection.
    package func open(_ name: KeyName) async throws -> OpenedKey {
        let opened = try await backend(name).open(name)
        try policy.check(opened)
        return opened
    }

    package func publicKey(_ name: KeyName) async throws -> PublicKey { try await backend(name).publicKey(name) }

    package func list(_ name: KeyName) async throws -> KeyListing { try await backend(name).list(name) }

    package func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        try policy.check(type)
        return try await backend(name).generate(type, name)
    }

    package func store(_ key: PrivateKey?, certificates: [[UInt8]], at name: KeyName) async throws {
        if let key { try policy.check(key.publicKey.type) }
        try await backend(name).store(key, certificates: certificates, at: name)
    }

    private func backend(_ name: KeyName) throws(KeyError) -> any KeyBackend {
        try policy.check(name.scheme)
        guard let backend = backends[name.scheme] else {
            throw KeyError(.unsupported, "this program does not reach keys of the kind \(name.scheme.prefix)")
        }
        return backend
    }
}
