import Codecs
import PostgresKit
import TrustModel

private let roleDraftSelect = """
    SELECT d.id, d.team_id, t.name AS team, d.epoch, d.former_epoch, d.content_number, d.version, d.signed_part, d.files,
        d.state, d.note, d.opened_at, d.expires_at, d.closed_at
    FROM role_draft d JOIN team t ON t.id = d.team_id
    """

extension RoleDraftRow {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), teamRow: try row.value("team_id"),
            team: try row.value("team", { try TeamName($0) }),
            epoch: try row.value("epoch"), formerEpoch: try row.value("former_epoch"),
            contentNumber: try row.value("content_number"), version: try row.value("version"),
            signedPart: try row.value("signed_part"), files: try row.value("files", { try StoredFiles.read($0) }),
            state: try row.value("state", { try stored($0) }), note: try row.value("note"),
            opened: try row.value("opened_at"), expires: try row.value("expires_at"), closed: try row.value("closed_at")
        )
    }
}

struct FetchRoleDraft: Query {
    static let sql = "\(roleDraftSelect) WHERE d.id = $1"
    let id: Int64
    var bindings: [Binding] { [.int(id)] }
    func decode(_ row: Row) throws -> RoleDraftRow { try RoleDraftRow(row) }
}

struct ListOpenRoleDrafts: Query {
    static let sql = "\(roleDraftSelect) WHERE d.team_id = $1 AND d.state = 'open' ORDER BY d.id"
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> RoleDraftRow { try RoleDraftRow(row) }
}

/// The draft that holds what a change brought: open ones first, else the first that was closed after it.
struct FindRoleDraftOfChange: Query {
    static let sql = """
        \(roleDraftSelect) JOIN change c ON c.team_id = d.team_id
        WHERE c.number = $1 AND c.state = 'published' AND ((d.state = 'open' AND d.opened_at >= c.closed_at)
            OR (d.state = 'closed' AND d.opened_at > c.closed_at))
        ORDER BY d.state = 'open' DESC, CASE WHEN d.state = 'open' THEN -d.version ELSE d.version END LIMIT 1
        """
    let change: Int64
    var bindings: [Binding] { [.int(change)] }
    func decode(_ row: Row) throws -> RoleDraftRow { try RoleDraftRow(row) }
}

/// The signatures that count now: not those of retired keys, nor of people who may not hold a key of the team any more.
struct ListRoleSignatures: Query {
    static let sql = """
        SELECT key_id, signature, person_id FROM role_draft_signature
        WHERE draft_id = $1 AND (person_id IS NULL OR team_key_counts(key_id)) ORDER BY key_id
        """
    let draft: Int64
    var bindings: [Binding] { [.int(draft)] }
    func decode(_ row: Row) throws -> RoleDraftRecord.Signature {
        let person: Int64? = try row.value("person_id")
        return RoleDraftRecord.Signature(
            keyID: try row.value("key_id"), signature: try row.value("signature"),
            person: person.map { PersonID(rawValue: $0) })
    }
}

struct InsertRoleSignature: Query {
    static let sql = """
        INSERT INTO role_draft_signature (draft_id, key_id, signature, person_id, signed_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING RETURNING key_id
        """
    let draft: Int64
    let signature: RoleDraftRecord.Signature
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(draft), .text(signature.keyID), .bytes(signature.signature), .int(signature.person?.rawValue),
            .date(now),
        ]
    }

    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}

struct InsertRoleDraft: Query {
    static let sql = """
        INSERT INTO role_draft (team_id, epoch, former_epoch, content_number, version, signed_part, files, opened_at,
            expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
        """
    let team: Int64
    let draft: NewRoleDraft
    let files: [UInt8]
    let now: UTCDate
    let expires: UTCDate

