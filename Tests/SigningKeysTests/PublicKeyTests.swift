import Codecs
import SigningKeys
import Testing

@Suite struct `Public keys` {
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ])
    func `an Ed25519 point of small order is refused`(hex: String) throws {
        let raw = try Hex.decode(hex)
        #expect(throws: KeyError(.weak, "")) { try PublicKey(ed25519: raw) }
    }

    @Test(arguments: [
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751",
    ])
    func `an Ed25519 key that is not canonical is refused`(hex: String) throws {
        let raw = try Hex.decode(hex)
        #expect(throws: KeyError(.malformed, "")) { try PublicKey(ed25519: raw) }
    }

    @Test func `the Ed25519 signature of RFC 8032 is valid, and not over another message`() throws {
        let key = try PublicKey(
            ed25519: Hex.decode("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
        let signature = try Hex.decode(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
        #expect(key.isValid(signature: signature, over: [0x72], scheme: .ed25519))
        #expect(!key.isValid(signature: signature, over: [0x73], scheme: .ed25519))
        #expect(!key.isValid(signature: signature, over: [0x72], scheme: .ecdsa(.sha256, .der)))
        #expect(key.ed25519Bytes?.first == 0x3D)
        #expect(key.type == .ed25519)
    }

    @Test func `bytes after a key are refused`() throws {
        let spki = try PrivateKey.generate(.ec(.p256)).publicKey.spki + [0]
        #expect(throws: KeyError(.malformed, "")) { try PublicKey(spki: spki) }
    }

    @Test func `a compressed point is refused, so that a key has one encoding`() throws {
        let spki = try PrivateKey.generate(.ec(.p256)).publicKey.spki
        let point = Array(spki.suffix(65))
        let compressed = [UInt8(2 + (point.last.map { $0 & 1 } ?? 0))] + point[1...32]
        let other = try DER.sequence(
            DER.sequence(
                DER.objectIdentifier("1.2.840.10045.2.1"), DER.objectIdentifier("1.2.840.10045.3.1.7")),
            DER.bitString(Array(compressed)))
        #expect(throws: KeyError(.malformed, "")) { try PublicKey(spki: other) }
    }

    @Test func `a point that is not on its curve is refused`() throws {
        var spki = try PrivateKey.generate(.ec(.p384)).publicKey.spki
        spki[spki.count - 1] ^= 1
        #expect(throws: KeyError(.malformed, "")) { try PublicKey(spki: spki) }
    }

    @Test(arguments: [("1.3.132.0.10", 32), ("1.2.840.10045.3.1.1", 24)])
    func `another curve is refused by name`(curve: String, size: Int) throws {
        let spki = try DER.sequence(
            DER.sequence(DER.objectIdentifier("1.2.840.10045.2.1"), DER.objectIdentifier(curve)),
            DER.bitString([4] + [UInt8](repeating: 1, count: 2 * size)))
        #expect(throws: KeyError(.unsupported, "")) { try PublicKey(spki: spki) }
    }

    @Test(arguments: [(1_024, KeyError.Code.weak), (2_047, .weak), (8_200, .weak)])
    func `an RSA key outside of 2048 to 8192 bits is refused`(bits: Int, code: KeyError.Code) throws {
        let spki = try rsa(modulus: modulus(bits: bits), exponent: [1, 0, 1])
        #expect(throws: KeyError(code, "")) { try PublicKey(spki: spki) }
    }

    @Test(arguments: [[1], [2], [1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 1]] as [[UInt8]])
    func `an RSA exponent that is 1, even or huge is refused`(exponent: [UInt8]) throws {
        let spki = try rsa(modulus: modulus(bits: 2_048), exponent: exponent)
        #expect(throws: KeyError(.weak, "")) { try PublicKey(spki: spki) }
    }

    @Test func `PEM comes out as it went in`() throws {
        for type in [KeyType.ed25519, .ec(.p256), .ec(.p384), .ec(.p521), .rsa(bits: 2_048)] {
            let key = try PrivateKey.generate(type).publicKey
            #expect(try PublicKey(pem: Array(key.pem.utf8)) == key)
            #expect(key.type == type)
        }
    }

    @Test func `a private key and a certificate are named when they stand where a public key belongs`() throws {
        let pem = Array(try PrivateKey.generate(.ed25519).plaintextPEM.utf8)
        #expect(throws: KeyError(.notAKey, "")) { try PublicKey(pem: pem) }
        let certificate = Array(PEMBlock(label: "CERTIFICATE", bytes: [1]).text.utf8)
        #expect(throws: KeyError(.notAKey, "")) { try PublicKey(pem: certificate) }
        #expect(throws: KeyError(.notAKey, "")) { try PublicKey(pem: []) }
    }

    private func modulus(bits: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xFF, count: (bits + 7) / 8)
        bytes[0] = 0xFF >> UInt8(bytes.count * 8 - bits)
        return bytes
    }

    private func rsa(modulus: [UInt8], exponent: [UInt8]) throws -> [UInt8] {
        try DER.sequence(
            DER.sequence(DER.objectIdentifier("1.2.840.113549.1.1.1"), DER.null),
            DER.bitString(DER.sequence(DER.integer(unsigned: modulus), DER.integer(unsigned: exponent))))
    }
}
