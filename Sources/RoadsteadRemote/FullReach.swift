import AgentKeys
import CloudKeys
import Foundation
package import RoadsteadCommand
import SigningKeys
import Synchronization
import TokenKeys
import TokenWire

extension Reach {
    /// Everything that this program can get at: what the commands of `roadstead` run with here.
    package static let full = Reach(
        keys: { request in
            let environment = ProcessInfo.processInfo.environment
            var backends = CloudKeys.backends(KeyServiceEnvironment(environment)) { try keyServices(caFile: $0) }
            backends[.sshAgent] = AgentKeyBackend(socket: environment["SSH_AUTH_SOCK"])
            backends[.pkcs11] = DeferredBackend { PKCS11Backend(try TokenSettings(request)) }
            backends[.roadstead] = DeferredBackend { try ServiceKeys.backend(request) }
            return backends
        }, images: RegistryReach(), http: HTTPClientReach())

    /// Connections to key services are kept until the program ends.
    private static let services = Mutex<[String: HTTPKeyTransport]>([:])

    private static func keyServices(caFile: String?) throws -> HTTPKeyTransport {
        try services.withLock { services in
            if let known = services[caFile ?? ""] { return known }
            let new = try HTTPKeyTransport(caFile: caFile)
            services[caFile ?? ""] = new
            return new
        }
    }
}

/// A backend that is set up when a key of its kind is meant, so that others need nothing of what it needs.
final class DeferredBackend: KeyBackend {
    private let make: @Sendable () throws -> any KeyBackend
    private let made = Mutex<(any KeyBackend)?>(nil)

    init(_ make: @escaping @Sendable () throws -> any KeyBackend) { self.make = make }

    func open(_ name: KeyName) async throws -> OpenedKey { try await backend().open(name) }

    func publicKey(_ name: KeyName) async throws -> PublicKey { try await backend().publicKey(name) }

    func list(_ name: KeyName) async throws -> KeyListing { try await backend().list(name) }

    func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        try await backend().generate(type, name)
    }

    func store(_ key: PrivateKey?, certificates: [[UInt8]], at name: KeyName) async throws {
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