    var bindings: [Binding] {
        [
            .int(team), .int(draft.epoch), .int(draft.formerEpoch), .int(draft.contentNumber), .int(draft.version),
            .bytes(draft.signedPart), .bytes(files), .date(now), .date(expires),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct CloseRoleDraft: Statement {
    static let sql = """
        UPDATE role_draft SET state = 'closed', sha256 = $2, closed_at = $3 WHERE id = $1 AND state = 'open'
        """
    let id: Int64
    let sha256: String
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .text(sha256), .date(now)] }
}

/// Ends every open draft of a team: other keys sign from now on.
struct VoidRoleDrafts: Query {
    static let sql = """
        UPDATE role_draft SET state = 'void', note = $2, closed_at = $3 WHERE team_id = $1 AND state = 'open' RETURNING id
        """
    let team: Int64
    let note: String
    let now: UTCDate
    var bindings: [Binding] { [.int(team), .text(note), .date(now)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

/// Ends the open drafts of a team that no fleet waits for.
struct VoidUnneededRoleDrafts: Query {
    static let sql = """
        UPDATE role_draft d SET state = 'void', note = $2, closed_at = $3 WHERE d.team_id = $1 AND d.state = 'open'
        AND NOT EXISTS (SELECT FROM role_draft_need n JOIN fleet_team m ON m.fleet_id = n.fleet_id AND m.team_id = n.team_id
            WHERE n.draft_id = d.id)
        RETURNING d.id
        """
    let team: Int64
    let note: String
    let now: UTCDate
    var bindings: [Binding] { [.int(team), .text(note), .date(now)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct VoidExpiredRoleDrafts: Query {
    static let sql = """
        UPDATE role_draft d SET state = 'void', note = 'expired', closed_at = $1 FROM team t
        WHERE t.id = d.team_id AND d.state = 'open' AND d.expires_at <= $1 RETURNING d.id, t.name
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> (id: Int64, team: TeamName) {
        (try row.value("id"), try row.value("name", { try TeamName($0) }))
    }
}

struct SetRoleDraftNeed: Statement {
    static let sql = """
        INSERT INTO role_draft_need (fleet_id, team_id, draft_id) VALUES ($1, $2, $3)
        ON CONFLICT (fleet_id, team_id) DO UPDATE SET draft_id = excluded.draft_id
        """
    let fleet: Int64
    let team: Int64
    let draft: Int64
    var bindings: [Binding] { [.int(fleet), .int(team), .int(draft)] }
}

struct DeleteRoleDraftNeed: Statement {
    static let sql = "DELETE FROM role_draft_need WHERE fleet_id = $1 AND team_id = $2"
    let fleet: Int64
    let team: Int64
    var bindings: [Binding] { [.int(fleet), .int(team)] }
}

struct FetchRoleDraftNeed: Query {
    static let sql = "SELECT draft_id FROM role_draft_need WHERE fleet_id = $1 AND team_id = $2"
    let fleet: Int64
    let team: Int64
    var bindings: [Binding] { [.int(fleet), .int(team)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("draft_id") }
}

/// Where a team's counter stands, and whether a renewal waits.
struct FetchDraftingFacts: Query {
    static let sql = """
        SELECT greatest((SELECT max(version) FROM team_role WHERE team_id = $1),
                (SELECT max(version) FROM role_draft WHERE team_id = $1), 0) AS version,
            EXISTS (SELECT FROM role_renewal r WHERE r.team_id = $1 AND NOT EXISTS (SELECT FROM role_draft d
                WHERE d.team_id = $1 AND d.state = 'closed' AND d.version > r.after_version)) AS renewal
        """
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> (version: Int64, renewal: Bool) {
        (try row.value("version"), try row.value("renewal"))
    }
}

/// The newest signed role of a team, whatever it says, with the files of the draft that it came from.
struct FetchNewestTeamRole: Query {
    static let sql = """
        SELECT t.name, r.version, r.content_number, c.bytes, d.files FROM team_role r JOIN team t ON t.id = r.team_id
        JOIN published_content c ON c.sha256 = r.sha256
        LEFT JOIN role_draft d ON d.team_id = r.team_id AND d.version = r.version
        WHERE r.team_id = $1 ORDER BY r.version DESC LIMIT 1
        """
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> (role: TeamRoleRecord, files: [String: [UInt8]]) {
        let role = TeamRoleRecord(
            team: try row.value("name", { try TeamName($0) }), version: try row.value("version"),
            bytes: try row.value("bytes"), contentNumber: try row.value("content_number"))
        return (role, try row.optional("files", { try StoredFiles.read($0) }) ?? [:])
    }
}

/// The public halves of the server's keys of a team.
struct ListServerKeysOfTeam: Query {
    static let sql = """
        SELECT key_id, public_key, key_object FROM signing_key WHERE team_id = $1 AND retired_at IS NULL ORDER BY key_id
        """
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> PublicKeyRecord {
        PublicKeyRecord(
            keyID: try row.value("key_id"), publicKey: try row.value("public_key"),
            keyObject: try row.value("key_object"))
    }
}

struct FetchCustodyEpoch: Query {
    static let sql = """
        SELECT team_id, epoch, custody, threshold, former_lost, change_number, created_at FROM team_custody
        WHERE team_id = $1 AND epoch = $2
        """
    let team: Int64
    let epoch: Int64
    var bindings: [Binding] { [.int(team), .int(epoch)] }
    func decode(_ row: Row) throws -> CustodyRow { try CustodyRow(row) }
}
