/// What a parse may take in at most.
package struct JSONLimits: Sendable {
    /// Bytes of the whole text.
    package var bytes: Int
    /// Arrays and objects inside one another.
    package var depth: Int

    package init(bytes: Int = 8 << 20, depth: Int = 64) {
        self.bytes = bytes
        self.depth = depth
    }
}

extension JSON {
    /// Parses one JSON text and nothing else.
    ///
    /// Refused, where common parsers guess: duplicate names, bytes that are not UTF-8, a byte order mark, unpaired
    /// surrogates, anything after the value, input above the limits.
    package init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(CodecError) {
        guard bytes.count <= limits.bytes else {
            throw CodecError(.limit, "JSON text has \(bytes.count) bytes, at most \(limits.bytes) are read")
        }
        var parser = JSONParser(bytes: bytes, maximumDepth: limits.depth)
        self = try parser.parseDocument()
    }

    package init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(CodecError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }

    /// Parses the first JSON value of a text and leaves what follows unread, as stream decoders do.
    package init(parsingFirstValueOf bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(CodecError) {
        guard bytes.count <= limits.bytes else {
            throw CodecError(.limit, "JSON text has \(bytes.count) bytes, at most \(limits.bytes) are read")
        }
        var parser = JSONParser(bytes: bytes, maximumDepth: limits.depth)
        self = try parser.parseFirstValue()
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let maximumDepth: Int
    var position = 0
    var depth = 0

    init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func parseDocument() throws(CodecError) -> JSON {
        let value = try parseFirstValue()
        skipBlanks()
        guard position == bytes.count else { throw failure("something follows the value") }
        return value
    }

    mutating func parseFirstValue() throws(CodecError) -> JSON {
        skipBlanks()
        return try parseValue()
    }

    private mutating func parseValue() throws(CodecError) -> JSON {
        switch peek() {
        case UInt8(ascii: "{"): return try nested { parser throws(CodecError) in try parser.parseObject() }
        case UInt8(ascii: "["): return try nested { parser throws(CodecError) in try parser.parseArray() }
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case nil: throw failure("the text ends where a value belongs")
        default: return try parseNumber()
        }
    }

    private mutating func nested(
        _ parse: (inout JSONParser) throws(CodecError) -> JSON
    ) throws(CodecError) -> JSON {
        depth += 1
        guard depth <= maximumDepth else {
            throw CodecError(.limit, "JSON text is nested deeper than \(maximumDepth) levels")
        }
        defer { depth -= 1 }
        position += 1
        return try parse(&self)
    }

    private mutating func parseObject() throws(CodecError) -> JSON {
        var object = JSONObject()
        skipBlanks()
        if take(UInt8(ascii: "}")) { return .object(object) }
        repeat {
            skipBlanks()
            guard peek() == UInt8(ascii: "\"") else { throw failure("a member's name belongs here") }
            let name = try parseString()
            guard object[name] == nil else {
                throw CodecError(.duplicateKey, "a JSON object has the member \"\(name.cut(to: 64))\" twice")
            }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw failure("a colon belongs here") }
            skipBlanks()
            object[name] = try parseValue()
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw failure("an object is not closed") }
        return .object(object)
    }

    private mutating func parseArray() throws(CodecError) -> JSON {
        var values: [JSON] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return .array(values) }
        repeat {
            skipBlanks()
            values.append(try parseValue())
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw failure("an array is not closed") }
        return .array(values)
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSON) throws(CodecError) -> JSON {
        for byte in word.description.utf8 {
            guard take(byte) else { throw failure("no value begins here") }
        }
        return value
    }

    private mutating func parseNumber() throws(CodecError) -> JSON {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) {
            guard skipDigits() > 0 else { throw failure("no value begins here") }
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard skipDigits() > 0 else { throw failure("a number has no digits after its point") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard skipDigits() > 0 else { throw failure("a number has no digits in its exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard isInteger, text != "-0", let value = Int64(text) else { return .number(text) }
        return .integer(value)
    }

    private mutating func parseString() throws(CodecError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw CodecError(.encoding, "a JSON string is not valid UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                position += 1
                text.append(contentsOf: Array(String(try parseEscape()).utf8))
            case 0..<0x20: throw failure("a string holds a bare control character")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw failure("a string is not closed")
    }

    private mutating func parseEscape() throws(CodecError) -> Unicode.Scalar {
        guard let byte = peek() else { throw failure("a string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try parseUnicodeEscape()
        default: throw failure("a string holds an unknown escape")
        }
    }

    private mutating func parseUnicodeEscape() throws(CodecError) -> Unicode.Scalar {
        let first = try parseFourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw CodecError(.encoding, "a JSON string holds half a surrogate pair")
        }
        let second = try parseFourHexDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw CodecError(.encoding, "a JSON string holds half a surrogate pair") }
        return scalar
    }

    private mutating func parseFourHexDigits() throws(CodecError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = peek().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw failure("a \\u escape has fewer than four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position - start
    }

    private func failure(_ what: String) -> CodecError {
        CodecError(.syntax, "JSON text is malformed at byte \(position): \(what)")
    }
}
