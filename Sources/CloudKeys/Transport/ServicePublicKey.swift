import Codecs
import SigningKeys

/// Takes in a public key that a service hands out, and says of which key it complains.
enum ServicePublicKey {
    static func pem(_ text: String, of key: String) throws(CloudKeyError) -> PublicKey {
        do throws(KeyError) { return try PublicKey(pem: Array(text.utf8)) } catch { throw unusable(key, error) }
    }

    static func spki(_ bytes: [UInt8], of key: String) throws(CloudKeyError) -> PublicKey {
        do throws(KeyError) { return try PublicKey(spki: bytes) } catch { throw unusable(key, error) }
    }

    static func ed25519(_ bytes: [UInt8], of key: String) throws(CloudKeyError) -> PublicKey {
        do throws(KeyError) { return try PublicKey(ed25519: bytes) } catch { throw unusable(key, error) }
    }

    /// An elliptic curve key from its coordinates, which may come without their leading zeros.
    static func point(x: [UInt8], y: [UInt8], _ curve: EllipticCurve, of key: String) throws -> PublicKey {
        let size = curve.coordinateBytes
        guard x.count <= size, y.count <= size else {
            throw CloudKeyError(.answer, "the key \(key) has coordinates that are too long")
        }
        let point = [x, y].flatMap { [UInt8](repeating: 0, count: size - $0.count) + $0 }
        let identifier =
            switch curve {
            case .p256: "1.2.840.10045.3.1.7"
            case .p384: "1.3.132.0.34"
            case .p521: "1.3.132.0.35"
            }
        let algorithm = DER.sequence(
            try DER.objectIdentifier("1.2.840.10045.2.1"), try DER.objectIdentifier(identifier))
        return try spki(DER.sequence(algorithm, DER.bitString([4] + point)), of: key)
    }

    static func rsa(modulus: [UInt8], exponent: [UInt8], of key: String) throws -> PublicKey {
        let algorithm = DER.sequence(try DER.objectIdentifier("1.2.840.113549.1.1.1"), DER.null)
        let numbers = DER.sequence(DER.integer(unsigned: modulus), DER.integer(unsigned: exponent))
        return try spki(DER.sequence(algorithm, DER.bitString(numbers)), of: key)
    }

    private static func unusable(_ key: String, _ error: KeyError) -> CloudKeyError {
        CloudKeyError(.unusable, "the key \(key) cannot be used: \(error.reason)", hint: error.hint)
    }
}

extension KeyType {
    /// The hash with which services that tie it to the key's type sign; nil for Ed25519 and for RSA, which take any.
    var tiedHash: HashAlgorithm? {
        switch self {
        case .ec(.p256): .sha256
        case .ec(.p384): .sha384
        case .ec(.p521): .sha512
        case .rsa, .ed25519: nil
        }
    }

    /// - Throws: `KeyError(.scheme)` where a service whose curves are tied to hashes cannot make such signatures.
    func checkTied(_ scheme: SignatureScheme, _ service: String) throws(KeyError) {
        let isRight =
            switch (self, scheme) {
            case (.ec, .ecdsa(let hash, _)): hash == tiedHash
            case (.rsa, .rsaPSS), (.ed25519, .ed25519): true
            default: false
            }
        guard isRight else {
            throw KeyError(.scheme, "\(service) makes no signatures of \(scheme) with keys of type \(self)")
        }
    }
}
