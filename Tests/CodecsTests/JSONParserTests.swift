import Codecs
import Testing

@Suite struct `Strict JSON` {
    @Test(arguments: [
        #"{"v":1,"v":2}"#, #"{"v":1,"\u0076":2}"#, #"{"a":{"b":0,"b":0}}"#,
    ])
    func `a duplicate key is refused, escaped or not`(text: String) {
        #expect(throws: CodecError(.duplicateKey, "")) { try JSON(parsing: text) }
    }

    @Test func `names that only look alike are different members`() throws {
        let object = try JSON(parsing: "{\"caf\u{e9}\":1,\"cafe\u{301}\":2}").object("value")
        #expect(object.count == 2)
        #expect(object["caf\u{e9}"]?.integerOrNil == 1)
        #expect(object["cafe\u{301}"]?.integerOrNil == 2)
    }

    @Test(arguments: ["2.0", "2e0", "-0", "1E2", "9223372036854775808", "-9223372036854775809", "18446744073709551616"])
    func `a number that is not a plain integer of 64 bits is not taken as one`(text: String) throws {
        let value = try JSON(parsing: text)
        #expect(throws: CodecError(.notAnInteger, "")) { try value.integer("value") }
        #expect(throws: CodecError(.notAnInteger, "")) { try value.canonicalBytes() }
    }

    @Test func `the largest and the smallest integer are taken`() throws {
        #expect(try JSON(parsing: "9223372036854775807").integer("value") == .max)
        #expect(try JSON(parsing: "-9223372036854775808").integer("value") == .min)
    }

    @Test func `true is not one`() throws {
        #expect(throws: CodecError(.type, "")) { try JSON(parsing: "true").integer("value") }
        #expect(throws: CodecError(.type, "")) { try JSON(parsing: "1").bool("value") }
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "-", "1.", ".5", "+1", "1e", "tru", "nul",
        "[1 2]", "{\"a\" 1}", "\"", "\"\\x\"", "\"\\u12\"", "\"a\nb\"", "1 2", "{}x", "NaN", "Infinity", "[}", "//",
    ])
    func `text outside the grammar is refused`(text: String) {
        #expect(throws: CodecError(.syntax, "")) { try JSON(parsing: text) }
    }

    @Test(arguments: [
        #""\ud800""#, #""\ud800x""#, #""\udc00""#, #""\ud800\ud800""#, #""\ud800\u0041""#,
    ])
    func `half a surrogate pair is refused`(text: String) {
        #expect(throws: CodecError(.encoding, "")) { try JSON(parsing: text) }
    }

    @Test func `a whole surrogate pair is one character`() throws {
        #expect(try JSON(parsing: #""\ud83d\ude00""#) == .string("\u{1F600}"))
    }

    @Test(arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(throws: CodecError(.encoding, "")) { try JSON(parsing: bytes) }
    }

    @Test func `a byte order mark is refused`() {
        #expect(throws: CodecError(.syntax, "")) { try JSON(parsing: [0xEF, 0xBB, 0xBF, 0x31]) }
    }

    @Test func `nesting ends at the limit without exhausting the stack`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: UInt8(ascii: "["), count: depth) + [UInt8](repeating: UInt8(ascii: "]"), count: depth)
        }
        _ = try JSON(parsing: nested(64))
        #expect(throws: CodecError(.limit, "")) { try JSON(parsing: nested(65)) }
        #expect(throws: CodecError(.limit, "")) { try JSON(parsing: nested(900_000)) }
    }

    @Test func `text above the size limit is refused unread`() {
        #expect(throws: CodecError(.limit, "")) { try JSON(parsing: "[1,2,3]", limits: JSONLimits(bytes: 6)) }
    }

    @Test func `the first value of a stream is read and the rest left`() throws {
        #expect(try JSON(parsingFirstValueOf: Array("{\"a\":1} {".utf8)) == ["a": 1])
    }

    @Test func `an error names the byte`() {
        let error = #expect(throws: CodecError.self) { try JSON(parsing: "[1,x]") }
        #expect(error?.reason.contains("byte 3") == true)
    }
}

@Suite struct `Canonical JSON` {
    @Test func `names are sorted by their bytes`() throws {
        let value: JSON = ["a/b": 1, "Z": 2, "a": 3, "B": 4, "\u{e9}": 5]
        #expect(try value.canonicalBytes() == Array("{\"B\":4,\"Z\":2,\"a\":3,\"a/b\":1,\"\u{e9}\":5}".utf8))
    }

    @Test func `only the quote and the backslash are escaped`() throws {
        let value = try JSON(parsing: #""a\"b\\c\/d\n\u0001\u00e9""#)
        #expect(try value.canonicalBytes() == Array("\"a\\\"b\\\\c/d\n\u{1}\u{e9}\"".utf8))
    }

    @Test func `what is parsed from the canonical form is written the same`() throws {
        let text = #"{"list":[1,-2,true,false,null,"x"],"object":{"deep":{}}}"#
        #expect(try JSON(parsing: text).canonicalBytes() == Array(text.utf8))
    }

    @Test func `plain JSON text escapes control characters and parses back`() throws {
        let value: JSON = ["k\n": ["\u{1}\t\r\"\\", 3]]
        #expect(try JSON(parsing: value.bytes) == value)
        #expect(try JSON(parsing: value.prettyText) == value)
        let high: JSON = ["a\u{80}b\u{9f}c\u{a0}\u{c2}\u{e9}\u{2028}"]
        #expect(high.text == "[\"a\\u0080b\\u009fc\u{a0}\u{c2}\u{e9}\u{2028}\"]")
        #expect(try JSON(parsing: high.bytes) == high)
    }
}
