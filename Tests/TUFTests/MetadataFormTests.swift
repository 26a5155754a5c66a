import Codecs
import TUF
import Testing

@Suite struct MetadataFormTests {
    @Test func `a plain timestamp is read`() throws {
        let read = try readTimestamp(timestampText()).unverifiedContent
        #expect(read.version == 1)
        #expect(read.snapshot.version == 1)
    }

    @Test(arguments: [
        "true", "1.0", "1e0", "-1", "0", "-0", "01", "\"1\"", "null", "9007199254740992", "9223372036854775807",
        "9223372036854775808", "18446744073709551617",
    ])
    func `a version that is not an integer from 1 to 2^53 - 1 is refused`(version: String) {
        #expect(throws: TUFError.self) { try readTimestamp(timestampText(version: version)) }
        let meta = #"{"snapshot.json":{"version":\#(version)}}"#
        #expect(throws: TUFError.self) { try readTimestamp(timestampText(meta: meta)) }
    }

    @Test func `the highest version that all clients read is taken`() throws {
        #expect(
            try readTimestamp(timestampText(version: "9007199254740991")).unverifiedContent.version
                == 9_007_199_254_740_991)
    }

    @Test(arguments: [
        "2090-02-30T00:00:00Z", "2030-01-01T00:00:00+02:00", " 2030-01-01T00:00:00Z", "2030-01-01T00:00:00Zjunk",
        "2090-1-1T0:0:0Z", "2030-01-01T25:00:00Z", "2030-01-01T00:00:60Z", "99999-01-01T00:00:00Z", "2030-01-01",
        "2030-01-01T00:00:00.5Z",
    ])
    func `a date that is not exactly twenty characters of a real moment is refused`(date: String) {
        #expect(throws: TUFError(.malformed, "")) { try readTimestamp(timestampText(expires: "\"\(date)\"")) }
    }

    @Test(arguments: ["1.0", "1.0.31", "1.99", "1.0.0"])
    func `any version 1 of the specification is read`(version: String) throws {
        #expect(
            try readTimestamp(timestampText(spec: "\"\(version)\"")).unverifiedContent.header.specVersion == version)
    }

    @Test(arguments: ["2.0", "0.9", "1", "1.", "1.x", "01.0", "1.0.0.0", ""])
    func `another version of the specification is refused`(version: String) {
        #expect(throws: TUFError(.wrongType, "")) { try readTimestamp(timestampText(spec: "\"\(version)\"")) }
    }

    @Test func `metadata of another role is refused`() {
        #expect(throws: TUFError(.wrongType, "")) { try readTimestamp(timestampText(type: "\"snapshot\"")) }
    }

    @Test func `a name that appears twice in an object is refused`() {
        #expect(throws: TUFError(.malformed, "")) {
            try readTimestamp(timestampText(version: "1,\"version\":2"))
        }
    }

    @Test func `two names that Unicode calls equal stay two names`() throws {
        let more = ",\"caf\\u00e9\":1,\"cafe\\u0301\":2"
        #expect(try readTimestamp(timestampText(more: more)).unverifiedContent.header.otherMembers.count == 2)
    }

    @Test func `a byte order mark is refused`() {
        #expect(throws: TUFError.self) { try readTimestamp("\u{FEFF}" + timestampText()) }
    }

    @Test func `nesting of 900,000 levels is refused without overflowing the stack`() throws {
        let deep = String(repeating: "[", count: 900_000)
        #expect(throws: TUFError(.tooLarge, "")) {
            try UnverifiedMetadata<Timestamp>(Array(deep.utf8), maximumBytes: 1 << 20)
        }
    }

    @Test func `more bytes than the limit are refused before they are parsed`() {
        #expect(throws: TUFError(.tooLarge, "")) {
            try UnverifiedMetadata<Root>([UInt8](repeating: 0x20, count: 10 << 20), maximumBytes: 512_000)
        }
    }

    @Test func `two signatures of one key id are refused`() {
        let signature = #"{"keyid":"a","sig":"00"}"#
        #expect(throws: TUFError(.malformed, "")) {
            try readTimestamp(timestampText(signatures: "[\(signature),\(signature)]"))
        }
    }

    @Test func `unknown members are covered by what is signed`() throws {
        let plain = try readTimestamp(timestampText()).signedBytes
        let more = try readTimestamp(timestampText(more: ",\"x-other\":{\"b\":1,\"a\":[true,null]}")).signedBytes
        #expect(more != plain)
        #expect(String(decoding: more, as: UTF8.self).contains(#""x-other":{"a":[true,null],"b":1}"#))
    }

    @Test func `the signed form sorts by bytes and escapes only quotes and backslashes`() throws {
        let more = #","a/b":"\/","a":"\n","B":"\"\\""#
        let text = String(decoding: try readTimestamp(timestampText(more: more)).signedBytes, as: UTF8.self)
        #expect(text.contains(#"{"B":"\"\\","_type":"timestamp","a":""# + "\n" + #"","a/b":"/","expires""#))
    }

    @Test func `a floating-point number anywhere in the signed part is refused`() {
        #expect(throws: TUFError(.malformed, "")) { try readTimestamp(timestampText(more: ",\"x\":1.5")) }
    }

    @Test(arguments: ["{}", #"{"targets.json":{"version":1}}"#, "[]"])
    func `a timestamp that does not list the snapshot is refused`(meta: String) {
        #expect(throws: TUFError(.malformed, "")) { try readTimestamp(timestampText(meta: meta)) }
    }

    @Test(arguments: [#"{"sha256":"zz"}"#, #"{"sha256":"00"}"#, "{}", #"{"sha256":1}"#])
    func `hashes that are none are refused`(hashes: String) {
        let meta = #"{"snapshot.json":{"version":1,"hashes":\#(hashes)}}"#
        #expect(throws: TUFError(.malformed, "")) { try readTimestamp(timestampText(meta: meta)) }
    }

    @Test func `x-roadstead names the fleet and the time of issue`() throws {
        let more = #","x-roadstead":{"fleet":"prod-eu","issued":"2026-11-20T08:30:00Z","more":1}"#
        let stamp = try #require(try readTimestamp(timestampText(more: more)).unverifiedContent.stamp)
        #expect(stamp.fleet == "prod-eu")
        #expect(stamp.issued == (try UTCDate("2026-11-20T08:30:00Z")))
    }

    @Test(arguments: ["1", "{}", #"{"fleet":1,"issued":"2026-11-20T08:30:00Z"}"#, #"{"fleet":"a","issued":"now"}"#])
    func `a malformed x-roadstead is refused`(stamp: String) {
        #expect(throws: TUFError.self) { try readTimestamp(timestampText(more: ",\"x-roadstead\":\(stamp)")) }
    }

    @Test func `a file cut short anywhere is an error and never a trap`() {
        let bytes = Array(timestampText().utf8)
        for length in 0..<bytes.count {
            #expect(throws: TUFError.self, "\(length) bytes") {
                try UnverifiedMetadata<Timestamp>(Array(bytes.prefix(length)), maximumBytes: 1 << 20)
            }
        }
    }
}
