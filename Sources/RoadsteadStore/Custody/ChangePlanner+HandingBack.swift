import PostgresKit
import TrustModel

extension ChangePlanner {
    /// Whether the server, although it signs for the team, cannot do so everywhere yet: a fleet whose settings are signed
    /// elsewhere asks for the members' signatures until its next ceremony.
    func isHandedBackUnseen(_ team: TeamRow) async throws -> Bool {
        guard try await transaction.fetchOne(WasInOwnCustody(team: team.id)) else { return false }
        let online = try await transaction.fetchAll(ListOnlineFleets(teams: [team.id]))
        return try await transaction.fetchOne(CountFleetsOfTeam(team: team.id)) > online.count
    }
}

struct WasInOwnCustody: Query {
    static let sql = "SELECT EXISTS (SELECT FROM team_custody WHERE team_id = $1 AND custody = 'team') AS was"
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> Bool { try row.value("was") }
}
