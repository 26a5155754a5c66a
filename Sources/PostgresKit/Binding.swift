package import Codecs

/// One parameter of a statement, encoded for the server; it never becomes part of the SQL and never prints its value.
///
/// Every type takes nil for NULL, so that a statement has the same types whether or not a value is there.
package struct Binding: Sendable, CustomStringConvertible, CustomReflectable {
    let type: ColumnType
    /// Text goes as text, so that the server fits it to uuid, jsonb or an enumeration; everything else goes as binary.
    let isText: Bool
    let bytes: [UInt8]?

    package var description: String { "<\(type)>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }

    /// Text without NUL bytes; the server chooses the type from the parameter's place.
    package static func text(_ value: String?) -> Binding {
        Binding(type: .inferred, isText: true, bytes: value.map { Array($0.utf8) })
    }

    package static func int(_ value: Int64?) -> Binding { binary(.int8, value.map { Wire.bytes($0) }) }
    package static func int(_ value: Int?) -> Binding { int(value.map { Int64($0) }) }
    package static func bool(_ value: Bool?) -> Binding { binary(.bool, value.map { [$0 ? 1 : 0] }) }
    package static func bytes(_ value: [UInt8]?) -> Binding { binary(.bytea, value) }
    package static func date(_ value: UTCDate?) -> Binding { binary(.timestamptz, value.map { Wire.bytes($0) }) }

    /// Arrays for `= ANY($1)` and `unnest($1, $2)`.
    package static func texts(_ values: [String?]) -> Binding {
        array(.textArray, of: .text, values.map { $0.map { Array($0.utf8) } })
    }
    /// NULL where there is no array, which is not the empty one.
    package static func texts(orNull values: [String]?) -> Binding {
        binary(.textArray, values.map { Wire.array(of: .text, $0.map { Array($0.utf8) }) })
    }
    package static func ints(_ values: [Int64?]) -> Binding {
        array(.int8Array, of: .int8, values.map { $0.map { Wire.bytes($0) } })
    }
    package static func bools(_ values: [Bool?]) -> Binding {
        array(.boolArray, of: .bool, values.map { $0.map { [$0 ? 1 : 0] } })
    }
    package static func byteArrays(_ values: [[UInt8]?]) -> Binding { array(.byteaArray, of: .bytea, values) }
    package static func dates(_ values: [UTCDate?]) -> Binding {
        array(.timestamptzArray, of: .timestamptz, values.map { $0.map { Wire.bytes($0) } })
    }

    private static func binary(_ type: ColumnType, _ bytes: [UInt8]?) -> Binding {
        Binding(type: type, isText: false, bytes: bytes)
    }

    private static func array(_ type: ColumnType, of element: ColumnType, _ values: [[UInt8]?]) -> Binding {
        binary(type, Wire.array(of: element, values))
    }
}
