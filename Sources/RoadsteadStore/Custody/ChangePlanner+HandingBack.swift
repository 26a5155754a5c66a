import PostgresKit
import TrustModel

extension ChangePlanner {
    /// Whether the server, although it is to sign for the team, cannot do so everywhere yet: the members have not handed
    /// over, or a fleet whose settings are signed elsewhere asks for their signatures until its next ceremony.
    func isHandedBackUnseen(_ team: TeamRow) async throws -> Bool {
        if try await !transaction.handingBack(of: [team]).isEmpty { return true }
        guard try await transaction.fetchOne(WasInOwnCustody(team: team.id)) else { return false }
        let online = try await transaction.fetchAll(ListOnlineFleets(teams: [team.id]))
        return try await transaction.fetchOne(CountFleetsOfTeam(team: team.id)) > online.count
    }
}

/// Of some teams those in the server's custody whose members, who signed last, have signed no version together with the
/// server yet, and the epoch of these members; none where keys were said to be lost since.
struct ListHandingBack: Query {
    static let sql = """
        SELECT n.team_id, f.epoch FROM (SELECT DISTINCT ON (team_id) * FROM team_custody WHERE team_id = ANY ($1)
            ORDER BY team_id, epoch DESC) AS n
        JOIN team_custody f ON f.team_id = n.team_id AND f.custody = 'team' AND f.epoch = (
            SELECT max(d.epoch) FROM role_draft d WHERE d.team_id = n.team_id AND d.state = 'closed')
        WHERE n.custody = 'server' AND NOT EXISTS (SELECT FROM team_custody l
            WHERE l.team_id = n.team_id AND l.epoch > f.epoch AND l.former_lost)
        """
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> (team: Int64, former: Int64) {
        (try row.value("team_id"), try row.value("epoch"))
    }
}

struct WasInOwnCustody: Query {
    static let sql = "SELECT EXISTS (SELECT FROM team_custody WHERE team_id = $1 AND custody = 'team') AS was"
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> Bool { try row.value("was") }
}
