import Files
package import SigningKeys
import Synchronization
import TokenWire

/// Keys on tokens for a service that nobody sits at: the tokens' connections last as long as it.
///
/// A PIN that was refused is not given again while its file says the same, however often a key is opened; once the file
/// says something else, that is tried, once. A token that did not answer is begun with anew.
package final class UnattendedTokens: KeyBackend {
    private struct State {
        var backend: PKCS11Backend
        var refusal: (pinFile: [UInt8]?, error: TokenError)?
    }

    private let settings: TokenSettings
    private let pinFile: String?
    private let state: Mutex<State>

    /// - Parameter pinFile: what the settings' PIN is read from.
    package init(_ settings: TokenSettings, pinFile: String?) {
        self.settings = settings
        self.pinFile = pinFile
        state = Mutex(State(backend: PKCS11Backend(settings)))
    }

    package func open(_ name: KeyName) async throws -> OpenedKey { try await attempt(name) { try await $0.open(name) } }

    package func publicKey(_ name: KeyName) async throws -> PublicKey {
        try await attempt(name) { try await $0.publicKey(name) }
    }

    private func attempt<Value>(_ name: KeyName, _ work: (PKCS11Backend) async throws -> Value) async throws -> Value {
        // Before the PIN is read: what is written meanwhile counts as new.
        let digest = digest(of: try TokenURI(name.text).pinFile ?? pinFile)
        let used = try state.withLock { state throws(TokenError) -> PKCS11Backend in
            if let refusal = state.refusal {
                guard refusal.pinFile != digest else { throw refusal.error }
                state = State(backend: PKCS11Backend(settings))
            }
            return state.backend
        }
        do {
            return try await work(used)
        } catch let error as TokenError {
            state.withLock { state in
                guard state.backend === used else { return }
                switch error.code {
                case .pinWrong: state.refusal = (digest, error)
                case .deadline, .crashed: state = State(backend: PKCS11Backend(settings))
                default: break
                }
            }
            throw error
        }
    }

    private func digest(of path: String?) -> [UInt8]? {
        guard let path, var bytes = try? Files.readSecret(path) else { return nil }
        let digest = HashAlgorithm.sha256.digest(of: bytes)
        _ = Secret(wiping: &bytes)
        return digest
    }
}
