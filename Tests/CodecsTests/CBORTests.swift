import Testing

@testable import Codecs

@Suite struct CBORTests {
    struct Sample: CustomTestStringConvertible, Sendable {
        let hex: String
        let value: CBOR
        var testDescription: String { hex }

        init(_ hex: String, _ value: CBOR) {
            self.hex = hex
            self.value = value
        }
    }

    @Test(arguments: [
        Sample("00", .integer(0)), Sample("17", .integer(23)), Sample("1818", .integer(24)),
        Sample("190100", .integer(256)), Sample("1a00010000", .integer(65_536)),
        Sample("1b7fffffffffffffff", .integer(.max)), Sample("20", .integer(-1)), Sample("3863", .integer(-100)),
        Sample("3b7fffffffffffffff", .integer(.min)), Sample("40", .bytes([])),
        Sample("4401020304", .bytes([1, 2, 3, 4])),
        Sample("62c3bc", .text("ü")), Sample("83010203", .array([.integer(1), .integer(2), .integer(3)])),
        Sample("a201020304", .map(CBORMap([(.integer(1), .integer(2)), (.integer(3), .integer(4))]))),
        Sample("c11a514b67b0", .tagged(1, .integer(1_363_896_240))), Sample("f4", .bool(false)),
        Sample("f5", .bool(true)), Sample("f6", .null),
    ])
    func `a deterministic value reads and writes as the same bytes`(_ sample: Sample) throws {
        let bytes = try Hex.decode(sample.hex)
        let value = try CBOR(parsing: bytes)
        #expect(value == sample.value)
        #expect(value.encoded == bytes)
    }

    @Test(arguments: [
        "1817", "190018", "1a0000ffff", "1b00000000ffffffff", "5801", "580100", "9f01ff", "5f4101ff", "bf0102ff",
        "7f6161ff",
        "f90000", "fa00000000", "fb0000000000000000", "f7", "f0", "f814", "f820", "ff", "1c", "", "8201", "a101",
        "44010203",
        "0000", "9bffffffffffffffff", "bb7fffffffffffffff", "5bffffffffffffffff", "c1",
    ])
    func `what is not deterministic or not whole is malformed`(_ hex: String) throws {
        let bytes = try Hex.decode(hex)
        #expect(throws: CodecError(.syntax, "")) { try CBOR(parsing: bytes) }
    }

    @Test(arguments: ["1b8000000000000000", "3b8000000000000000", "1bffffffffffffffff"])
    func `an integer beyond 64 bits with sign is refused`(_ hex: String) throws {
        let bytes = try Hex.decode(hex)
        #expect(throws: CodecError(.notAnInteger, "")) { try CBOR(parsing: bytes) }
    }

    @Test(arguments: ["a201020103", "a2616101616102", "a3010201030205"])
    func `a key that stands twice is refused`(_ hex: String) throws {
        let bytes = try Hex.decode(hex)
        #expect(throws: CodecError(.duplicateKey, "")) { try CBOR(parsing: bytes) }
    }

    @Test func `keys that are only canonically equivalent are different keys`() throws {
        let bytes = try Hex.decode("a2" + "62c3bc01" + "6375cc8802")
        #expect(try CBOR(parsing: bytes).mapOrNil?.entries.count == 2)
    }

    @Test func `text that is not UTF-8 is refused`() throws {
        #expect(throws: CodecError(.encoding, "")) { try CBOR(parsing: [0x62, 0xC3, 0x28]) }
    }

    @Test func `a key that is an array is refused`() throws {
        #expect(throws: CodecError(.type, "")) { try CBOR(parsing: [0xA1, 0x80, 0x00]) }
    }

    @Test func `nesting ends at the limit`() throws {
        let deep = [UInt8](repeating: 0x81, count: 100_000) + [0]
        #expect(throws: CodecError(.limit, "")) { try CBOR(parsing: deep) }
        #expect(throws: CodecError(.limit, "")) { try CBOR(parsing: [UInt8](repeating: 0xC1, count: 100) + [0]) }
        let allowed = [UInt8](repeating: 0x81, count: 16) + [0]
        #expect(throws: Never.self) { try CBOR(parsing: allowed) }
    }

    @Test func `size ends at the limit`() {
        #expect(throws: CodecError(.limit, "")) { try CBOR(parsing: [0x41, 0], limits: CBORLimits(bytes: 1)) }
    }

    @Test func `map entries are written in the order of their encoded keys`() {
        let map = CBOR.map(
            CBORMap([(.text("b"), .null), (.text("aa"), .null), (.integer(-1), .null), (.integer(9), .null)]))
        #expect(Hex.encode(map.encoded) == "a409f620f66162f6626161f6")
    }

    @Test func `no sequence of up to three bytes traps`() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                _ = try? CBOR(parsing: [first, second])
                _ = try? CBOR(parsing: [first, second, second])
            }
        }
    }
}
