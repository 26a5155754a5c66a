import Codecs
import OpenSSLKit

/// A SubjectPublicKeyInfo taken apart: only forms of which each key has exactly one. [RFC 5280 §4.1.2.7]
struct SubjectPublicKeyInfo {
    let type: KeyType
    let numbers: KeyHandle.PublicNumbers

    static let maximumBytes = 2_048

    init(_ spki: [UInt8]) throws(KeyError) {
        guard spki.count <= Self.maximumBytes else {
            throw KeyError(.weak, "a public key has \(spki.count) bytes, at most \(Self.maximumBytes) are read")
        }
        do {
            var outer = try DERReader(inside: DERReader.single(spki, .sequence))
            var algorithm = try DERReader(inside: outer.read(.sequence))
            let identifier = try algorithm.read(.objectIdentifier).objectIdentifier()
            let parameters = algorithm.isAtEnd ? nil : try algorithm.next()
            try algorithm.end()
            let key = try outer.read(.bitString).bitStringBytes()
            try outer.end()
            (type, numbers) = try Self.parts(identifier, parameters, key)
        } catch let error as CodecError {
            throw KeyError(.malformed, "a public key is malformed: \(error.reason)")
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.malformed, "a public key is malformed")
        }
    }

    private static func parts(
        _ identifier: String, _ parameters: DERElement?, _ key: [UInt8]
    ) throws -> (KeyType, KeyHandle.PublicNumbers) {
        switch identifier {
        case "1.3.101.112":
            guard parameters == nil else { throw KeyError(.malformed, "an Ed25519 key has parameters") }
            try Ed25519Point.check(key)
            return (.ed25519, .ed25519(key))
        case "1.2.840.10045.2.1":
            let curve = try curve(parameters, key)
            return (.ec(curve), .ec(group: curve.name, point: key))
        case "1.2.840.113549.1.1.1":
            guard parameters?.tag == .null, parameters?.content.isEmpty == true else {
                throw KeyError(.malformed, "the parameters of an RSA key are not NULL")
            }
            return try rsa(key)
        case "1.2.840.113549.1.1.10":
            throw KeyError(
                .unsupported, "the key is restricted to RSA-PSS by its algorithm identifier",
                hint: "write it as rsaEncryption; RSA-PSS signatures are made with either")
        case "1.2.840.10040.4.1": throw KeyError(.unsupported, "DSA keys are not supported")
        default:
            throw KeyError(
                .unsupported, "keys of algorithm \(identifier) are not supported",
                hint: "supported are Ed25519, ECDSA on P-256, P-384 and P-521, and RSA from 2048 to 8192 bits")
        }
    }

    private static func curve(_ parameters: DERElement?, _ key: [UInt8]) throws -> EllipticCurve {
        guard let parameters, parameters.tag == .objectIdentifier else {
            throw KeyError(
                .unsupported, "an elliptic curve key does not name its curve but describes it, or leaves it out")
        }
        let identifier = try parameters.objectIdentifier()
        guard let curve = EllipticCurve.allCases.first(where: { $0.objectIdentifier == identifier }) else {
            throw KeyError(
                .unsupported, "elliptic curve \(identifier) is not supported", hint: "use P-256, P-384 or P-521")
        }
        guard key.first == 0x04, key.count == 1 + 2 * curve.coordinateBytes else {
            throw KeyError(.malformed, "an elliptic curve key is not an uncompressed point on \(curve.name)")
        }
        return curve
    }

    private static func rsa(_ key: [UInt8]) throws -> (KeyType, KeyHandle.PublicNumbers) {
        var numbers = try DERReader(inside: DERReader.single(key, .sequence))
        let modulus = try numbers.read(.integer).unsignedIntegerBytes()
        let exponent = try numbers.read(.integer).unsignedIntegerBytes()
        try numbers.end()
        let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
        guard KeyType.rsaBits.contains(bits) else {
            throw KeyError(
                .weak, "an RSA key has \(bits) bits", hint: "RSA keys have from 2048 to 8192 bits")
        }
        guard modulus.last.map({ $0 & 1 == 1 }) == true else { throw KeyError(.weak, "an RSA modulus is even") }
        guard exponent.count <= 8, exponent.last.map({ $0 & 1 == 1 }) == true, exponent != [1] else {
            throw KeyError(.weak, "an RSA public exponent is even, 1, or longer than 64 bits")
        }
        return (.rsa(bits: bits), .rsa(modulus: modulus, exponent: exponent))
    }
}

/// Which 32 bytes are an Ed25519 public key: a canonical y, and not one of the eight points of small order.
enum Ed25519Point {
    static func check(_ key: [UInt8]) throws(KeyError) {
        guard key.count == 32 else { throw KeyError(.malformed, "an Ed25519 key has \(key.count) bytes, not 32") }
        var y = key
        y[31] &= 0x7F
        guard y.reversed().lexicographicallyPrecedes(prime.reversed()) else {
            throw KeyError(.malformed, "an Ed25519 key is not in its canonical form")
        }
        guard !smallOrder.contains(y) else { throw KeyError(.weak, "an Ed25519 key is a point of small order") }
    }

    /// 2^255 - 19, little-endian.
    private static let prime: [UInt8] = [0xED] + [UInt8](repeating: 0xFF, count: 30) + [0x7F]

    /// y of the points of order 1, 2, 4 and 8, little-endian; each stands for both signs of x.
    private static let smallOrder: Set<[UInt8]> = [
        [UInt8](repeating: 0, count: 32),
        [1] + [UInt8](repeating: 0, count: 31),
        [0xEC] + [UInt8](repeating: 0xFF, count: 30) + [0x7F],
        [
            0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98, 0xF0,
            0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05,
        ],
        [
            0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10, 0x67, 0x0F,
            0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A,
        ],
    ]
}
