/// The fields of an error as the server reports it. [PostgreSQL protocol, error and notice message fields]
struct ServerReport {
    var sqlState: String?
    var severity: String?
    var message: String?
    var detail: String?
    var hint: String?
    var schema: String?
    var table: String?
    var column: String?
    var constraint: String?
}

extension PostgresError {
    /// Turns the server's report into an error whose description holds names only.
    static func refused(_ report: ServerReport, sql: String?) -> PostgresError {
        let state = report.sqlState ?? "XX000"
        let (code, what, hint) = Self.meaning(of: state, report)
        let said = [report.message, report.detail, report.hint].compactMap { $0 }.joined(separator: "; ")
        return PostgresError(
            code, "\(what) (SQLSTATE \(state))", hint: hint, sqlState: state, constraint: report.constraint,
            table: report.table, detail: sql.map { "\(said) [\($0)]" } ?? said)
    }

    private static func meaning(of state: String, _ report: ServerReport) -> (Code, String, String?) {
        let place = report.table.map { " on table \"\($0)\"" } ?? ""
        let constraint = report.constraint.map { " \"\($0)\"" } ?? ""
        switch state {
        case "40001", "40P01":
            return (.conflict, "the transaction met a concurrent one", "run the transaction again")
        case "23505", "23P01":
            return (.unique, "the statement violates the unique constraint\(constraint)\(place)", nil)
        case "23503":
            return (.foreignKey, "the statement violates the foreign key\(constraint)\(place)", nil)
        case "23514":
            return (.check, "the statement violates the check constraint\(constraint)\(place)", nil)
        case "23502":
            let column = report.column.map { " in column \"\($0)\"" } ?? ""
            return (.check, "the statement leaves a required value NULL\(column)\(place)", nil)
        case "42501":
            return (.permission, "the database role may not do this\(place)", "grant the role what it needs")
        case "55P03":
            return (.lock, "a lock could not be had in time\(place)", "try again when the other transaction has ended")
        case "57014":
            return (.deadline, "the statement was stopped by its deadline or by an administrator", nil)
        case "57P01", "57P02", "57P05", "25P03":
            return (
                .connectionLost, "the server ended the connection", "try again; new connections are made by themselves"
            )
        case "3D000":
            return (.authentication, "the database does not exist", "create it or name another one")
        case "53300", "57P03":
            return (.connect, "the server takes no connection now", "wait for it to start or raise max_connections")
        default:
            return classMeaning(of: state, place: place, constraint: constraint)
        }
    }

    private static func classMeaning(of state: String, place: String, constraint: String) -> (Code, String, String?) {
        switch state.prefix(2) {
        case "08": (.connectionLost, "the connection to the server failed", nil)
        case "22": (.check, "a value does not fit its type or range\(place)", nil)
        case "23": (.check, "the statement violates a constraint\(constraint)\(place)", nil)
        case "28": (.authentication, "the server does not let this user in", "see pg_hba.conf and the user's password")
        default: (.statement, "the server refused the statement\(place)", nil)
        }
    }
}
