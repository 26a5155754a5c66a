package import SigningKeys
package import TokenWire

/// A private key on a token: signs without ever leaving it.
package struct TokenKey: Signer {
    package let publicKey: PublicKey
    /// What the token said of the key.
    package let description: TokenKeyDescription
    private let connection: TokenConnection
    private let uri: TokenURI

    /// Finds the one private key that the URI names; asks for the PIN.
    package init(_ uri: TokenURI, on connection: TokenConnection) async throws {
        try self.init(uri, try await connection.privateKey(uri), on: connection)
    }

    private init(_ uri: TokenURI, _ description: TokenKeyDescription, on connection: TokenConnection) throws {
        self.uri = uri
        self.connection = connection
        self.description = description
        publicKey = try PublicKey(description)
    }

    /// Makes a key on the token, and takes it only if a signature of it is right.
    package static func generate(
        _ kind: TokenKeyKind, _ uri: TokenURI, on connection: TokenConnection
    ) async throws -> TokenKey {
        let description = try await connection.generate(kind, uri)
        let key = try TokenKey(uri, description, on: connection)
        let scheme: SignatureScheme = kind == .ed25519 ? .ed25519 : .ecdsa(.sha256, .der)
        _ = try await verifiedSignature(by: key, over: SecureRandom.bytes(64), scheme: scheme)
        return key
    }

    package func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        switch (publicKey.type, scheme) {
        case (.ed25519, .ed25519):
            guard message.count <= Self.maximumMessage else {
                throw TokenError(
                    .unsupported, "a message of \(message.count) bytes is too long for an Ed25519 key on a token",
                    hint: "use a P-256 key, of which only the digest goes to the token")
            }
            return try await connection.sign(message, description, at: uri)
        case (.ec(.p256), .ecdsa(.sha256, let form)):
            let digest = HashAlgorithm.sha256.digest(of: message)
            let fixed = try await connection.sign(digest, description, at: uri)
            guard form == .der else { return fixed }
            guard let der = ECDSASignature.der(fromFixed: fixed, .p256) else {
                throw TokenError(.failed, "the token made a signature of \(fixed.count) bytes, not 64")
            }
            return der
        default:
            throw KeyError(.scheme, "a key of type \(publicKey.type) on a token does not make signatures of \(scheme)")
        }
    }

    private static let maximumMessage = 4 << 20
}

extension PublicKey {
    /// The public half of a key on a token, checked as any other that comes from outside.
    package init(_ key: TokenKeyDescription) throws {
        try self.init(spki: key.spki)
        let isExpected =
            switch key.kind {
            case .ed25519: type == .ed25519
            case .p256: type == .ec(.p256)
            }
        guard isExpected else { throw TokenError(.failed, "the token says \(key.kind), and its key is \(type)") }
    }
}
