import PostgresKit
package import TrustModel

extension ApiStore {
    /// The fleets that trust a certificate for a team but for denials: by what they take, or by the role that is out.
    package func fleets(trusting sha256: String, for team: TeamName) async throws -> [FleetName] {
        try await pool.fetchAll(ListFleetsTrusting(sha256: sha256, team: team))
    }

    /// The stores of a team in which a certificate is an anchor now.
    package func stores(holding sha256: String, of team: TeamName) async throws -> [TrustStoreID] {
        try await pool.fetchAll(ListStoresHolding(sha256: sha256, team: team))
    }
}

struct ListFleetsTrusting: Query {
    static let sql = """
        SELECT f.name FROM team t JOIN fleet_team m ON m.team_id = t.id JOIN fleet f ON f.id = m.fleet_id
        LEFT JOIN fleet_team_content p ON p.fleet_id = f.id AND p.team_id = t.id
        WHERE t.name = $1 AND f.removed_at IS NULL AND EXISTS (
            SELECT FROM team_content c WHERE c.team_id = t.id AND strpos(c.document, '"' || $2 || '"') > 0
            AND c.number IN (CASE WHEN f.promotes_from IS NULL THEN t.content_version ELSE p.number END, (
                SELECT coalesce(r.content_number, (SELECT min(o.number) FROM team_content o WHERE o.team_id = t.id))
                FROM published_file w JOIN team_role r ON r.team_id = t.id AND r.version = w.version AND r.sha256 = w.sha256
                WHERE w.fleet_id = f.id AND w.role = t.name AND w.release <= f.published_release
                ORDER BY w.version DESC LIMIT 1)))
        ORDER BY f.name
        """
    let sha256: String
    let team: TeamName
    var bindings: [Binding] { [.text(team.rawValue), .text(sha256)] }
    func decode(_ row: Row) throws -> FleetName { try row.value("name", { try FleetName($0) }) }
}

struct ListStoresHolding: Query {
    static let sql = """
        SELECT t.name AS team, s.kind, s.name FROM anchor a JOIN trust_store s ON s.id = a.store_id JOIN team t ON t.id = a.team_id
        WHERE t.name = $1 AND a.sha256 = $2 AND a.state = 'active' ORDER BY s.kind, s.name
        """
    let sha256: String
    let team: TeamName
    var bindings: [Binding] { [.text(team.rawValue), .text(sha256)] }
    func decode(_ row: Row) throws -> TrustStoreID { try TrustStoreID(row, team: "team", kind: "kind", name: "name") }
}
