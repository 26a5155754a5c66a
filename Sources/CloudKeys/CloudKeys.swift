package import SigningKeys
import Synchronization

/// The backends of every key service, for a program's `KeyBackends`.
package enum CloudKeys {
    /// Nothing is read from the environment and nothing sent before a key is wanted.
    ///
    /// - Parameter transport: makes the way out, given a PEM file with the only CA certificates to believe, or nil for
    ///   the program's own choice; called at most once for each service.
    package static func backends(
        _ environment: KeyServiceEnvironment,
        transport: @escaping @Sendable (_ caFile: String?) throws -> any KeyServiceTransport
    ) -> [KeyScheme: any KeyBackend] {
        [
            .hashivault: LateBackend {
                try VaultBackend(environment, transport: try transport(environment["VAULT_CACERT"]))
            },
            .awskms: LateBackend { AWSBackend(environment, transport: try transport(environment["AWS_CA_BUNDLE"])) },
            .azurekms: LateBackend { AzureBackend(environment, transport: try transport(nil)) },
            .gcpkms: LateBackend { GCPBackend(environment, transport: try transport(nil)) },
        ]
    }
}

/// A backend that is made when it is first used, so that what it lacks is only said to who uses it.
private final class LateBackend: KeyBackend {
    private let make: @Sendable () throws -> any KeyBackend
    private let made = Mutex<(any KeyBackend)?>(nil)

    init(_ make: @escaping @Sendable () throws -> any KeyBackend) { self.make = make }

    private func backend() throws -> any KeyBackend {
        try made.withLock { made in
            if let made { return made }
            let backend = try make()
            made = backend
            return backend
        }
    }

    func open(_ name: KeyName) async throws -> OpenedKey { try await backend().open(name) }

    func publicKey(_ name: KeyName) async throws -> PublicKey { try await backend().publicKey(name) }

    func list(_ name: KeyName) async throws -> KeyListing { try await backend().list(name) }

    func generate(_ type: KeyType, _ name: KeyName) async throws -> OpenedKey {
        try await backend().generate(type, name)
    }

    func store(_ key: PrivateKey?, certificates: [[UInt8]], at name: KeyName) async throws {
        try await backend().store(key, certificates: certificates, at: name)
    }
}

/// Signs once with a key that was just made: what a service says it made is only taken if it signs rightly.
func confirm(_ opened: OpenedKey) async throws {
    let type = opened.signer.publicKey.type
    // Some services tie a key to one hash.
    let hashes = [HashAlgorithm.sha256, .sha384, .sha512]
    let scheme: SignatureScheme =
        switch type {
        case .ed25519: .ed25519
        case .ec: .ecdsa(type.tiedHash ?? .sha256, .der)
        case .rsa: .rsaPSS(hashes.first { (try? opened.signer.check(.rsaPSS($0))) != nil } ?? .sha256)
        }
    _ = try await verifiedSignature(by: opened.signer, over: Array("roadstead: a new key".utf8), scheme: scheme)
}
