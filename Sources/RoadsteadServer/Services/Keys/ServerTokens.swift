import SigningKeys
import Synchronization
import TokenKeys
import TokenWire

/// Keys on tokens of one module.
///
/// A token that did not answer to its PIN is begun with anew: nobody is there to give the PIN of a server again. What
/// refused a PIN is not; nor does a token get one that says that few tries are left.
final class ServerTokens: KeyBackend {
    private let settings: TokenSettings
    private let backend: Mutex<PKCS11Backend>

    init(_ settings: TokenSettings) {
        self.settings = settings
        backend = Mutex(PKCS11Backend(settings))
    }

    func open(_ name: KeyName) async throws -> OpenedKey { try await renewing { try await $0.open(name) } }
    func publicKey(_ name: KeyName) async throws -> PublicKey { try await renewing { try await $0.publicKey(name) } }
    func list(_ name: KeyName) async throws -> KeyListing { try await renewing { try await $0.list(name) } }

    func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        try await renewing { try await $0.generate(type, name) }
    }

    private func renewing<Value>(_ work: (PKCS11Backend) async throws -> Value) async throws -> Value {
        let used = backend.withLock { $0 }
        do {
            return try await work(used)
        } catch let error as TokenError where [.deadline, .crashed].contains(error.code) {
            backend.withLock { if $0 === used { $0 = PKCS11Backend(settings) } }
            throw error
        }
    }
}
