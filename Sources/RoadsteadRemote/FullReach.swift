import Foundation
import KeyPlaces
package import RoadsteadCommand
import SigningKeys
import TokenKeys
import TokenWire

extension Reach {
    /// Everything that this program can get at: what the commands of `roadstead` run with here.
    package static let full = Reach(
        keys: { request in
            var backends = KeyPlaces.backends(ProcessInfo.processInfo.environment) {
                PKCS11Backend(try TokenSettings(request))
            }
            backends[.roadstead] = DeferredBackend { try ServiceKeys.backend(request) }
            return backends
        }, images: RegistryReach(), http: HTTPClientReach())
}

extension TokenSettings {
    /// The caller's own choice of module and PIN: neither is taken from anything that a server sent.
    fileprivate init(_ request: KeyRequest) throws {
        guard let module = request.module, !module.isEmpty else {
            throw CommandError(
                .usage, "the key is on a token, and nothing says which PKCS#11 module reaches it",
                hint: "give --pkcs11-module FILE or set ROADSTEAD_PKCS11_MODULE")
        }
        self.init(
            module: module, program: try TokenSettings.programBesideThisOne(),
            allowsLastPINTries: request.allowsLastPINTries,
            pinMemory: PINMemory(environment: ProcessInfo.processInfo.environment)
        ) { token in
            guard !token.hasOwnKeypad else {
                request.console.say("enter the PIN of token \"\(token.label)\" on its own keys")
                return nil
            }
            return try request.pin.secret("PIN of token \"\(token.label)\"", on: request.console)
        }
    }
}
