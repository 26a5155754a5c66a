import Codecs
import PostgresKit
import TrustModel

private let campaignSelect = """
    SELECT c.number, t.name AS team, c.due_at, c.reason, c.opened_by, c.opened_at, c.closed_at,
        (SELECT count(*) FROM campaign_item i WHERE i.campaign_number = c.number AND i.state = 'open') AS open,
        (SELECT count(*) FROM campaign_item i WHERE i.campaign_number = c.number AND i.state = 'confirmed') AS confirmed,
        (SELECT count(*) FROM campaign_item i WHERE i.campaign_number = c.number AND i.state = 'removal') AS removals
    FROM campaign c LEFT JOIN team t ON t.id = c.team_id
    """

extension CampaignRecord {
    init(_ row: Row) throws {
        self.init(
            number: try row.value("number"),
            team: try row.value("team", { (name: String?) in try name.map { try TeamName($0) } }),
            due: try row.value("due_at"), reason: try row.value("reason"),
            openedBy: PersonID(rawValue: try row.value("opened_by")), opened: try row.value("opened_at"),
            closed: try row.value("closed_at"), open: try row.value("open"), confirmed: try row.value("confirmed"),
            removals: try row.value("removals"))
    }
}

struct FetchCampaign: Query {
    static let sql = "\(campaignSelect) WHERE c.number = $1"
    let number: Int64
    var bindings: [Binding] { [.int(number)] }
    func decode(_ row: Row) throws -> CampaignRecord { try CampaignRecord(row) }
}

struct ListCampaigns: Query {
    static let sql = """
        \(campaignSelect) WHERE c.number > $1 AND (c.team_id IS NULL OR $2::text[] IS NULL OR t.name = ANY ($2))
        ORDER BY c.number LIMIT $3
        """
    let after: Int64
    let readable: Readable<TeamName>
    let limit: Int
    var bindings: [Binding] { [.int(after), .names(readable), .int(limit)] }
    func decode(_ row: Row) throws -> CampaignRecord { try CampaignRecord(row) }
}

struct InsertCampaign: Query {
    static let sql = """
        INSERT INTO campaign (team_id, due_at, reason, opened_by, opened_at) VALUES ($1, $2, $3, $4, $5) RETURNING number
        """
    let team: Int64?
    let due: UTCDate
    let reason: String
    let by: PersonID
    let now: UTCDate
    var bindings: [Binding] { [.int(team), .date(due), .text(reason), .int(by.rawValue), .date(now)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

/// Every anchor that a team registered itself.
struct InsertCampaignAnchors: Statement {
    static let sql = """
        INSERT INTO campaign_item (campaign_number, team_id, anchor_id)
        SELECT $1, a.team_id, a.id FROM anchor a JOIN team t ON t.id = a.team_id
        WHERE a.state = 'active' AND a.vendor_id IS NULL AND t.removed_at IS NULL AND ($2::bigint IS NULL OR a.team_id = $2)
        """
    let campaign: Int64
    let team: Int64?
    var bindings: [Binding] { [.int(campaign), .int(team)] }
}

/// Every vendor that a team uses.
struct InsertCampaignUses: Statement {
    static let sql = """
        INSERT INTO campaign_item (campaign_number, team_id, use_id)
        SELECT $1, u.team_id, u.id FROM vendor_use u JOIN team t ON t.id = u.team_id
        WHERE u.ended_at IS NULL AND t.removed_at IS NULL AND ($2::bigint IS NULL OR u.team_id = $2)
        """
    let campaign: Int64
    let team: Int64?
    var bindings: [Binding] { [.int(campaign), .int(team)] }
}

private let itemSelect = """
    SELECT i.id, i.campaign_number, t.name AS team, i.anchor_id, i.use_id, coalesce(a.subject, 'vendor ' || v.name) AS subject,
        s.kind || '/' || s.name AS store, c.author, i.state, i.person_id, i.answered_at, i.change_number,
        v.name AS vendor
    FROM campaign_item i JOIN team t ON t.id = i.team_id LEFT JOIN anchor a ON a.id = i.anchor_id
    LEFT JOIN vendor_use u ON u.id = i.use_id LEFT JOIN vendor v ON v.id = u.vendor_id
    JOIN trust_store s ON s.id = coalesce(a.store_id, u.store_id)
    JOIN change c ON c.number = coalesce(a.added_by_change, u.added_by_change)
    """

extension CampaignItemRecord {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), campaign: try row.value("campaign_number"),
            team: try row.value("team", { try TeamName($0) }), anchor: try row.value("anchor_id"),
            use: try row.value("use_id"),
            vendor: try row.value("vendor", { (name: String?) in try name.map { try VendorName($0) } }),
            subject: try row.value("subject"), store: try row.value("store"),
            owner: PersonID(rawValue: try row.value("author")), state: try row.value("state", { try stored($0) }),
            answeredBy: try row.value("person_id", { (id: Int64?) in id.map { PersonID(rawValue: $0) } }),
            answered: try row.value("answered_at"), change: try row.value("change_number"))
    }
}

