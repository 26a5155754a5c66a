import SigningKeys

/// Signs once with a key that was just made: what a service says it made is only taken if it signs rightly.
func confirm(_ opened: OpenedKey) async throws {
    let type = opened.signer.publicKey.type
    let scheme: SignatureScheme =
        switch type {
        case .ed25519: .ed25519
        case .ec: .ecdsa(type.tiedHash ?? .sha256, .der)
        case .rsa: .rsaPSS(.sha256)
        }
    _ = try await verifiedSignature(by: opened.signer, over: Array("roadstead: a new key".utf8), scheme: scheme)
}
