import Codecs
import SigningKeys
import TokenWire

/// The numbers of a private key, as a token takes them; for one call, because nothing wipes them.
struct KeyNumbers {
    let numbers: [[UInt8]]

    init(_ key: PrivateKey) throws {
        do {
            var outer = try DERReader(inside: DERReader.single(try key.plaintextPKCS8, .sequence))
            _ = try outer.read(.integer)
            _ = try outer.read(.sequence)
            let inner = try outer.read(.octetString).bytes
            switch key.publicKey.type {
            case .ed25519: numbers = [try DERReader.single(inner, .octetString).bytes, try Self.point(key)]
            case .ec(let curve): numbers = [try Self.scalar(inner, curve), try Self.point(key)]
            case .rsa: numbers = try Self.rsa(inner)
            }
        } catch let error as CodecError {
            throw KeyError(.malformed, "the numbers of a private key cannot be read: \(error.reason)")
        }
    }

    /// ECPrivateKey, its scalar as long as the curve. [RFC 5915 §3]
    private static func scalar(_ der: [UInt8], _ curve: EllipticCurve) throws(CodecError) -> [UInt8] {
        var reader = try DERReader(inside: DERReader.single(der, .sequence))
        _ = try reader.read(.integer)
        let scalar = try reader.read(.octetString).bytes
        return [UInt8](repeating: 0, count: max(0, curve.coordinateBytes - scalar.count)) + scalar
    }

    /// RSAPrivateKey without its version. [RFC 8017 §A.1.2]
    private static func rsa(_ der: [UInt8]) throws(CodecError) -> [[UInt8]] {
        var reader = try DERReader(inside: DERReader.single(der, .sequence))
        _ = try reader.read(.integer)
        var numbers: [[UInt8]] = []
        for _ in 0..<8 { numbers.append(try reader.read(.integer).unsignedIntegerBytes()) }
        return numbers
    }

    private static func point(_ key: PrivateKey) throws(CodecError) -> [UInt8] {
        var reader = try DERReader(inside: DERReader.single(key.publicKey.spki, .sequence))
        _ = try reader.read(.sequence)
        return try reader.read(.bitString).bitStringBytes()
    }
}
