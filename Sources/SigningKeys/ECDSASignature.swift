import Codecs

/// Turns the two forms of an ECDSA signature into each other, both strict.
package enum ECDSASignature {
    /// The DER form of a signature that is exactly two coordinates long; nil otherwise.
    package static func der(fromFixed signature: [UInt8], _ curve: EllipticCurve) -> [UInt8]? {
        let size = curve.coordinateBytes
        guard signature.count == 2 * size else { return nil }
        return DER.sequence(DER.integer(unsigned: signature[..<size]), DER.integer(unsigned: signature[size...]))
    }

    /// The fixed form of a signature in DER; nil if it is not what the two numbers encode to.
    package static func fixed(fromDER signature: [UInt8], _ curve: EllipticCurve) -> [UInt8]? {
        do {
            var numbers = try DERReader(inside: DERReader.single(signature, .sequence))
            let r = try numbers.read(.integer).unsignedIntegerBytes()
            let s = try numbers.read(.integer).unsignedIntegerBytes()
            try numbers.end()
            let size = curve.coordinateBytes
            guard r.count <= size, s.count <= size else { return nil }
            let fixed = padded(r, to: size) + padded(s, to: size)
            return der(fromFixed: fixed, curve) == signature ? fixed : nil
        } catch {
            return nil
        }
    }

    private static func padded(_ number: [UInt8], to size: Int) -> [UInt8] {
        [UInt8](repeating: 0, count: size - number.count) + number
    }
}
