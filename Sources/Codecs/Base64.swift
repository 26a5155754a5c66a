/// Base64 in its two alphabets, strict: canonical trailing bits, exact padding, nothing around it. [RFC 4648 §3.5, §4, §5]
package enum Base64 {
    package enum Alphabet: Sendable {
        /// `+` and `/`, padded with `=`.
        case standard
        /// `-` and `_`, never padded.
        case url
    }

    package static func encode(_ bytes: [UInt8], _ alphabet: Alphabet = .standard) -> String {
        let digits = alphabet == .standard ? standardDigits : urlDigits
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
            for position in 0...count { text.append(digits[Int(group >> (18 - 6 * UInt32(position)) & 63)]) }
            if alphabet == .standard { text.append(contentsOf: repeatElement(padding, count: 3 - count)) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    package static func decode(_ text: String, _ alphabet: Alphabet = .standard) throws(CodecError) -> [UInt8] {
        try decode(Array(text.utf8), alphabet)
    }

    package static func decode(_ text: [UInt8], _ alphabet: Alphabet = .standard) throws(CodecError) -> [UInt8] {
        let digits = try unpadded(text, alphabet)
        guard digits.count % 4 != 1 else {
            throw CodecError(.syntax, "base64 text has an impossible length (\(text.count))")
        }
        let values = alphabet == .standard ? standardValues : urlValues
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 4 * 3 + 2)
        var group: UInt32 = 0
        var bits = 0
        for digit in digits {
            let value = values[Int(digit)]
            guard value < 64 else { throw CodecError(.syntax, "base64 text holds a character outside its alphabet") }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        guard group & (1 << UInt32(bits) - 1) == 0 else {
            throw CodecError(.syntax, "base64 text is not canonical: its last digit carries unused bits")
        }
        return bytes
    }

    private static func unpadded(_ text: [UInt8], _ alphabet: Alphabet) throws(CodecError) -> ArraySlice<UInt8> {
        guard alphabet == .standard else { return text[...] }
        guard text.count.isMultiple(of: 4) else {
            throw CodecError(.syntax, "base64 text is not padded to a multiple of four (\(text.count) characters)")
        }
        var end = text.count
        while end > 0, text.count - end < 2, text[end - 1] == padding { end -= 1 }
        return text[..<end]
    }

    private static let padding = UInt8(ascii: "=")
    private static let standardDigits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlDigits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let standardValues = values(of: standardDigits)
    private static let urlValues = values(of: urlDigits)

    private static func values(of digits: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }
}
