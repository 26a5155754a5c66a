import Foundation
import Testing

@testable import PKCS11Kit

@Suite struct PKCS11KitTests {
    @Test func `every return value of the header has a name`() throws {
        let header = try String(contentsOfFile: "/usr/include/p11-kit-1/p11-kit/pkcs11.h", encoding: .utf8)
        let rows = header.matches(of: /#define (CKR_[A-Z0-9_]+)\s+\(+(0x[0-9a-f]+|[0-9]+)UL\)+/)
        try #require(rows.count > 80)
        for row in rows where row.1 != "CKR_VENDOR_DEFINED" {
            let text = row.2.hasPrefix("0x") ? String(row.2.dropFirst(2)) : String(row.2)
            let value = try #require(UInt(text, radix: row.2.hasPrefix("0x") ? 16 : 10))
            #expect(ReturnCode.name(value) == row.1)
        }
        #expect(ReturnCode.name(0x8000_0001) == "vendor's code 0x80000001")
    }

    @Test(arguments: [[], [0x04, 0x20], [0x03, 0x21, 0x00]])
    func `an Ed25519 point is read raw and in both wrappings`(wrapping: [UInt8]) throws {
        let point = [UInt8](repeating: 9, count: 32)
        let spki = try KeyKind.ed25519.spki(point: wrapping + point)
        let prefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
        #expect(spki == prefix + point)
    }

    @Test(arguments: [[], [0x04, 0x41], [0x03, 0x42, 0x00]])
    func `a P-256 point is read raw and in both wrappings`(wrapping: [UInt8]) throws {
        let point: [UInt8] = [0x04] + [UInt8](repeating: 9, count: 64)
        let spki = try KeyKind.ec(.p256).spki(point: wrapping + point)
        #expect(spki.count == 91)
        #expect(Array(spki.suffix(65)) == point)
    }

    @Test func `points of other forms are refused`() {
        let points: [[UInt8]] = [
            [], [0x04], [UInt8](repeating: 2, count: 33), [UInt8](repeating: 2, count: 65),
            [UInt8](repeating: 4, count: 66), [UInt8](repeating: 4, count: 67),
        ]
        for point in points {
            #expect(throws: PKCS11Error(.malformed, "")) { try KeyKind.ec(.p256).spki(point: point) }
        }
        #expect(throws: PKCS11Error(.malformed, "")) {
            try KeyKind.ed25519.spki(point: [UInt8](repeating: 4, count: 34))
        }
    }

    @Test func `a signature without its leading zeros gets them back, any other length is refused`() throws {
        let short = [UInt8](repeating: 1, count: 31) + [UInt8](repeating: 2, count: 31)
        let fixed = try KeyKind.ec(.p256).fixedWidth(short)
        let ones: [UInt8] = [0] + [UInt8](repeating: 1, count: 31)
        let twos: [UInt8] = [0] + [UInt8](repeating: 2, count: 31)
        #expect(fixed == ones + twos)
        for count in [0, 1, 63, 65, 66, 128] {
            #expect(throws: PKCS11Error(.malformed, "")) {
                try KeyKind.ec(.p256).fixedWidth([UInt8](repeating: 1, count: count))
            }
        }
        #expect(throws: PKCS11Error(.malformed, "")) {
            try KeyKind.ed25519.fixedWidth([UInt8](repeating: 1, count: 62))
        }
    }

    @Test func `a kind of key or a curve that is not supported has a name in the refusal`() {
        #expect(throws: PKCS11Error(.mechanism, "")) { try KeyKind(type: 0, curve: nil) }
        #expect(throws: PKCS11Error(.mechanism, "")) {
            try KeyKind(type: 3, curve: [0x06, 0x05, 0x2B, 0x81, 0x04, 0, 0x0A])
        }
        #expect(throws: PKCS11Error(.mechanism, "")) { try KeyKind(type: 3, curve: nil) }
    }

    @Test(arguments: [(KeyKind.Curve.p384, 97), (.p521, 133)])
    func `points of the larger curves are read raw and wrapped, by their length alone`(
        curve: KeyKind.Curve, size: Int
    ) throws {
        let point: [UInt8] = [0x04] + [UInt8](repeating: 9, count: size - 1)
        let header: [UInt8] = size < 128 ? [0x04, UInt8(size)] : [0x04, 0x81, UInt8(size)]
        let raw = try KeyKind.ec(curve).spki(point: point)
        let wrapped = try KeyKind.ec(curve).spki(point: header + point)
        #expect(raw == wrapped && Array(raw.suffix(size)) == point)
        #expect(KeyKind.wrapped(point) == header + point)
        #expect(throws: PKCS11Error(.malformed, "")) { try KeyKind.ec(.p256).spki(point: point) }
    }

    @Test(arguments: [(KeyKind.ec(.p384), 96, 94), (.ec(.p521), 132, 130), (.rsa(bits: 2_048), 256, 255)])
    func `signatures of every kind have one length`(kind: KeyKind, size: Int, short: Int) throws {
        #expect(try kind.fixedWidth([UInt8](repeating: 1, count: size)).count == size)
        let padded = try kind.fixedWidth([UInt8](repeating: 1, count: short))
        #expect(padded.count == size && padded[0] == 0)
        #expect(throws: PKCS11Error(.malformed, "")) {
            try kind.fixedWidth([UInt8](repeating: 1, count: size + 1))
        }
    }

    @Test
    func `an RSA key is its modulus and exponent, leading zeros or not, within the sizes that are worth something`()
        throws
    {
        let modulus: [UInt8] = [0xC0] + [UInt8](repeating: 3, count: 255)
        let one = try KeyKind.rsa(modulus: modulus, exponent: [1, 0, 1])
        let other = try KeyKind.rsa(modulus: [0] + modulus, exponent: [0, 1, 0, 1])
        #expect(one.kind == .rsa(bits: 2_048) && one.spki == other.spki)
        for (modulus, code) in [([UInt8](modulus.prefix(128)), PKCS11Error.Code.mechanism), ([], .mechanism)] {
            #expect(throws: PKCS11Error(code, "")) { try KeyKind.rsa(modulus: modulus, exponent: [3]) }
        }
        #expect(throws: PKCS11Error(.malformed, "")) { try KeyKind.rsa(modulus: modulus, exponent: [0]) }
    }
}
