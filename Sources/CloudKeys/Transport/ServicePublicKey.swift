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
