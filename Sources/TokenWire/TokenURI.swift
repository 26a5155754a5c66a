/// Which token and which object on it, by what is written on them: never by a slot number, which changes. [RFC 7512]
///
/// Stricter than the RFC where leniency would find another key than was meant: an attribute stands once, an unknown one
/// is refused unless it is a vendor's (`x-`), and nothing in a URI says what code is loaded or carries a PIN.
package struct TokenURI: Sendable, Hashable {
    /// What an object's class must be.
    package enum ObjectClass: String, Sendable {
        case `public`, `private`
    }

    package private(set) var token: String?
    package private(set) var serial: String?
    package private(set) var manufacturer: String?
    package private(set) var model: String?
    /// The label of the object. [CKA_LABEL]
    package private(set) var object: String?
    /// The identifier that the two halves of a key share. [CKA_ID]
    package private(set) var id: [UInt8]?
    package private(set) var type: ObjectClass?
    /// The file that holds the PIN, from `pin-source=file:…`.
    package private(set) var pinFile: String?

    package static let scheme = "pkcs11:"
    package static let maximumBytes = 4_096

    package init(_ text: String) throws(TokenError) {
        guard text.hasPrefix(Self.scheme) else {
            throw TokenError(.uri, "\"\(text.prefix(60))\" does not begin with \(Self.scheme)", hint: Self.example)
        }
        guard text.utf8.count <= Self.maximumBytes else {
            throw TokenError(.uri, "a key URI has \(text.utf8.count) bytes, at most \(Self.maximumBytes) are read")
        }
        let rest = text.utf8.dropFirst(Self.scheme.utf8.count)
        let parts = rest.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        var seen: Set<String> = []
        if let path = parts.first, !path.isEmpty {
            for part in path.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false) {
                let (name, value) = try Self.attribute(Array(part), &seen, reserved: Self.pathReserved)
                try setPath(name, value)
            }
        }
        guard parts.count == 2 else { return }
        for part in parts[1].split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false) {
            let (name, value) = try Self.attribute(Array(part), &seen, reserved: Self.queryReserved)
            try setQuery(name, value)
        }
    }

    /// Whether anything says which token is meant.
    package var namesToken: Bool { token != nil || serial != nil || manufacturer != nil || model != nil }

    /// Whether anything says which object is meant.
    package var namesObject: Bool { object != nil || id != nil }

    private mutating func setPath(_ name: String, _ value: [UInt8]) throws(TokenError) {
        switch name {
        case "token": token = try Self.text(name, value, atMost: 32)
        case "manufacturer": manufacturer = try Self.text(name, value, atMost: 32)
        case "model": model = try Self.text(name, value, atMost: 16)
        case "serial": serial = try Self.text(name, value, atMost: 16)
        case "object": object = try Self.text(name, value, atMost: 255)
        case "id":
            guard (1...255).contains(value.count) else {
                throw TokenError(.uri, "\"id\" in a key URI has \(value.count) bytes, not 1 to 255")
            }
            id = value
        case "type":
            guard let known = ObjectClass(rawValue: String(decoding: value, as: UTF8.self)) else {
                throw TokenError(.uri, "\"type\" in a key URI is neither public nor private")
            }
            type = known
        case "slot-id", "slot-description", "slot-manufacturer":
            throw TokenError(
                .uri, "\"\(name)\" in a key URI names a slot, and slots change their names and numbers",
                hint: "name the token: token= or serial=")
        case "library-description", "library-manufacturer", "library-version":
            throw TokenError(
                .uri, "\"\(name)\" in a key URI is not supported",
                hint: "the module is chosen with --pkcs11-module or ROADSTEAD_PKCS11_MODULE")
        default: try Self.refuseUnlessVendor(name)
        }
    }

    private mutating func setQuery(_ name: String, _ value: [UInt8]) throws(TokenError) {
        switch name {
        case "pin-source":
            let text = try Self.text(name, value, atMost: 1_024)
            let path = text.hasPrefix("file:") ? String(text.dropFirst("file:".count)) : text
            guard path.hasPrefix("/"), !path.hasPrefix("//") else {
                throw TokenError(.uri, "\"pin-source\" in a key URI is not file:/ABSOLUTE/PATH")
            }
            pinFile = path
        case "pin-value":
            throw TokenError(
                .uri, "a key URI carries a PIN, where every user of the machine can read it",
                hint: "change the PIN, then use --pin-file or pin-source=file:/PATH")
        case "module-path", "module-name":
            throw TokenError(
                .uri, "\"\(name)\" in a key URI would choose the code that is loaded",
                hint: "choose the module with --pkcs11-module or ROADSTEAD_PKCS11_MODULE")
        default: try Self.refuseUnlessVendor(name)
        }
    }

    private static func refuseUnlessVendor(_ name: String) throws(TokenError) {
        guard name.hasPrefix("x-"), name.utf8.count > 2 else {
            throw TokenError(
                .uri, "a key URI has an attribute \"\(name)\", which is not known",
                hint: "known are token, serial, manufacturer, model, object, id, type and pin-source")
        }
    }

    /// One `name=value`, the value decoded; a name may stand once in all of the URI.
    private static func attribute(
        _ part: [UInt8], _ seen: inout Set<String>, reserved: Set<UInt8>
    ) throws(TokenError) -> (name: String, value: [UInt8]) {
        guard let equals = part.firstIndex(of: UInt8(ascii: "=")), equals > 0, equals <= 64,
            part[..<equals].allSatisfy({ isNameByte($0) })
        else { throw TokenError(.uri, "a key URI has a part that is not name=value", hint: example) }
        let name = String(decoding: part[..<equals], as: UTF8.self)
        guard seen.insert(name).inserted else {
            throw TokenError(.uri, "a key URI says \"\(name)\" twice", hint: "each attribute stands once")
        }
        let value = try decoded(part[(equals + 1)...], name, reserved)
        guard !value.isEmpty else { throw TokenError(.uri, "\"\(name)\" in a key URI is empty") }
        return (name, value)
    }

    private static func decoded(
        _ raw: ArraySlice<UInt8>, _ name: String, _ reserved: Set<UInt8>
    ) throws(TokenError) -> [UInt8] {
        var value: [UInt8] = []
        var rest = raw
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                    throw TokenError(.uri, "\"\(name)\" in a key URI has a % without two hexadecimal digits")
                }
                value.append(high << 4 | low)
            } else {
                guard isUnreserved(byte) || reserved.contains(byte) else {
                    throw TokenError(
                        .uri, "\"\(name)\" in a key URI has a character that must be written %XX",
                        hint: "a space is %20, a semicolon %3B")
                }
                value.append(byte)
            }
        }
        return value
    }

    private static func text(_ name: String, _ value: [UInt8], atMost limit: Int) throws(TokenError) -> String {
        guard value.count <= limit else {
            throw TokenError(.uri, "\"\(name)\" in a key URI has \(value.count) bytes, at most \(limit) are possible")
        }
        guard let text = String(validating: value, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
        else { throw TokenError(.uri, "\"\(name)\" in a key URI is not printable text") }
        return text
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isUnreserved(byte) && byte != UInt8(ascii: ".") && byte != UInt8(ascii: "~")
    }

    /// Letters, digits, `-`, `.`, `_`, `~`. [RFC 3986 §2.3]
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~".utf8.contains(byte)
        }
    }

    private static let example = "pkcs11:token=LABEL;object=LABEL"
    /// What a value may hold beside unreserved characters. [RFC 7512 §2.3]
    private static let pathReserved = Set(":[]@!$'()*+,=&".utf8)
    private static let queryReserved = Set(":[]@!$'()*+,=/?|".utf8)
}

