/// The server's number for a type, stable for built-in types. [PostgreSQL pg_type.dat]
package struct ColumnType: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Lets the server choose from the place of the parameter.
    static let inferred = ColumnType(rawValue: 0)
    package static let bool = ColumnType(rawValue: 16)
    package static let bytea = ColumnType(rawValue: 17)
    package static let name = ColumnType(rawValue: 19)
    package static let int8 = ColumnType(rawValue: 20)
    package static let int2 = ColumnType(rawValue: 21)
    package static let int4 = ColumnType(rawValue: 23)
    package static let text = ColumnType(rawValue: 25)
    package static let oid = ColumnType(rawValue: 26)
    package static let json = ColumnType(rawValue: 114)
    package static let float8 = ColumnType(rawValue: 701)
    package static let boolArray = ColumnType(rawValue: 1000)
    package static let byteaArray = ColumnType(rawValue: 1001)
    package static let textArray = ColumnType(rawValue: 1009)
    package static let int8Array = ColumnType(rawValue: 1016)
    package static let bpchar = ColumnType(rawValue: 1042)
    package static let varchar = ColumnType(rawValue: 1043)
    package static let timestamptz = ColumnType(rawValue: 1184)
    package static let timestamptzArray = ColumnType(rawValue: 1185)
    package static let jsonb = ColumnType(rawValue: 3802)

    private static let names: [ColumnType: String] = [
        .bool: "bool", .bytea: "bytea", .name: "name", .int8: "int8", .int2: "int2", .int4: "int4", .text: "text",
        .oid: "oid", .json: "json", .float8: "float8", .boolArray: "bool[]", .byteaArray: "bytea[]",
        .textArray: "text[]", .int8Array: "int8[]", .bpchar: "bpchar", .varchar: "varchar",
        .timestamptz: "timestamptz", .timestamptzArray: "timestamptz[]", .jsonb: "jsonb",
    ]

    package var description: String { Self.names[self] ?? "type \(rawValue)" }
}
