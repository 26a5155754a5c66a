package import Codecs

/// One value of a row with all that an error about it must name.
package struct ColumnValue: Sendable {
    package let column: String
    package let type: ColumnType
    package let bytes: [UInt8]?

    func mismatch(_ wanted: String) -> PostgresError {
        PostgresError(
            .column, "column \"\(column)\" has the type \(type), which is not read as \(wanted)",
            hint: "cast it in the query")
    }

    func required(_ wanted: String, from types: Set<ColumnType>) throws(PostgresError) -> [UInt8] {
        guard types.contains(type) else { throw mismatch(wanted) }
        guard let bytes else {
            throw PostgresError(
                .column, "column \"\(column)\" is NULL where a value is required", hint: "read it as an optional")
        }
        return bytes
    }

    /// A value whose bytes are not what its type promises.
    func malformed(_ wanted: String) -> PostgresError {
        PostgresError(.column, "column \"\(column)\" holds a value of type \(type) outside the range of \(wanted)")
    }
}

/// A Swift type that a column is read as; the column's type must fit exactly, nothing is guessed.
package protocol ColumnDecodable: Sendable {
    init(column: ColumnValue) throws(PostgresError)
}

extension String: ColumnDecodable {
    static let columnTypes: Set<ColumnType> = [.text, .varchar, .bpchar, .name, .json, .jsonb]

    package init(column: ColumnValue) throws(PostgresError) {
        var bytes = try column.required("text", from: Self.columnTypes)
        if column.type == .jsonb {
            guard bytes.first == 1 else { throw column.malformed("jsonb version 1") }
            bytes.removeFirst()
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw column.malformed("UTF-8 text") }
        self = text
    }
}

extension Int64: ColumnDecodable {
    package init(column: ColumnValue) throws(PostgresError) {
        let bytes = try column.required("an integer", from: [.int2, .int4, .int8, .oid])
        let value: Int64? =
            switch column.type {
            case .int2: Wire.integer(bytes, as: Int16.self).map { Int64($0) }
            case .int4: Wire.integer(bytes, as: Int32.self).map { Int64($0) }
            case .oid: Wire.integer(bytes, as: UInt32.self).map { Int64($0) }
            default: Wire.integer(bytes, as: Int64.self)
            }
        guard let value else { throw column.malformed("an integer") }
        self = value
    }
}

extension Int: ColumnDecodable {
    package init(column: ColumnValue) throws(PostgresError) { self.init(try Int64(column: column)) }
}

extension Bool: ColumnDecodable {
    package init(column: ColumnValue) throws(PostgresError) {
        let bytes = try column.required("a Boolean", from: [.bool])
        guard bytes.count == 1 else { throw column.malformed("a Boolean") }
        self = bytes[0] != 0
    }
}

extension Double: ColumnDecodable {
    package init(column: ColumnValue) throws(PostgresError) {
        let bytes = try column.required("a number", from: [.float8])
        guard let bits = Wire.integer(bytes, as: UInt64.self) else { throw column.malformed("a number") }
        self.init(bitPattern: bits)
    }
}

extension UTCDate: ColumnDecodable {
    /// The second in which the stored moment lies; fractions are cut off.
    package init(column: ColumnValue) throws(PostgresError) {
        let bytes = try column.required("a date", from: [.timestamptz])
        guard let date = Wire.date(bytes) else { throw column.malformed("the years 1 to 9999") }
        self = date
    }
}

extension Optional: ColumnDecodable where Wrapped: ColumnDecodable {
    package init(column: ColumnValue) throws(PostgresError) {
        self = column.bytes == nil ? nil : try Wrapped(column: column)
    }
}