/// The URI again, in one order and without its PIN source: what is sent to the helper, shown and logged.
extension TokenURI: CustomStringConvertible {
    package var description: String {
        let texts = [
            ("token", token), ("serial", serial), ("manufacturer", manufacturer), ("model", model),
            ("object", object), ("type", type?.rawValue),
        ]
        var parts = texts.compactMap { name, value in value.map { "\(name)=\(Self.encoded(Array($0.utf8)))" } }
        if let id { parts.append("id=\(id.map(Self.escape).joined())") }
        return Self.scheme + parts.joined(separator: ";")
    }

    /// The token alone.
    package var tokenOnly: TokenURI {
        var copy = self
        (copy.object, copy.id, copy.type, copy.pinFile) = (nil, nil, nil, nil)
        return copy
    }

    /// The one URI of a key on a token, from what is read there.
    package init(token: String, serial: String, object: String?, id: [UInt8]?) {
        self.token = token.isEmpty ? nil : token
        self.serial = serial.isEmpty ? nil : serial
        self.object = object.flatMap { $0.isEmpty ? nil : $0 }
        self.id = id.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func encoded(_ bytes: [UInt8]) -> String {
        bytes.map { isUnreserved($0) ? String(UnicodeScalar($0)) : escape($0) }.joined()
    }

    private static func escape(_ byte: UInt8) -> String {
        let digits = Array("0123456789ABCDEF")
        return "%" + String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }
}
