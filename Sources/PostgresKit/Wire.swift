import Codecs

/// The server's binary forms: big-endian integers, microseconds since 2000, arrays of one dimension.
enum Wire {
    /// 2000-01-01T00:00:00Z, the epoch of timestamptz.
    static let epoch: Int64 = 946_684_800

    static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        stride(from: T.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> T($0)) }
    }

    static func bytes(_ value: UTCDate) -> [UInt8] { bytes((value.seconds - epoch) * 1_000_000) }

    static func integer<T: FixedWidthInteger>(_ bytes: some Collection<UInt8>, as type: T.Type) -> T? {
        guard bytes.count == T.bitWidth / 8 else { return nil }
        return bytes.reduce(T.zero) { ($0 << 8) | T(truncatingIfNeeded: $1) }
    }

    /// The second in which the moment lies; nil for infinity and what no date holds.
    static func date(_ bytes: some Collection<UInt8>) -> UTCDate? {
        guard let micros = integer(bytes, as: Int64.self), micros != .max, micros != .min else { return nil }
        let whole = micros / 1_000_000 - (micros % 1_000_000 < 0 ? 1 : 0)
        let seconds = whole + epoch
        let date = UTCDate(seconds: seconds)
        return date.seconds == seconds ? date : nil
    }

    static func array(of element: ColumnType, _ values: [[UInt8]?]) -> [UInt8] {
        let hasNull = values.contains { $0 == nil }
        var result = bytes(Int32(values.isEmpty ? 0 : 1)) + bytes(Int32(hasNull ? 1 : 0)) + bytes(element.rawValue)
        guard !values.isEmpty else { return result }
        result += bytes(Int32(truncatingIfNeeded: values.count)) + bytes(Int32(1))
        for value in values {
            result += bytes(value.map { Int32(truncatingIfNeeded: $0.count) } ?? -1)
            result += value ?? []
        }
        return result
    }

    /// The elements of an array of one dimension; nil when the bytes are not one.
    static func elements(_ bytes: [UInt8]) -> (type: ColumnType, values: [[UInt8]?])? {
        var rest = bytes[...]
        func number() -> Int32? {
            defer { rest = rest.dropFirst(4) }
            return integer(rest.prefix(4), as: Int32.self)
        }
        guard let dimensions = number(), number() != nil, let type = number() else { return nil }
        let element = ColumnType(rawValue: UInt32(bitPattern: type))
        guard dimensions != 0 else { return (element, []) }
        guard dimensions == 1, let count = number(), count >= 0, number() != nil else { return nil }
        var values: [[UInt8]?] = []
        for _ in 0..<count {
            guard let length = number(), length <= Int32(clamping: rest.count) else { return nil }
            values.append(length < 0 ? nil : Array(rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(max(0, length)))
        }
        return rest.isEmpty ? (element, values) : nil
    }
}
