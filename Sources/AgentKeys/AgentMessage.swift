/// The encoding of SSH: numbers of four bytes, strings with their length before them. [RFC 4251 §5]
enum AgentWire {
    /// What OpenSSH's agent itself takes in one message.
    static let maximumMessage = 256 << 10
    static let maximumKeys = 1_024

    static func number(_ value: Int) -> [UInt8] {
        let value = UInt32(truncatingIfNeeded: value)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func string(_ bytes: [UInt8]) -> [UInt8] { number(bytes.count) + bytes }
}

/// Reads what an agent sent, strictly.
struct AgentReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() throws(AgentError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw Self.short }
        return byte
    }

    mutating func number() throws(AgentError) -> Int {
        guard rest.count >= 4 else { throw Self.short }
        defer { rest = rest.dropFirst(4) }
        return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func string() throws(AgentError) -> [UInt8] {
        let count = try number()
        guard rest.count >= count else { throw Self.short }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func text() throws(AgentError) -> String { String(decoding: try string(), as: UTF8.self) }

    /// A positive number in its shortest form, as big-endian magnitude of a given width. [RFC 4251 §5 mpint]
    mutating func magnitude(_ width: Int) throws(AgentError) -> [UInt8] {
        var bytes = try string()[...]
        guard let first = bytes.first, first & 0x80 == 0 else { throw Self.malformed("a number is not positive") }
        if first == 0 {
            bytes = bytes.dropFirst()
            guard let next = bytes.first, next & 0x80 != 0 else {
                throw Self.malformed("a number is not in its shortest form")
            }
        }
        guard bytes.count <= width else { throw Self.malformed("a number is too long for the curve") }
        return [UInt8](repeating: 0, count: width - bytes.count) + bytes
    }

    func end() throws(AgentError) {
        guard rest.isEmpty else { throw Self.malformed("\(rest.count) bytes follow its end") }
    }

    static func malformed(_ what: String) -> AgentError {
        AgentError(.wire, "the agent's answer is malformed: \(what)")
    }

    private static let short = malformed("it ends too early")
}
