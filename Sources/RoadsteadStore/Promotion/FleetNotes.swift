import PostgresKit
package import TrustModel

extension PublisherStore {
    /// Keeps what was found at a fleet, where it differs from what was found before.
    ///
    /// - Returns: what was kept before, when it differed; so whoever writes knows what is news.
    package func keep(_ note: FleetNote, of name: FleetName) async throws -> (isNews: Bool, before: FleetNote?) {
        try await pool.withTransaction { transaction in
            let fleet = try await transaction.lockFleet(name)
            let before = try await transaction.fetchOptional(FetchFleetNote(fleet: fleet.id))
            guard before != note else { return (false, before) }
            try await transaction.execute(KeepFleetNote(fleet: fleet.id, document: try StoredJSON.text(note)))
            return (true, before)
        }
    }
}

struct FetchFleetNote: Query {
    static let sql = "SELECT document FROM fleet_note WHERE fleet_id = $1"
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> FleetNote { try row.value("document", { try StoredJSON.read($0) }) }
}

struct KeepFleetNote: Statement {
    static let sql = """
        INSERT INTO fleet_note (fleet_id, document) VALUES ($1, $2)
        ON CONFLICT (fleet_id) DO UPDATE SET document = excluded.document
        """
    let fleet: Int64
    let document: String
    var bindings: [Binding] { [.int(fleet), .text(document)] }
}
