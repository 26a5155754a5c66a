import Codecs
import Testing

@Suite struct `DER encoding` {
    @Test(arguments: [
        "", "30", "3080", "30800000", "308100", "30817f", "3082007f", "300100ff", "30020500ff", "3085000000000100",
        "1f8101", "3003020100ff", "30030201",
    ])
    func `an encoding that is not the shortest, cut off or followed by more is refused`(hex: String) throws {
        let bytes = try Hex.decode(hex)
        #expect(throws: CodecError.self) {
            var reader = try DERReader(inside: DERReader.single(bytes, .sequence))
            while !reader.isAtEnd { _ = try reader.next() }
        }
    }

    @Test func `nesting stops at a limit`() throws {
        var bytes: [UInt8] = []
        for _ in 0..<1_000 { bytes = DER.sequence(bytes) }
        #expect(throws: CodecError(.limit, "")) {
            var element = try DERReader.single(bytes, .sequence)
            while true {
                var reader = try DERReader(inside: element)
                element = try reader.read(.sequence)
            }
        }
    }

    @Test(arguments: ["0200", "02020001", "0202ff80", "02020000"])
    func `an integer that is not in its shortest form is refused`(hex: String) throws {
        let element = try DERReader.single(Hex.decode(hex), .integer)
        #expect(throws: CodecError.self) { try element.integerBytes() }
    }

    @Test(arguments: [0, 1, 127, 128, 255, 256, 65_537, UInt64(Int64.max)])
    func `an integer comes out as it went in`(value: UInt64) throws {
        let element = try DERReader.single(DER.integer(value), .integer)
        #expect(try element.unsignedIntegerBytes().reduce(UInt64(0)) { $0 << 8 | UInt64($1) } == value)
    }

    @Test(arguments: ["1.2.840.113549.1.1.11", "2.5.29.37.0", "0.9.2342.19200300.100.1.25", "2.999.1", "1.3.101.112"])
    func `an object identifier comes out as it went in`(text: String) throws {
        let element = try DERReader.single(DER.objectIdentifier(text), .objectIdentifier)
        #expect(try element.objectIdentifier() == text)
    }

    @Test(arguments: ["", "1", "3.1", "1.40", "1..2", "01.2", "1.2.a", "1.2.-3", "1.2.99999999999999999999"])
    func `a text that is no object identifier is refused`(text: String) {
        #expect(throws: CodecError.self) { try DER.objectIdentifier(text) }
    }

    @Test(arguments: ["0600", "06022a80", "06032a8001", "060b2affffffffffffffffff7f"])
    func `an object identifier with a padded, open or huge arc is refused`(hex: String) throws {
        let element = try DERReader.single(Hex.decode(hex), .objectIdentifier)
        #expect(throws: CodecError.self) { try element.objectIdentifier() }
    }

    @Test func `a Boolean is 0 or 255`() throws {
        #expect(try DERReader.single([1, 1, 0xFF], .boolean).boolean())
        #expect(try !DERReader.single([1, 1, 0], .boolean).boolean())
        #expect(throws: CodecError.self) { try DERReader.single([1, 1, 1], .boolean).boolean() }
    }

    @Test(arguments: [
        ("170d3236303130313030303030305a", "2026-01-01T00:00:00Z"),
        ("170d3439313233313233353935395a", "2049-12-31T23:59:59Z"),
        ("170d3530303130313030303030305a", "1950-01-01T00:00:00Z"),
        ("180f32303530303130313030303030305a", "2050-01-01T00:00:00Z"),
    ])
    func `a time is read`(hex: String, text: String) throws {
        var reader = DERReader(try Hex.decode(hex))
        #expect(try reader.next().time().description == text)
        #expect(DER.time(try UTCDate(text)) == (try Hex.decode(hex)))
    }

    @Test(arguments: [
        "170b323630313031303030305a", "170d3236303233303030303030305a",
        "17113236303130313030303030302b30303030", "181332303530303130313030303030302e3030305a",
    ])
    func `a time in another form, or that does not exist, is refused`(hex: String) throws {
        var reader = DERReader(try Hex.decode(hex))
        let element = try reader.next()
        #expect(throws: CodecError.self) { try element.time() }
    }

    @Test func `named bits come out as they went in, and unused bits must be zero`() throws {
        for bits in [[], [0], [5, 6], [0, 8]] as [Set<Int>] {
            #expect(try DERReader.single(DER.namedBits(bits), .bitString).namedBits() == bits)
        }
        #expect(throws: CodecError.self) { try DERReader.single([3, 2, 7, 0xFF], .bitString).namedBits() }
        #expect(throws: CodecError.self) { try DERReader.single([3, 1, 1], .bitString).namedBits() }
        #expect(throws: CodecError.self) { try DERReader.single([3, 2, 8, 0], .bitString).namedBits() }
    }

    @Test(arguments: [("0c02c3a9", "\u{E9}"), ("1401e9", "\u{E9}"), ("1e0200e9", "\u{E9}"), ("130161", "a")])
    func `directory strings are read by their type`(hex: String, text: String?) throws {
        var reader = DERReader(try Hex.decode(hex))
        #expect(try reader.next().text == text)
    }

    @Test(arguments: ["0c01ff", "1301e9", "1e0161", "1e02d800", "1c0400110000", "040161"])
    func `octets that are no text of their type give none`(hex: String) throws {
        var reader = DERReader(try Hex.decode(hex))
        #expect(try reader.next().text == nil)
    }

    @Test func `random octets never end in a crash`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            var reader = DERReader(bytes)
            while let element = try? reader.next() {
                _ = try? element.objectIdentifier()
                _ = try? element.namedBits()
                _ = try? element.time()
                _ = try? element.smallInteger()
                _ = element.text
            }
        }
    }
}
