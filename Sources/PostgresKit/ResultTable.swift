internal import CLibPQ

/// Owns one `PGresult *`: the rows and the outcome of one statement, immutable from its creation on.
@safe final class ResultTable: @unchecked Sendable {
    private let raw: OpaquePointer
    /// The columns by name; of two with one name the first.
    private let columns: [String: Int32]
    let count: Int

    init(owning raw: OpaquePointer) {
        unsafe self.raw = raw
        count = unsafe Int(PQntuples(raw))
        var columns: [String: Int32] = [:]
        let width = unsafe PQnfields(raw)
        for index in 0..<width {
            guard let name = unsafe PQfname(raw, index) else { continue }
            let key = unsafe String(cString: name)
            if columns[key] == nil { columns[key] = index }
        }
        self.columns = columns
    }

    deinit { unsafe PQclear(raw) }

    /// The number of rows that an INSERT, UPDATE, DELETE or SELECT touched.
    var affected: Int {
        guard let text = unsafe PQcmdTuples(raw) else { return 0 }
        return unsafe Int(String(cString: text)) ?? 0
    }

    /// The word for what was done, such as `COMMIT`.
    var command: String {
        guard let text = unsafe PQcmdStatus(raw) else { return "" }
        return unsafe String(cString: text)
    }

    var parameterCount: Int { unsafe Int(PQnparams(raw)) }

    var columnNames: [String] { columns.sorted { $0.value < $1.value }.map(\.key) }

    func value(row: Int, column name: String) throws(PostgresError) -> ColumnValue {
        guard let column = columns[name] else {
            throw PostgresError(
                .column, "the result has no column \"\(name)\", only \(columnNames.joined(separator: ", "))")
        }
        let type = unsafe ColumnType(rawValue: PQftype(raw, column))
        guard let row = Int32(exactly: row), unsafe PQgetisnull(raw, row, column) == 0 else {
            return ColumnValue(column: name, type: type, bytes: nil)
        }
        let length = unsafe Int(PQgetlength(raw, row, column))
        guard let start = unsafe PQgetvalue(raw, row, column) else {
            return ColumnValue(column: name, type: type, bytes: nil)
        }
        let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
        return ColumnValue(column: name, type: type, bytes: bytes)
    }
}
