import Codecs
import Testing

@Suite struct `Hexadecimal and base64` {
    @Test func `hexadecimal is lower case both ways`() throws {
        #expect(Hex.encode([0, 0x0F, 0xAB, 0xFF]) == "000fabff")
        #expect(try Hex.decode("000fabff") == [0, 0x0F, 0xAB, 0xFF])
    }

    @Test(arguments: ["0", "AB", "zz", "0x", " 00", "é0"])
    func `hexadecimal in any other form is refused`(text: String) {
        #expect(throws: CodecError(.syntax, "")) { try Hex.decode(text) }
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `the vectors of RFC 4648 hold`(plain: String, coded: String) throws {
        #expect(Base64.encode(Array(plain.utf8)) == coded)
        #expect(try Base64.decode(coded) == Array(plain.utf8))
        let unpadded = coded.filter { $0 != "=" }
        #expect(Base64.encode(Array(plain.utf8), .url) == unpadded)
        #expect(try Base64.decode(unpadded, .url) == Array(plain.utf8))
    }

    @Test func `the two alphabets are not mixed`() throws {
        #expect(Base64.encode([0xFB, 0xFF]) == "+/8=")
        #expect(Base64.encode([0xFB, 0xFF], .url) == "-_8")
        #expect(throws: CodecError.self) { try Base64.decode("-_8=") }
        #expect(throws: CodecError.self) { try Base64.decode("+/8", .url) }
    }

    @Test(arguments: ["Zg", "Zg=", "Zh==", "Zm9=", "Zg==\n", "Z g=", "====", "Zg==Zg==", "=", "Z"])
    func `base64 that is not canonical is refused`(text: String) {
        #expect(throws: CodecError(.syntax, "")) { try Base64.decode(text) }
    }

    @Test(arguments: ["Zh", "Zg==", "Z", "Zm9"])
    func `base64url that is not canonical is refused`(text: String) {
        #expect(throws: CodecError(.syntax, "")) { try Base64.decode(text, .url) }
    }
}

@Suite struct `PEM text` {
    let block = PEMBlock(label: "CERTIFICATE", bytes: Array(0..<100))

    @Test func `blocks are read back as they were written`() throws {
        let other = PEMBlock(label: "PUBLIC KEY", bytes: [1])
        #expect(try PEM.decode(Array((block.text + "\n" + other.text).utf8)) == [block, other])
        #expect(try PEM.decode(Array(block.text.split(separator: "\n").joined(separator: "\r\n").utf8)) == [block])
        #expect(try PEM.decode([]) == [])
    }

    @Test func `anything around the blocks is refused`() {
        for text in ["subject=CN\n" + block.text, block.text + "trailing", "-----BEGIN X-----\nAA==\n"] {
            #expect(throws: CodecError(.syntax, "")) { try PEM.decode(Array(text.utf8)) }
        }
    }

    @Test func `a block that ends under another label is refused`() {
        let text = "-----BEGIN A-----\nAAAA\n-----END B-----\n"
        #expect(throws: CodecError(.syntax, "")) { try PEM.decode(Array(text.utf8)) }
    }

    @Test func `text above the limits is refused`() {
        #expect(throws: CodecError(.limit, "")) { try PEM.decode(Array(block.text.utf8), maximumBytes: 10) }
        let many = String(repeating: PEMBlock(label: "A", bytes: [1]).text, count: PEM.maximumBlocks + 1)
        #expect(throws: CodecError(.limit, "")) { try PEM.decode(Array(many.utf8)) }
    }
}
