/// A CBOR value of the deterministic subset that COSE needs: no floats, no indefinite lengths. [RFC 8949 §4.2]
package indirect enum CBOR: Sendable, Hashable {
    /// An integer of 64 bits with sign; wider ones are refused.
    case integer(Int64)
    case bytes([UInt8])
    case text(String)
    case array([CBOR])
    case map(CBORMap)
    case tagged(UInt64, CBOR)
    case bool(Bool)
    case null

    package var integerOrNil: Int64? { if case .integer(let value) = self { value } else { nil } }
    package var bytesOrNil: [UInt8]? { if case .bytes(let value) = self { value } else { nil } }
    package var textOrNil: String? { if case .text(let value) = self { value } else { nil } }
    package var arrayOrNil: [CBOR]? { if case .array(let values) = self { values } else { nil } }
    package var mapOrNil: CBORMap? { if case .map(let map) = self { map } else { nil } }

    /// The name of the value's type with its article, for messages.
    package var kind: String {
        switch self {
        case .integer: "an integer"
        case .bytes: "a byte string"
        case .text: "a text string"
        case .array: "an array"
        case .map: "a map"
        case .tagged: "a tagged value"
        case .bool: "a Boolean"
        case .null: "null"
        }
    }

    /// Values are equal when their encodings are: text is compared byte by byte, never by Unicode equivalence.
    package static func == (lhs: CBOR, rhs: CBOR) -> Bool { lhs.encoded == rhs.encoded }

    package func hash(into hasher: inout Hasher) { hasher.combine(encoded) }
}

/// The entries of a CBOR map in the order received, every key once.
package struct CBORMap: Sendable {
    package private(set) var entries: [(key: CBOR, value: CBOR)] = []
    private var positions: [CBOR: Int] = [:]

    package init() {}

    /// Sets entries in order; a later one of the same key replaces the earlier.
    package init(_ entries: [(CBOR, CBOR)]) {
        for (key, value) in entries {
            if let index = positions[key] { self.entries[index].value = value } else { append(key, value) }
        }
    }

    package subscript(key: CBOR) -> CBOR? { positions[key].map { entries[$0].value } }
    package subscript(text key: String) -> CBOR? { self[.text(key)] }
    package subscript(label key: Int64) -> CBOR? { self[.integer(key)] }

    package var keys: [CBOR] { entries.map(\.key) }

    fileprivate mutating func append(_ key: CBOR, _ value: CBOR) {
        positions[key] = entries.count
        entries.append((key, value))
    }
}

/// What a parse may take in at most.
package struct CBORLimits: Sendable {
    /// Bytes of the whole value.
    package var bytes: Int
    /// Arrays, maps and tags inside one another.
    package var depth: Int

    package init(bytes: Int = 32 << 20, depth: Int = 16) {
        self.bytes = bytes
        self.depth = depth
    }
}

extension CBOR {
    /// Parses one CBOR value and nothing else.
    ///
    /// Refused: indefinite lengths, integers and lengths that are not in their shortest form, integers beyond 64 bits
    /// with sign, floats and simple values other than Booleans and null, duplicate map keys, text that is not UTF-8,
    /// anything after the value, input above the limits.
    package init(parsing bytes: [UInt8], limits: CBORLimits = CBORLimits()) throws(CodecError) {
        guard bytes.count <= limits.bytes else {
            throw CodecError(.limit, "CBOR value has \(bytes.count) bytes, at most \(limits.bytes) are read")
        }
        var parser = CBORParser(bytes: bytes, maximumDepth: limits.depth)
        self = try parser.parseDocument()
    }

    /// The deterministic encoding: shortest heads, map entries in the order of their encoded keys. [RFC 8949 §4.2.1]
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .integer(let value):
            if value >= 0 {
                Self.appendHead(0, UInt64(value), to: &bytes)
            } else {
                Self.appendHead(1, UInt64(bitPattern: ~value), to: &bytes)
            }
        case .bytes(let value):
            Self.appendHead(2, UInt64(value.count), to: &bytes)
            bytes.append(contentsOf: value)
        case .text(let value):
            Self.appendHead(3, UInt64(value.utf8.count), to: &bytes)
            bytes.append(contentsOf: value.utf8)
        case .array(let values):
            Self.appendHead(4, UInt64(values.count), to: &bytes)
            for value in values { value.append(to: &bytes) }
        case .map(let map):
            Self.appendHead(5, UInt64(map.entries.count), to: &bytes)
            let entries = map.entries.map { (key: $0.key.encoded, value: $0.value) }
            for entry in entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                bytes.append(contentsOf: entry.key)
                entry.value.append(to: &bytes)
            }
        case .tagged(let tag, let value):
            Self.appendHead(6, tag, to: &bytes)
            value.append(to: &bytes)
        case .bool(let value): bytes.append(value ? 0xF5 : 0xF4)
        case .null: bytes.append(0xF6)
        }
    }

    private static func appendHead(_ major: UInt8, _ argument: UInt64, to bytes: inout [UInt8]) {
        let type = major << 5
        let width: Int
        switch argument {
        case 0..<24:
            bytes.append(type | UInt8(truncatingIfNeeded: argument))
            return
        case 24...0xFF: (width, _) = (1, bytes.append(type | 24))
        case 0x100...0xFFFF: (width, _) = (2, bytes.append(type | 25))
        case 0x1_0000...0xFFFF_FFFF: (width, _) = (4, bytes.append(type | 26))
        default: (width, _) = (8, bytes.append(type | 27))
        }
        for shift in stride(from: (width - 1) * 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: argument >> UInt64(shift)))
        }
    }
}

