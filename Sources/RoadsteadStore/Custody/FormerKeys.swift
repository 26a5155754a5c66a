import PostgresKit
import TrustModel

extension Transaction {
    /// The epoch whose quorum signs the next draft of a team beside that of the newest epoch; nil when nobody has to.
    func former(of custody: CustodyRow) async throws -> Int64? {
        try await fetchOptional(FetchFormerEpoch(team: custody.team, epoch: custody.epoch))
    }
}

/// Those who signed last before an epoch, whom hosts believe so far; an epoch that never signed is known to nobody.
///
/// They sign until the epoch has brought a role out with them, and as long as the settings of some fleet name other keys
/// than the present ones. Where keys were said to be lost since, nobody waits for theirs.
struct FetchFormerEpoch: Query {
    static let sql = """
        SELECT last.epoch FROM team t, LATERAL (
            SELECT coalesce(d.epoch, (SELECT max(s.epoch) FROM team_custody s
                WHERE s.team_id = t.id AND s.epoch < $2 AND s.custody = 'server'), 0) AS epoch
            FROM team_role r LEFT JOIN role_draft d ON d.team_id = r.team_id AND d.version = r.version
            WHERE r.team_id = t.id AND (d.epoch IS NULL OR d.epoch < $2) ORDER BY r.version DESC LIMIT 1) AS last
        WHERE t.id = $1 AND NOT EXISTS (SELECT FROM team_custody l
            WHERE l.team_id = t.id AND l.epoch > last.epoch AND l.epoch <= $2 AND l.former_lost)
        AND (NOT EXISTS (SELECT FROM role_draft c WHERE c.team_id = t.id AND c.epoch = $2 AND c.state = 'closed')
            OR EXISTS (SELECT FROM fleet_team m JOIN fleet f ON f.id = m.fleet_id JOIN fleet_note n ON n.fleet_id = f.id
                WHERE m.team_id = t.id AND f.removed_at IS NULL AND n.document::jsonb -> 'otherKeys' ? t.name))
        """
    let team: Int64
    let epoch: Int64
    var bindings: [Binding] { [.int(team), .int(epoch)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("epoch") }
}
