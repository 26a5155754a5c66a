import Codecs

/// The text form of names. [RFC 4514]
extension DistinguishedName: CustomStringConvertible {
    /// The most significant part last; attributes without a short name as `dotted=#hex`; nothing that could steer a terminal.
    package var description: String {
        parts.reversed().map { $0.map(Self.text).joined(separator: "+") }.joined(separator: ",")
    }

    /// The same, cut where it would swamp a message.
    package var shortDescription: String {
        let text = description
        return text.utf8.count <= 512 ? text : "\(text.cut(to: 256))…"
    }

    /// Reads a text, the most significant part last; spaces around the separators are allowed, as people write them.
    ///
    /// Types are short names in upper case or dotted; `#hex` values only after dotted types; at most 8 KiB.
    package init(_ text: String) throws(PKIError) {
        guard text.utf8.count <= 8_192 else { throw PKIError(.limit, "the text of a name is longer than 8192 bytes") }
        var parser = NameParser(Array(text.utf8))
        try self.init(parts: try parser.parts().reversed())
    }

    private static func text(_ attribute: NameAttribute) -> String {
        guard let name = attribute.type.shortName, let value = attribute.value else {
            return "\(attribute.type.identifier)=#\(Hex.encode(attribute.encodedValue))"
        }
        return "\(name)=\(escaped(value))"
    }

    /// A value as it stands in the text of a name.
    package static func escaped(_ value: String) -> String {
        let scalars = Array(value.unicodeScalars)
        var text = ""
        for (index, scalar) in scalars.enumerated() {
            let isAtEdge = index == 0 || index == scalars.count - 1
            if "\"+,;<>\\".unicodeScalars.contains(scalar) || (scalar == " " && isAtEdge)
                || (scalar == "#" && index == 0)
            {
                text += "\\"
                text.unicodeScalars.append(scalar)
            } else if isUnprintable(scalar) {
                text += String(scalar).utf8.map { "\\\(Hex.encode([$0]))" }.joined()
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

/// Reads the text form of a name from front to back.
private struct NameParser {
    private let text: [UInt8]
    private var position = 0

    init(_ text: [UInt8]) { self.text = text }

    mutating func parts() throws(PKIError) -> [[NameAttribute]] {
        var parts: [[NameAttribute]] = [[try attribute()]]
        var count = 1
        while let separator = peek {
            position += 1
            count += 1
            guard count <= DistinguishedName.maximumAttributes else {
                throw PKIError(.limit, "a name has more than \(DistinguishedName.maximumAttributes) attributes")
            }
            if separator == UInt8(ascii: "+") {
                parts[parts.count - 1].append(try attribute())
            } else {
                parts.append([try attribute()])
            }
        }
        return parts
    }

    private var peek: UInt8? { position < text.count ? text[position] : nil }

    private mutating func attribute() throws(PKIError) -> NameAttribute {
        skipSpaces()
        let type = try type()
        skipSpaces()
        if peek == UInt8(ascii: "#") { return try NameAttribute(type, hexadecimalValue(type)) }
        return try NameAttribute(type, value(type))
    }

    private mutating func skipSpaces() { while peek == 0x20 { position += 1 } }

    private mutating func type() throws(PKIError) -> NameAttributeType {
        let start = position
        while let byte = peek, byte != UInt8(ascii: "=") {
            guard byte != UInt8(ascii: ","), byte != UInt8(ascii: "+") else { break }
            position += 1
        }
        guard peek == UInt8(ascii: "=") else {
            throw PKIError(
                .name, "a name has a part without \"=\"", hint: "write it as in CN=signer,O=Example,ST=WA,C=US")
        }
        var word = text[start..<position]
        while word.last == 0x20 { word.removeLast() }
        position += 1
        let name = String(decoding: word, as: UTF8.self)
        if let type = NameAttributeType(shortName: name) { return type }
        if word.contains(UInt8(ascii: ".")), (try? DER.objectIdentifier(name)) != nil {
            return NameAttributeType(identifier: name)
        }
        throw PKIError(
            .name, "a name has an attribute of unknown type \"\(name)\"",
            hint: "types are C, ST, L, O, OU, CN, STREET, DC, UID in upper case, or a dotted object identifier")
    }

    private mutating func hexadecimalValue(_ type: NameAttributeType) throws(PKIError) -> DERElement {
        guard type.shortName == nil else {
            throw PKIError(
                .name, "the value of \(type.text) in a name is written in hexadecimal", hint: "write it as text")
        }
        position += 1
        let start = position
        while let byte = peek, byte != UInt8(ascii: ","), byte != UInt8(ascii: "+"), byte != 0x20 { position += 1 }
        let digits = String(decoding: text[start..<position], as: UTF8.self)
        skipSpaces()
        guard peek == nil || peek == UInt8(ascii: ",") || peek == UInt8(ascii: "+") else {
            throw PKIError(.name, "the hexadecimal value of \(type.text) in a name is followed by something else")
        }
        do {
            let bytes = try Hex.decode(digits.lowercased())
            var reader = DERReader(bytes)
            let element = try reader.next()
            try reader.end()
            return element
        } catch {
            throw PKIError(.name, "the hexadecimal value of \(type.text) in a name is malformed: \(error.reason)")
        }
    }

    private mutating func value(_ type: NameAttributeType) throws(PKIError) -> String {
        var value: [UInt8] = []
        var kept = 0
        while let byte = peek, byte != UInt8(ascii: ","), byte != UInt8(ascii: "+") {
            guard !Array("\";<>".utf8).contains(byte), byte != 0 else {
                throw PKIError(
                    .name, "the value of \(type.text) in a name holds a character that needs a backslash before it")
            }
            if byte == UInt8(ascii: "\\") {
                value.append(try escape(type))
                kept = value.count
            } else {
                value.append(byte)
                position += 1
                if byte != 0x20 { kept = value.count }
            }
        }
        guard let text = String(validating: value.prefix(kept), as: UTF8.self) else {
            throw PKIError(.name, "the value of \(type.text) in a name is not UTF-8")
        }
        return text
    }

    private mutating func escape(_ type: NameAttributeType) throws(PKIError) -> UInt8 {
        let rest = text[(position + 1)...]
        if let next = rest.first, Array("\"+,;<>\\ #=".utf8).contains(next) {
            position += 2
            return next
        }
        let digits = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
        guard let byte = try? Hex.decode(digits).first else {
            throw PKIError(
                .name, "the value of \(type.text) in a name has a backslash before nothing that it can escape")
        }
        position += 3
        return byte
    }
}
