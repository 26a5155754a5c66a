/// How messages lie in the stream between the helper and its client: four bytes of length, then a message.
package enum Frame {
    /// Holds the largest metadata that Ed25519 signs whole, with room to spare.
    package static let maximumBytes = 8 << 20
    package static let headerBytes = 4

    package static func encode(_ message: [UInt8]) throws(TokenError) -> [UInt8] {
        guard !message.isEmpty, message.count <= maximumBytes else {
            throw TokenError(.wire, "a message has \(message.count) bytes, not 1 to \(maximumBytes)")
        }
        return bigEndian(message.count) + message
    }

    /// The length that a header announces.
    package static func length(_ header: [UInt8]) throws(TokenError) -> Int {
        guard header.count == headerBytes else {
            throw TokenError(.wire, "a frame's header has \(header.count) bytes, not \(headerBytes)")
        }
        let count = header.reduce(0) { $0 << 8 | Int($1) }
        guard (1...maximumBytes).contains(count) else {
            throw TokenError(.wire, "a frame announces \(count) bytes, not 1 to \(maximumBytes)")
        }
        return count
    }

    static func bigEndian(_ count: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    }
}

/// Writes the fields of a message: bytes with their length before them.
struct FieldWriter {
    private(set) var bytes: [UInt8]

    init(kind: UInt8) { bytes = [kind] }

    mutating func write(_ field: [UInt8]) { bytes += Frame.bigEndian(field.count) + field }

    mutating func write(_ text: String) { write(Array(text.utf8)) }

    mutating func write(_ flag: Bool) { write([flag ? 1 : 0]) }

    /// An absent field differs from an empty one.
    mutating func write(_ field: [UInt8]?) {
        write(field != nil)
        if let field { write(field) }
    }

    mutating func write(_ text: String?) { write(text.map { Array($0.utf8) }) }
}

/// Reads the fields of a message, each within its limit, to the last byte.
struct FieldReader {
    private var rest: ArraySlice<UInt8>
    let kind: UInt8

    init(_ message: [UInt8]) throws(TokenError) {
        guard let kind = message.first else { throw TokenError(.wire, "a message is empty") }
        self.kind = kind
        rest = message[1...]
    }

    mutating func bytes(atMost limit: Int) throws(TokenError) -> [UInt8] {
        guard rest.count >= Frame.headerBytes else {
            throw TokenError(.wire, "a message ends before one of its fields")
        }
        let count = rest.prefix(Frame.headerBytes).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(Frame.headerBytes)
        guard count <= limit else { throw TokenError(.wire, "a field has \(count) bytes, at most \(limit) are taken") }
        guard count <= rest.count else { throw TokenError(.wire, "a message ends inside one of its fields") }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func text(atMost limit: Int = 4_096) throws(TokenError) -> String {
        guard let text = String(validating: try bytes(atMost: limit), as: UTF8.self) else {
            throw TokenError(.wire, "a field that should be text is not")
        }
        return text
    }

    mutating func flag() throws(TokenError) -> Bool {
        switch try bytes(atMost: 1) {
        case [0]: return false
        case [1]: return true
        default: throw TokenError(.wire, "a field that should be yes or no is neither")
        }
    }

    mutating func optionalBytes(atMost limit: Int) throws(TokenError) -> [UInt8]? {
        try flag() ? try bytes(atMost: limit) : nil
    }

    mutating func optionalText(atMost limit: Int = 4_096) throws(TokenError) -> String? {
        try flag() ? try text(atMost: limit) : nil
    }

    /// A count of things that follow.
    mutating func count(atMost limit: Int) throws(TokenError) -> Int {
        let bytes = try bytes(atMost: 4)
        guard bytes.count == 4 else { throw TokenError(.wire, "a count has \(bytes.count) bytes, not 4") }
        let count = bytes.reduce(0) { $0 << 8 | Int($1) }
        guard count <= limit else {
            throw TokenError(.wire, "\(count) things are announced, at most \(limit) are taken")
        }
        return count
    }

    func end() throws(TokenError) {
        guard rest.isEmpty else { throw TokenError(.wire, "\(rest.count) bytes follow the end of a message") }
    }
}
