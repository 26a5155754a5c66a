/// One attribute of a distinguished name: a type such as `CN` (or a dotted number) and its value.
package struct SubjectAttribute: Sendable, Hashable {
    package let type: String
    package let value: String

    package init(type: String, value: String) {
        self.type = type
        self.value = value
    }

    /// Values and types are compared byte by byte.
    package static func == (lhs: SubjectAttribute, rhs: SubjectAttribute) -> Bool {
        lhs.type.utf8.elementsEqual(rhs.type.utf8) && lhs.value.utf8.elementsEqual(rhs.value.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in type.utf8 { hasher.combine(byte) }
        for byte in value.utf8 { hasher.combine(byte) }
    }
}

/// Reads distinguished names as people write them into trust policies. [RFC 4514 §3]
///
/// Blanks around separators are allowed. Refused: multi-valued names (`+`), values in hexadecimal (`#`), quotes.
enum DistinguishedNameText {
    static let maximumLength = 4_096

    static func parse(_ text: String) throws(TrustModelError) -> [SubjectAttribute] {
        guard text.utf8.count <= maximumLength else {
            throw malformed(text, "it is longer than \(maximumLength) bytes")
        }
        var parser = Parser(bytes: Array(text.utf8), text: text)
        return try parser.parse()
    }

    fileprivate static func malformed(_ text: String, _ why: String) -> TrustModelError {
        TrustModelError(
            .policy, "distinguished name \"\(text.prefix(200))\" is malformed: \(why)",
            hint: "write it like C=US, ST=WA, O=Example, OU=team-a")
    }

    private struct Parser {
        let bytes: [UInt8]
        let text: String
        var position = 0

        mutating func parse() throws(TrustModelError) -> [SubjectAttribute] {
            var attributes: [SubjectAttribute] = []
            repeat {
                skipBlanks()
                let type = try parseType()
                attributes.append(SubjectAttribute(type: type, value: try parseValue()))
            } while take(UInt8(ascii: ","))
            guard position == bytes.count else {
                throw malformed(
                    text, "an unescaped \"\(Character(Unicode.Scalar(bytes[position])))\" stands in a value")
            }
            return attributes
        }

        private mutating func parseType() throws(TrustModelError) -> String {
            let start = position
            while position < bytes.count, isTypeCharacter(bytes[position]) { position += 1 }
            let type = String(decoding: bytes[start..<position], as: UTF8.self)
            skipBlanks()
            guard !type.isEmpty, take(UInt8(ascii: "=")) else {
                throw malformed(text, "an attribute such as C=US belongs where \"\(rest(from: start))\" stands")
            }
            return type
        }

        private mutating func parseValue() throws(TrustModelError) -> String {
            skipBlanks()
            guard position >= bytes.count || bytes[position] != UInt8(ascii: "#") else {
                throw malformed(text, "values in hexadecimal (=#) are not supported")
            }
            var value: [UInt8] = []
            var kept = 0
            while position < bytes.count {
                let byte = bytes[position]
                if byte == UInt8(ascii: "\\") {
                    value.append(try parseEscape())
                    kept = value.count
                    continue
                }
                if "\"+,;<>".utf8.contains(byte) { break }
                guard byte != 0 else { throw malformed(text, "a value holds a zero byte") }
                position += 1
                value.append(byte)
                if byte != UInt8(ascii: " ") { kept = value.count }
            }
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") {
                throw malformed(text, "several attributes joined by + are not supported")
            }
            guard kept > 0 else { throw malformed(text, "an attribute has no value") }
            guard let decoded = String(validating: value.prefix(kept), as: UTF8.self) else {
                throw malformed(text, "a value is not valid UTF-8")
            }
            return decoded
        }

        private mutating func parseEscape() throws(TrustModelError) -> UInt8 {
            position += 1
            guard position < bytes.count else { throw malformed(text, "it ends inside an escape") }
            let byte = bytes[position]
            position += 1
            if " \"#+,;<=>\\".utf8.contains(byte) { return byte }
            let low = position < bytes.count ? Character(Unicode.Scalar(bytes[position])).hexDigitValue : nil
            guard let high = Character(Unicode.Scalar(byte)).hexDigitValue, let low else {
                throw malformed(text, "an unknown escape stands in a value")
            }
            position += 1
            return UInt8(high << 4 | low)
        }

        private func isTypeCharacter(_ byte: UInt8) -> Bool {
            isDigit(byte) || isLowerCase(byte | 0x20) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }

        private func rest(from start: Int) -> String { String(decoding: bytes[start...].prefix(40), as: UTF8.self) }

        private mutating func skipBlanks() { while take(UInt8(ascii: " ")) {} }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard position < bytes.count, bytes[position] == byte else { return false }
            position += 1
            return true
        }
    }
}
