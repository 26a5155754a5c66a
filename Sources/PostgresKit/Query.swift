/// A statement with its parameters; one struct per statement, so that all of a store's SQL can be listed and checked.
package protocol Statement: Sendable {
    /// SQL with `$1…$n`; the parameters of one type of statement always have the same types.
    static var sql: String { get }
    var bindings: [Binding] { get }
}

/// A statement that gives rows of one kind.
package protocol Query: Statement {
    associatedtype Value: Sendable

    func decode(_ row: Row) throws -> Value
}

/// What runs statements: a connection, a transaction, or a pool that takes a connection for each.
package protocol StatementRunner: Sendable {
    /// The verb that the others are made of.
    @discardableResult
    func rows(running sql: String, _ bindings: [Binding]) async throws -> RowSet
}

/// All rows of one result, and how many rows the statement touched.
package struct RowSet: Sendable, RandomAccessCollection {
    let table: ResultTable

    package var startIndex: Int { 0 }
    package var endIndex: Int { table.count }
    package subscript(index: Int) -> Row { Row(table, index) }
    package var affected: Int { table.affected }
}

extension StatementRunner {
    /// Runs a statement for its effect and says how many rows it touched.
    @discardableResult
    package func execute(_ statement: some Statement) async throws -> Int {
        try await rows(running: type(of: statement).sql, statement.bindings).affected
    }

    package func fetchAll<Q: Query>(_ query: Q) async throws -> [Q.Value] {
        try await rows(running: Q.sql, query.bindings).map(query.decode)
    }

    /// The only row; none or several is an error.
    package func fetchOne<Q: Query>(_ query: Q) async throws -> Q.Value {
        guard let value = try await fetchOptional(query) else {
            throw PostgresError(.noRow, "\(Q.self) found no row where one is required")
        }
        return value
    }

    /// The only row or nil; several is an error.
    package func fetchOptional<Q: Query>(_ query: Q) async throws -> Q.Value? {
        let rows = try await rows(running: Q.sql, query.bindings)
        guard rows.count <= 1 else {
            throw PostgresError(.manyRows, "\(Q.self) found \(rows.count) rows where one is allowed")
        }
        return try rows.first.map(query.decode)
    }

    /// Runs SQL that stands in the source where a type of its own would say no more.
    @discardableResult
    package func rows(_ sql: StaticString, _ bindings: [Binding] = []) async throws -> RowSet {
        try await rows(running: "\(sql)", bindings)
    }
}
