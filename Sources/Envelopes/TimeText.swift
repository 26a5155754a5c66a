package import Codecs

/// Times in JWS envelopes: RFC 3339 with any offset, as the tools of other time zones write them; fractions of a second
/// are cut off. [RFC 3339 §5.6]
package enum TimeText {
    package static func date(_ text: String) throws(CodecError) -> UTCDate {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.count <= 40 else { throw malformed }
        let local = try UTCDate(String(decoding: bytes[..<19], as: UTF8.self) + "Z")
        var rest = bytes[19...]
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            let digits = rest.prefix(while: isDigit)
            guard (1...9).contains(digits.count) else { throw malformed }
            rest = rest.dropFirst(digits.count)
        }
        return local.adding(seconds: -(try offset(Array(rest))))
    }

    /// `Z` or `+08:00`, in seconds.
    private static func offset(_ text: [UInt8]) throws(CodecError) -> Int64 {
        if text == [UInt8(ascii: "Z")] { return 0 }
        guard text.count == 6, text[3] == UInt8(ascii: ":"),
            text[0] == UInt8(ascii: "+") || text[0] == UInt8(ascii: "-"),
            [1, 2, 4, 5].allSatisfy({ isDigit(text[$0]) })
        else { throw malformed }
        let hours = Int64(text[1] - 48) * 10 + Int64(text[2] - 48)
        let minutes = Int64(text[4] - 48) * 10 + Int64(text[5] - 48)
        guard hours < 24, minutes < 60 else { throw malformed }
        return (text[0] == UInt8(ascii: "-") ? -1 : 1) * (hours * 3_600 + minutes * 60)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static let malformed = CodecError(.syntax, "a time is not of the form 2026-11-20T08:30:00Z or …+01:00")
}
