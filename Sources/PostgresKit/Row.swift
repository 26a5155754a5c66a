/// One row of a result; reading a column that is absent, NULL or of another type is an error that names the column.
package struct Row: Sendable {
    private let table: ResultTable
    private let index: Int

    init(_ table: ResultTable, _ index: Int) {
        self.table = table
        self.index = index
    }

    /// The column as the type that the context asks for; an optional takes NULL.
    package func value<Value: ColumnDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        try Value(column: try table.value(row: index, column: column))
    }

    /// The column, made into a value of the domain; what that refuses becomes an error that names the column.
    package func value<Stored: ColumnDecodable, Value>(
        _ column: String, _ parse: (Stored) throws -> Value
    ) throws(PostgresError) -> Value {
        let stored: Stored = try value(column)
        do {
            return try parse(stored)
        } catch {
            throw PostgresError(
                .column, "column \"\(column)\" holds what is not a valid \(Value.self)",
                detail: "\(stored): \(error)")
        }
    }

    /// The same for a column that may be NULL.
    package func optional<Stored: ColumnDecodable, Value>(
        _ column: String, _ parse: (Stored) throws -> Value
    ) throws(PostgresError) -> Value? {
        let stored: Stored? = try value(column)
        return stored == nil ? nil : try value(column, parse)
    }
}
