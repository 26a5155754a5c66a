package import SigningKeys

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
            .hashivault: DeferredBackend {
                try VaultBackend(environment, transport: try transport(environment["VAULT_CACERT"]))
            },
            .awskms: DeferredBackend {
                AWSBackend(environment, transport: try transport(environment["AWS_CA_BUNDLE"]))
            },
            .azurekms: DeferredBackend { AzureBackend(environment, transport: try transport(nil)) },
            .gcpkms: DeferredBackend { GCPBackend(environment, transport: try transport(nil)) },
        ]
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
