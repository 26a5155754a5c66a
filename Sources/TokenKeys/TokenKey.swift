package import SigningKeys
import Synchronization
package import TokenWire

/// A private key on a token: signs without ever leaving it.
package struct TokenKey: Signer {
    package let publicKey: PublicKey
    /// What the token said of the key.
    package let description: TokenKeyDescription
    private let connection: TokenConnection
    private let uri: TokenURI
    private let padding = PaddingMemory()

    /// Finds the one private key that the URI names; asks for the PIN.
    package init(_ uri: TokenURI, on connection: TokenConnection) async throws {
        try self.init(uri, try await connection.privateKey(uri), on: connection)
    }

    init(_ uri: TokenURI, _ description: TokenKeyDescription, on connection: TokenConnection) throws {
        self.uri = uri
        self.connection = connection
        self.description = description
        publicKey = try PublicKey(description)
    }

    /// Makes a key on the token, and takes it only if a signature of it is right.
    package static func generate(
        _ kind: TokenKeyKind, _ uri: TokenURI, on connection: TokenConnection
    ) async throws -> TokenKey {
        let key = try TokenKey(uri, try await connection.generate(kind, uri), on: connection)
        try await key.prove()
        return key
    }

    /// Makes a signature of random bytes, and checks it.
    func prove() async throws {
        let scheme: SignatureScheme =
            switch publicKey.type {
            case .ed25519: .ed25519
            case .ec: .ecdsa(.sha256, .fixed)
            case .rsa: .rsaPSS(.sha256)
            }
        _ = try await verifiedSignature(by: self, over: SecureRandom.bytes(64), scheme: scheme)
    }

    package func signature(over message: [UInt8], scheme: SignatureScheme) async throws -> [UInt8] {
        switch (publicKey.type, scheme) {
        case (.ed25519, .ed25519):
            guard message.count <= Self.maximumMessage else {
                throw TokenError(
                    .unsupported, "a message of \(message.count) bytes is too long for an Ed25519 key on a token",
                    hint: "use a P-256 key, of which only the digest goes to the token")
            }
            return try await connection.sign(message, .ed25519, description, at: uri)
        case (.ec(let curve), .ecdsa(let hash, let form)):
            return try await ecdsa(hash.digest(of: message), curve, form)
        case (.rsa(let bits), .rsaPSS(let hash)):
            return try await pss(hash.digest(of: message), hash, bits)
        default:
            throw KeyError(.scheme, "a key of type \(publicKey.type) on a token does not make signatures of \(scheme)")
        }
    }

    /// A digest that is longer than the curve is cut, as ECDSA wants it; not every module would. [FIPS 186-5 §6.4.1]
    private func ecdsa(_ digest: [UInt8], _ curve: EllipticCurve, _ form: ECDSAForm) async throws -> [UInt8] {
        let cut = Array(digest.prefix(curve.coordinateBytes))
        let fixed = try await connection.sign(cut, .ecdsa, description, at: uri)
        guard form == .der else { return fixed }
        guard let der = ECDSASignature.der(fromFixed: fixed, curve) else {
            throw TokenError(.failed, "the token made a signature of \(fixed.count) bytes")
        }
        return der
    }

    /// RSA-PSS by the token, and where it refuses that, with our padding: tokens list the one without having it, and have it
    /// without listing it, so it is tried. Another padding is never put in its place.
    private func pss(_ digest: [UInt8], _ hash: HashAlgorithm, _ bits: Int) async throws -> [UInt8] {
        if !padding.isOurs {
            do {
                return try await connection.sign(digest, hash.pssMechanism, description, at: uri)
            } catch let error as TokenError where error.code == .unsupported {
                let signature = try await paddedHere(digest, hash, bits, after: error)
                padding.isOurs = true
                return signature
            }
        }
        return try await paddedHere(digest, hash, bits, after: nil)
    }

    private func paddedHere(
        _ digest: [UInt8], _ hash: HashAlgorithm, _ bits: Int, after refusal: TokenError?
    ) async throws -> [UInt8] {
        let salt = SecureRandom.bytes(hash.byteCount)
        guard let block = EMSAPSS.encode(digest: digest, hash, salt: salt, modulusBits: bits) else {
            throw TokenError(.unsupported, "an RSA key of \(bits) bits is too short for \(hash.rawValue)")
        }
        do {
            return try await connection.sign(block, .rsaRaw, description, at: uri)
        } catch let error as TokenError where error.code == .unsupported {
            throw TokenError(
                .unsupported,
                "the token makes no RSA-PSS signatures with this key: \((refusal ?? error).reason); \(error.reason)",
                hint: "signatures of the older kind, PKCS#1 v1.5, are not made: use an EC key")
        }
    }

    private static let maximumMessage = 4 << 20
}

/// Whether a token left the padding to us.
private final class PaddingMemory: Sendable {
    private let value = Mutex(false)

    var isOurs: Bool {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}

extension HashAlgorithm {
    fileprivate var pssMechanism: TokenMechanism {
        switch self {
        case .sha256: .pssSHA256
        case .sha384: .pssSHA384
        case .sha512: .pssSHA512
        }
    }
}

extension TokenKeyKind {
    package init(_ type: KeyType) {
        switch type {
        case .ed25519: self = .ed25519
        case .ec(.p256): self = .p256
        case .ec(.p384): self = .p384
        case .ec(.p521): self = .p521
        case .rsa(let bits): self = .rsa(bits: bits)
        }
    }
}

extension PublicKey {
    /// The public half of a key on a token, checked as any other that comes from outside.
    package init(_ key: TokenKeyDescription) throws {
        try self.init(spki: key.spki)
        guard TokenKeyKind(type) == key.kind else {
            throw TokenError(.failed, "the token says \(key.kind), and its key is \(type)")
        }
    }
}
