internal import CPKCS11
import Codecs

/// The kinds of keys that are made and used on tokens.
package enum KeyKind: Sendable, Hashable, CustomStringConvertible, CaseIterable {
    case ed25519, p256

    package var description: String {
        switch self {
        case .ed25519: "Ed25519"
        case .p256: "EC P-256"
        }
    }

    var signing: CK_MECHANISM_TYPE {
        switch self {
        case .ed25519: CK_MECHANISM_TYPE(CKM_EDDSA)
        case .p256: CK_MECHANISM_TYPE(CKM_ECDSA)
        }
    }

    var generation: CK_MECHANISM_TYPE {
        switch self {
        case .ed25519: CK_MECHANISM_TYPE(CKM_EC_EDWARDS_KEY_PAIR_GEN)
        case .p256: CK_MECHANISM_TYPE(CKM_EC_KEY_PAIR_GEN)
        }
    }

    /// How tokens name the curve, the most usual first. [CKA_EC_PARAMS; PKCS #11 v3.0 §2.3.10]
    var curveNames: [[UInt8]] {
        switch self {
        case .ed25519:
            [
                [0x06, 0x03, 0x2B, 0x65, 0x70],
                [0x13, 0x0C] + Array("edwards25519".utf8),
                [0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01],
            ]
        case .p256: [[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]]
        }
    }

    /// What kind of key an object is, from its type and the name of its curve.
    init(type: CK_ULONG, curve: [UInt8]?) throws(PKCS11Error) {
        let known: KeyKind
        switch type {
        case CK_ULONG(CKK_EC): known = .p256
        case CK_ULONG(CKK_EC_EDWARDS): known = .ed25519
        case CK_ULONG(CKK_RSA): throw PKCS11Error(.mechanism, "RSA keys on tokens are not supported yet")
        default: throw PKCS11Error(.mechanism, "keys of type 0x\(String(type, radix: 16)) are not supported")
        }
        guard let curve, known.curveNames.contains(curve) else {
            throw PKCS11Error(
                .mechanism, "a key is on a curve that is not supported", hint: "supported are Ed25519 and P-256")
        }
        self = known
    }

    /// SubjectPublicKeyInfo from CKA_EC_POINT, which some modules wrap in an OCTET STRING or BIT STRING and some do not.
    func spki(point: [UInt8]) throws(PKCS11Error) -> [UInt8] {
        let size = self == .ed25519 ? 32 : 65
        let wrappings: [[UInt8]] = [[], [0x04, UInt8(size)], [0x03, UInt8(size + 1), 0x00]]
        guard let wrapping = wrappings.first(where: { point.count == $0.count + size && point.starts(with: $0) }) else {
            throw PKCS11Error(.malformed, "the public key of type \(self) has a form that is not known")
        }
        let raw = Array(point.dropFirst(wrapping.count))
        switch self {
        case .ed25519: return DER.sequence(DER.sequence(curveNames[0]), DER.bitString(raw))
        case .p256:
            guard raw[0] == 0x04 else { throw PKCS11Error(.malformed, "a public key is no uncompressed point") }
            return DER.sequence(DER.sequence(Self.ecPublicKey, curveNames[0]), DER.bitString(raw))
        }
    }

    /// A signature of 64 bytes; a module that left out leading zeros of both halves alike gets them back.
    func fixedWidth(_ signature: [UInt8]) throws(PKCS11Error) -> [UInt8] {
        if signature.count == 64 { return signature }
        let half = signature.count / 2
        guard self == .p256, signature.count.isMultiple(of: 2), (1..<32).contains(half) else {
            throw PKCS11Error(.malformed, "the module made a signature of \(signature.count) bytes, not 64")
        }
        let zeros = [UInt8](repeating: 0, count: 32 - half)
        return zeros + signature.prefix(half) + zeros + signature.suffix(half)
    }

    /// 1.2.840.10045.2.1
    private static let ecPublicKey: [UInt8] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
}
