internal import CPKCS11
import Codecs

/// The kinds of keys that are made and used on tokens.
package enum KeyKind: Sendable, Hashable, CustomStringConvertible {
    package enum Curve: Sendable, CaseIterable { case p256, p384, p521 }

    case ed25519
    case ec(Curve)
    case rsa(bits: Int)

    package var description: String {
        switch self {
        case .ed25519: "Ed25519"
        case .ec(let curve): "EC \(curve.name)"
        case .rsa(let bits): "RSA \(bits)"
        }
    }

    /// Smaller RSA keys are worth nothing any more, larger ones cost more than anybody should be able to ask for.
    package static let rsaBits = 2_048...8_192

    var generation: CK_MECHANISM_TYPE {
        switch self {
        case .ed25519: CK_MECHANISM_TYPE(CKM_EC_EDWARDS_KEY_PAIR_GEN)
        case .ec: CK_MECHANISM_TYPE(CKM_EC_KEY_PAIR_GEN)
        case .rsa: CK_MECHANISM_TYPE(CKM_RSA_PKCS_KEY_PAIR_GEN)
        }
    }

    var type: CK_ULONG {
        switch self {
        case .ed25519: CK_ULONG(CKK_EC_EDWARDS)
        case .ec: CK_ULONG(CKK_EC)
        case .rsa: CK_ULONG(CKK_RSA)
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
        case .ec(let curve): [curve.objectIdentifier]
        case .rsa: []
        }
    }

    /// What kind of key an object on a curve is, from its type and the name of the curve.
    init(type: CK_ULONG, curve: [UInt8]?) throws(PKCS11Error) {
        let known: [KeyKind]
        switch type {
        case CK_ULONG(CKK_EC): known = Curve.allCases.map { .ec($0) }
        case CK_ULONG(CKK_EC_EDWARDS): known = [.ed25519]
        default: throw PKCS11Error(.mechanism, "keys of type 0x\(String(type, radix: 16)) are not supported")
        }
        guard let curve, let kind = known.first(where: { $0.curveNames.contains(curve) }) else {
            throw PKCS11Error(
                .mechanism, "a key is on a curve that is not supported",
                hint: "supported are Ed25519, P-256, P-384 and P-521")
        }
        self = kind
    }

    /// SubjectPublicKeyInfo from CKA_EC_POINT, which some modules wrap in an OCTET STRING or BIT STRING and some do not:
    /// only the length tells.
    func spki(point: [UInt8]) throws(PKCS11Error) -> [UInt8] {
        let size = pointBytes
        let wrappings = [[], Self.header(0x04, size), Self.header(0x03, size + 1) + [0x00]]
        guard size > 0,
            let wrapping = wrappings.first(where: { point.count == $0.count + size && point.starts(with: $0) })
        else {
            throw PKCS11Error(.malformed, "the public key of type \(self) has a form that is not known")
        }
        let raw = Array(point.dropFirst(wrapping.count))
        if case .ed25519 = self { return DER.sequence(DER.sequence(curveNames[0]), DER.bitString(raw)) }
        guard raw[0] == 0x04 else { throw PKCS11Error(.malformed, "a public key is no uncompressed point") }
        return DER.sequence(DER.sequence(Self.ecPublicKey, curveNames[0]), DER.bitString(raw))
    }

    /// An RSA key from its two numbers.
    static func rsa(
        modulus: [UInt8], exponent: [UInt8]
    ) throws(PKCS11Error) -> (kind: KeyKind, spki: [UInt8]) {
        let digits = modulus.drop { $0 == 0 }
        let bits = digits.count * 8 - (digits.first?.leadingZeroBitCount ?? 0)
        guard rsaBits.contains(bits) else {
            throw PKCS11Error(
                .mechanism, "an RSA key has \(bits) bits",
                hint: "supported are \(rsaBits.lowerBound) to \(rsaBits.upperBound)")
        }
        guard (1...8).contains(exponent.drop { $0 == 0 }.count) else {
            throw PKCS11Error(.malformed, "an RSA key has a public exponent that is 0 or longer than 64 bits")
        }
        let numbers = DER.sequence(DER.integer(unsigned: digits), DER.integer(unsigned: exponent))
        let spki = DER.sequence(DER.sequence(rsaEncryption, [0x05, 0x00]), DER.bitString(numbers))
        return (.rsa(bits: bits), spki)
    }

    /// The public key of a certificate, of which nothing else is read; nil where it is of no supported kind.
    /// [RFC 5280 §4.1]
    static func publicHalf(ofCertificate der: [UInt8]) -> (KeyKind, [UInt8])? {
        do {
            var outer = try DERReader(inside: DERReader.single(der, .sequence))
            var fields = try DERReader(inside: outer.read(.sequence))
            _ = try fields.readOptional(.context(0, constructed: true))
            _ = try fields.read(.integer)
            for _ in 0..<4 { _ = try fields.read(.sequence) }
            var info = try DERReader(inside: fields.read(.sequence))
            var algorithm = try DERReader(inside: info.read(.sequence))
            let name = Array(try algorithm.read(.objectIdentifier).encoded)
            let value = try info.read(.bitString).bitStringBytes()
            switch name {
            case rsaEncryption:
                var numbers = try DERReader(inside: DERReader.single(value, .sequence))
                let modulus = try numbers.read(.integer).unsignedIntegerBytes()
                return try rsa(modulus: modulus, exponent: try numbers.read(.integer).unsignedIntegerBytes())
            case ecPublicKey:
                let kind = try KeyKind(type: CK_ULONG(CKK_EC), curve: Array(try algorithm.next().encoded))
                return (kind, try kind.spki(point: value))
            default: return nil
            }
        } catch {
            return nil
        }
    }

    /// A signature of the one length that this kind has; a module that left out leading zeros gets them back.
    func fixedWidth(_ signature: [UInt8]) throws(PKCS11Error) -> [UInt8] {
        let size = signatureBytes
        if signature.count == size { return signature }
        switch self {
        case .ec where signature.count.isMultiple(of: 2) && (2..<size).contains(signature.count):
            let half = signature.count / 2
            let zeros = [UInt8](repeating: 0, count: size / 2 - half)
            return zeros + signature.prefix(half) + zeros + signature.suffix(half)
        case .rsa where (size - 8..<size).contains(signature.count):
            return [UInt8](repeating: 0, count: size - signature.count) + signature
        default:
            throw PKCS11Error(.malformed, "the module made a signature of \(signature.count) bytes, not \(size)")
        }
    }

    private var pointBytes: Int {
        switch self {
        case .ed25519: 32
        case .ec(let curve): 1 + 2 * curve.coordinateBytes
        case .rsa: 0
        }
    }

    private var signatureBytes: Int {
        switch self {
        case .ed25519: 64
        case .ec(let curve): 2 * curve.coordinateBytes
        case .rsa(let bits): (bits + 7) / 8
        }
    }

    /// The form that PKCS #11 v2.40 §2.3.5 wants of CKA_EC_POINT.
    static func wrapped(_ point: [UInt8]) -> [UInt8] { DER.octetString(point) }

    private static func header(_ tag: UInt8, _ count: Int) -> [UInt8] {
        count < 128 ? [tag, UInt8(count)] : [tag, 0x81, UInt8(truncatingIfNeeded: count)]
    }

    /// 1.2.840.10045.2.1
    private static let ecPublicKey: [UInt8] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
    /// 1.2.840.113549.1.1.1
    private static let rsaEncryption: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
}

extension KeyKind.Curve {
    var name: String {
        switch self {
        case .p256: "P-256"
        case .p384: "P-384"
        case .p521: "P-521"
        }
    }

    /// Octets of a field element, and so of each half of a signature.
    var coordinateBytes: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    fileprivate var objectIdentifier: [UInt8] {
        switch self {
        case .p256: [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
        case .p384: [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22]
        case .p521: [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23]
        }
    }
}
