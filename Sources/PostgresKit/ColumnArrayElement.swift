package import Codecs

/// A type that `[Self]` is read of: bytes as bytea, everything else as an array of one dimension without NULLs.
package protocol ColumnArrayElement: Sendable {
    static func array(column: ColumnValue) throws(PostgresError) -> [Self]
}

extension Array: ColumnDecodable where Element: ColumnArrayElement {
    package init(column: ColumnValue) throws(PostgresError) { self = try Element.array(column: column) }
}

extension UInt8: ColumnArrayElement {
    package static func array(column: ColumnValue) throws(PostgresError) -> [UInt8] {
        try column.required("bytes", from: [.bytea])
    }
}

extension Array: ColumnArrayElement where Element == UInt8 {
    package static func array(column: ColumnValue) throws(PostgresError) -> [[UInt8]] {
        try elements(of: column, .byteaArray)
    }
}

extension String: ColumnArrayElement {
    package static func array(column: ColumnValue) throws(PostgresError) -> [String] {
        try elements(of: column, .textArray)
    }
}

extension Int64: ColumnArrayElement {
    package static func array(column: ColumnValue) throws(PostgresError) -> [Int64] {
        try elements(of: column, .int8Array)
    }
}

extension Bool: ColumnArrayElement {
    package static func array(column: ColumnValue) throws(PostgresError) -> [Bool] {
        try elements(of: column, .boolArray)
    }
}

extension UTCDate: ColumnArrayElement {
    package static func array(column: ColumnValue) throws(PostgresError) -> [UTCDate] {
        try elements(of: column, .timestamptzArray)
    }
}

private func elements<Element: ColumnDecodable>(
    of column: ColumnValue, _ type: ColumnType
) throws(PostgresError) -> [Element] {
    let bytes = try column.required("an array", from: [type])
    guard let (elementType, values) = Wire.elements(bytes) else { throw column.malformed("one dimension") }
    var result: [Element] = []
    result.reserveCapacity(values.count)
    for value in values {
        result.append(try Element(column: ColumnValue(column: column.column, type: elementType, bytes: value)))
    }
    return result
}
