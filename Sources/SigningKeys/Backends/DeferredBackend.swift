import Synchronization

/// A backend that is set up when a key of its kind is meant, so that others need nothing of what it needs.
package final class DeferredBackend: KeyBackend {
    private let make: @Sendable () throws -> any KeyBackend
    private let made = Mutex<(any KeyBackend)?>(nil)

    package init(_ make: @escaping @Sendable () throws -> any KeyBackend) { self.make = make }

    package func open(_ name: KeyName) async throws -> OpenedKey { try await backend().open(name) }

    package func publicKey(_ name: KeyName) async throws -> PublicKey { try await backend().publicKey(name) }

    package func list(_ name: KeyName) async throws -> KeyListing { try await backend().list(name) }

    package func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        try await backend().generate(type, name)
    }

    package func store(_ key: PrivateKey?, certificates: [[UInt8]], at name: KeyName) async throws {
        try await backend().store(key, certificates: certificates, at: name)
    }

    private func backend() throws -> any KeyBackend {
        try made.withLock { made in
            if let made { return made }
            let new = try make()
            made = new
            return new
        }
    }
}
