import SigningKeys

/// The padding of RSA-PSS, for tokens that only know the bare RSA operation. [RFC 8017 §9.1.1]
enum EMSAPSS {
    /// The encoded message for a modulus of `bits` bits, as long as the modulus. The salt is as long as the hash.
    ///
    /// nil where the modulus is too short for the hash, which no supported key is.
    static func encode(digest: [UInt8], _ hash: HashAlgorithm, salt: [UInt8], modulusBits bits: Int) -> [UInt8]? {
        let encodedBits = bits - 1
        let count = (encodedBits + 7) / 8
        let hashBytes = hash.byteCount
        guard digest.count == hashBytes, count >= hashBytes + salt.count + 2 else { return nil }
        let h = hash.digest(of: [UInt8](repeating: 0, count: 8) + digest + salt)
        let padding = [UInt8](repeating: 0, count: count - salt.count - hashBytes - 2)
        let block = padding + [0x01] + salt
        var masked = zip(block, mask(h, count: block.count, hash)).map { $0 ^ $1 }
        masked[0] &= 0xFF >> UInt8(8 * count - encodedBits)
        let encoded = masked + h + [0xBC]
        return [UInt8](repeating: 0, count: (bits + 7) / 8 - count) + encoded
    }

    /// MGF1. [RFC 8017 §B.2.1]
    private static func mask(_ seed: [UInt8], count: Int, _ hash: HashAlgorithm) -> [UInt8] {
        var mask: [UInt8] = []
        var counter: UInt32 = 0
        while mask.count < count {
            let number = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: counter >> $0) }
            mask += hash.digest(of: seed + number)
            counter += 1
        }
        return Array(mask.prefix(count))
    }
}