private struct CBORParser {
    let bytes: [UInt8]
    let maximumDepth: Int
    var position = 0
    var depth = 0

    init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func parseDocument() throws(CodecError) -> CBOR {
        let value = try parseValue()
        guard position == bytes.count else { throw failure("something follows the value") }
        return value
    }

    private mutating func parseValue() throws(CodecError) -> CBOR {
        let (major, argument) = try parseHead()
        switch major {
        case 0: return .integer(try signed(argument))
        case 1: return .integer(~(try signed(argument)))
        case 2: return .bytes(Array(try take(argument)))
        case 3:
            guard let text = String(validating: try take(argument), as: UTF8.self) else {
                throw CodecError(.encoding, "a CBOR text string is not valid UTF-8")
            }
            return .text(text)
        case 4: return try nested { parser throws(CodecError) in try parser.parseArray(count: argument) }
        case 5: return try nested { parser throws(CodecError) in try parser.parseMap(count: argument) }
        case 6:
            return try nested { parser throws(CodecError) in .tagged(argument, try parser.parseValue()) }
        default: return try simple(argument)
        }
    }

    private func simple(_ argument: UInt64) throws(CodecError) -> CBOR {
        switch argument {
        case 20: return .bool(false)
        case 21: return .bool(true)
        case 22: return .null
        default: throw failure("a float or an unassigned simple value stands where none is allowed")
        }
    }

    private mutating func parseArray(count: UInt64) throws(CodecError) -> CBOR {
        let count = try plausible(count, bytesPerElement: 1)
        var values: [CBOR] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try parseValue()) }
        return .array(values)
    }

    private mutating func parseMap(count: UInt64) throws(CodecError) -> CBOR {
        let count = try plausible(count, bytesPerElement: 2)
        var map = CBORMap()
        for _ in 0..<count {
            let key = try parseValue()
            switch key {
            case .integer, .text: break
            default: throw CodecError(.type, "a CBOR map has \(key.kind) as a key, only integers and text are allowed")
            }
            guard map[key] == nil else { throw CodecError(.duplicateKey, "a CBOR map has one key twice") }
            map.append(key, try parseValue())
        }
        return .map(map)
    }

    private mutating func nested(
        _ parse: (inout CBORParser) throws(CodecError) -> CBOR
    ) throws(CodecError) -> CBOR {
        depth += 1
        guard depth <= maximumDepth else {
            throw CodecError(.limit, "CBOR value is nested deeper than \(maximumDepth) levels")
        }
        defer { depth -= 1 }
        return try parse(&self)
    }

    private mutating func parseHead() throws(CodecError) -> (major: UInt8, argument: UInt64) {
        guard position < bytes.count else { throw failure("the bytes end where a value belongs") }
        let head = bytes[position]
        position += 1
        let (major, short) = (head >> 5, head & 31)
        if short < 24 { return (major, UInt64(short)) }
        guard short < 28 else { throw failure("an indefinite or reserved length") }
        guard major != 7 else { throw failure("a float or an unassigned simple value stands where none is allowed") }
        let width = 1 << Int(short - 24)
        let argument = try take(UInt64(width)).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let smallest: [UInt64] = [24, 0x100, 0x1_0000, 0x1_0000_0000]
        guard argument >= smallest[Int(short - 24)] else {
            throw failure("an integer or a length is not in its shortest form")
        }
        return (major, argument)
    }

    /// A count that the bytes left can hold, so that a claim never reserves more memory than was sent.
    private func plausible(_ count: UInt64, bytesPerElement: Int) throws(CodecError) -> Int {
        guard count <= UInt64((bytes.count - position) / bytesPerElement) else {
            throw failure("more elements are announced than bytes follow")
        }
        return Int(count)
    }

    private func signed(_ argument: UInt64) throws(CodecError) -> Int64 {
        guard let value = Int64(exactly: argument) else {
            throw CodecError(.notAnInteger, "a CBOR integer does not fit 64 bits with sign")
        }
        return value
    }

    private mutating func take(_ count: UInt64) throws(CodecError) -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.count - position) else { throw failure("a length runs past the end") }
        let slice = bytes[position..<position + Int(count)]
        position += slice.count
        return slice
    }

    private func failure(_ what: String) -> CodecError {
        CodecError(.syntax, "CBOR is malformed at byte \(position): \(what)")
    }
}