struct FetchCampaignItem: Query {
    static let sql = "\(itemSelect) WHERE i.id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> CampaignItemRecord { try CampaignItemRecord(row) }
}

struct ListCampaignItems: Query {
    static let sql = """
        \(itemSelect) WHERE i.campaign_number = $1 AND i.id > $2 AND ($3::text[] IS NULL OR t.name = ANY ($3))
        ORDER BY i.id LIMIT $4
        """
    let campaign: Int64
    let after: Int64
    let readable: Readable<TeamName>
    let limit: Int
    var bindings: [Binding] { [.int(campaign), .int(after), .names(readable), .int(limit)] }
    func decode(_ row: Row) throws -> CampaignItemRecord { try CampaignItemRecord(row) }
}

/// What nobody has answered in campaigns that are open, with their ends: for the one who owns it, for those whose team
/// it concerns by now, and for who administers once it is due.
struct ListOpenItems: Query {
    static let sql = """
        SELECT o.*, k.due_at FROM (\(itemSelect)) AS o JOIN campaign k ON k.number = o.campaign_number
        WHERE o.state = 'open' AND k.closed_at IS NULL AND (o.author = $1
            OR (o.team = ANY ($2) AND k.due_at <= $3) OR ($4 AND k.due_at <= $5)) ORDER BY k.due_at, o.id LIMIT $6
        """
    let person: PersonID
    let roles: [RoleBinding]
    let now: UTCDate
    let limit: Int

    var bindings: [Binding] {
        let teams = roles.filter { [.teamMember, .teamAdmin].contains($0.role) }.compactMap(\.reach.team?.rawValue)
        return [
            .int(person.rawValue), .texts(teams), .date(now.adding(days: Recertification.teamDays)),
            .bool(roles.contains { $0.role == .trustAdmin }), .date(now), .int(limit),
        ]
    }

    func decode(_ row: Row) throws -> (item: CampaignItemRecord, due: UTCDate) {
        (try CampaignItemRecord(row), try row.value("due_at"))
    }
}

struct AnswerCampaignItem: Statement {
    static let sql = """
        UPDATE campaign_item SET state = CASE WHEN $2::bigint IS NULL THEN 'confirmed' ELSE 'removal' END,
            change_number = $2, person_id = $3, answered_at = $4
        WHERE id = $1 AND state = 'open'
            AND EXISTS (SELECT FROM campaign c WHERE c.number = campaign_number AND c.closed_at IS NULL)
        """
    let id: Int64
    let change: Int64?
    let by: PersonID
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .int(change), .int(by.rawValue), .date(now)] }
}

struct CloseCampaign: Statement {
    static let sql = "UPDATE campaign SET closed_by = $2, closed_at = $3 WHERE number = $1 AND closed_at IS NULL"
    let number: Int64
    let by: PersonID
    let now: UTCDate
    var bindings: [Binding] { [.int(number), .int(by.rawValue), .date(now)] }
}
