extension JSON {
    /// Compact JSON text, members in their order, everything but control characters kept as UTF-8.
    package var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// JSON text for people: two blanks per level and a final newline.
    package var prettyText: String {
        var writer = JSONWriter(indent: 2)
        writer.write(self)
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }

    /// The same tree with the members of every object in the order of their names' bytes.
    package var sorted: JSON {
        switch self {
        case .array(let values): .array(values.map(\.sorted))
        case .object(let object): .object(JSONObject(object.sortedMembers.map { ($0.name, $0.value.sorted) }))
        default: self
        }
    }

    /// The canonical form over which TUF signs: names sorted by their bytes, no blanks, only `"` and `\` escaped.
    /// [OLPC canonical JSON, TUF §4.2]
    package func canonicalBytes() throws(CodecError) -> [UInt8] {
        var bytes: [UInt8] = []
        try appendCanonical(to: &bytes)
        return bytes
    }

    private func appendCanonical(to bytes: inout [UInt8]) throws(CodecError) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): bytes.append(contentsOf: String(value).utf8)
        case .number(let text):
            throw CodecError(.notAnInteger, "the number \(text.cut(to: 40)) has no canonical form, only integers have")
        case .string(let text): Self.appendCanonical(text, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                try value.appendCanonical(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in object.sortedMembers.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.appendCanonical(member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                try member.value.appendCanonical(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func appendCanonical(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

extension JSONObject {
    fileprivate var sortedMembers: [(name: String, value: JSON)] {
        members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}

private struct JSONWriter {
    var bytes: [UInt8] = []
    let indent: Int
    var level = 0

    init(indent: Int = 0) { self.indent = indent }

    mutating func write(_ value: JSON) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append(String(value))
        case .number(let text): append(text)
        case .string(let text): write(text)
        case .array(let values):
            writeList("[", "]", values) { writer, value in writer.write(value) }
        case .object(let object):
            writeList("{", "}", object.members) { writer, member in
                writer.write(member.name)
                writer.append(writer.indent > 0 ? ": " : ":")
                writer.write(member.value)
            }
        }
    }

    private mutating func writeList<Element>(
        _ opening: String, _ closing: String, _ elements: [Element], _ body: (inout JSONWriter, Element) -> Void
    ) {
        append(opening)
        level += 1
        for (index, element) in elements.enumerated() {
            if index > 0 { append(",") }
            breakLine()
            body(&self, element)
        }
        level -= 1
        if !elements.isEmpty { breakLine() }
        append(closing)
    }

    /// Control characters are escaped, U+0080 to U+009F (C2 80 to C2 9F) too: a terminal may obey them.
    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var mayBeControl = false
        for byte in text.utf8 {
            switch byte {
            case 0x80..<0xA0 where mayBeControl:
                bytes.removeLast()
                append("\\u00" + Hex.encode([byte]))
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\r"): append("\\r")
            case UInt8(ascii: "\t"): append("\\t")
            case 0..<0x20, 0x7F: append("\\u00" + Hex.encode([byte]))
            default: bytes.append(byte)
            }
            mayBeControl = byte == 0xC2
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func breakLine() {
        guard indent > 0 else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent * level))
    }
}
