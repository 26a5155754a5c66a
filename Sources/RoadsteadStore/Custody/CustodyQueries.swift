import Codecs
import PostgresKit
import TrustModel

private let teamKeySelect = """
    SELECT k.key_id, k.public_key, k.key_object, t.name AS team, k.person_id, p.subject, k.registered_at, k.retired_at,
        team_key_counts(k.key_id) AS counts
    FROM team_key k JOIN team t ON t.id = k.team_id JOIN person p ON p.id = k.person_id
    """

extension TeamKeyRecord {
    init(_ row: Row) throws {
        self.init(
            key: PublicKeyRecord(
                keyID: try row.value("key_id"), publicKey: try row.value("public_key"),
                keyObject: try row.value("key_object")),
            team: try row.value("team", { try TeamName($0) }), holder: PersonID(rawValue: try row.value("person_id")),
            holderName: try row.value("subject"), registered: try row.value("registered_at"),
            retired: try row.value("retired_at"), counts: try row.value("counts"))
    }
}

struct ListTeamKeys: Query {
    static let sql = "\(teamKeySelect) WHERE k.team_id = $1 ORDER BY k.registered_at, k.key_id"
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> TeamKeyRecord { try TeamKeyRecord(row) }
}

/// By its id, or the same key under another one.
struct FetchTeamKey: Query {
    static let sql = "\(teamKeySelect) WHERE k.key_id = $1 OR k.public_key = $2"
    let keyID: String
    var publicKey: [UInt8]?
    var bindings: [Binding] { [.text(keyID), .bytes(publicKey)] }
    func decode(_ row: Row) throws -> TeamKeyRecord { try TeamKeyRecord(row) }
}

struct InsertTeamKey: Query {
    static let sql = """
        INSERT INTO team_key (key_id, public_key, key_object, team_id, person_id, registered_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING key_id
        """
    let key: PublicKeyRecord
    let team: Int64
    let holder: PersonID
    let now: UTCDate

    var bindings: [Binding] {
        [
            .text(key.keyID), .bytes(key.publicKey), .bytes(key.keyObject), .int(team), .int(holder.rawValue),
            .date(now),
        ]
    }

    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}

struct RetireTeamKey: Statement {
    static let sql = """
        UPDATE team_key SET retired_at = $3, retired_by = $2 WHERE key_id = $1 AND retired_at IS NULL
        """
    let keyID: String
    let by: PersonID
    let now: UTCDate
    var bindings: [Binding] { [.text(keyID), .int(by.rawValue), .date(now)] }
}

// MARK: - Epochs

private let custodyColumns = "team_id, epoch, custody, threshold, former_lost, change_number, created_at"

extension CustodyRow {
    init(_ row: Row) throws {
        self.init(
            team: try row.value("team_id"), epoch: try row.value("epoch"),
            custody: try row.value("custody", { try stored($0) }), threshold: try row.value("threshold"),
            formerLost: try row.value("former_lost"), change: try row.value("change_number"),
            created: try row.value("created_at"))
    }
}

struct FetchNewestCustody: Query {
    static let sql = "SELECT \(custodyColumns) FROM team_custody WHERE team_id = $1 ORDER BY epoch DESC LIMIT 1"
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> CustodyRow { try CustodyRow(row) }
}

/// The newest epoch of each of some teams that are in their own custody.
struct ListCustodies: Query {
    static let sql = """
        SELECT \(custodyColumns) FROM (SELECT DISTINCT ON (team_id) * FROM team_custody WHERE team_id = ANY ($1)
            ORDER BY team_id, epoch DESC) AS newest WHERE custody = 'team'
        """
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> CustodyRow { try CustodyRow(row) }
}

struct ListCustodyKeys: Query {
    static let sql = """
        \(teamKeySelect) JOIN team_custody_key c ON c.key_id = k.key_id
        WHERE c.team_id = $1 AND c.epoch = $2 ORDER BY k.key_id
        """
    let team: Int64
    let epoch: Int64
    var bindings: [Binding] { [.int(team), .int(epoch)] }
    func decode(_ row: Row) throws -> TeamKeyRecord { try TeamKeyRecord(row) }
}

struct InsertCustody: Statement {
    static let sql = """
        INSERT INTO team_custody (team_id, epoch, custody, threshold, former_lost, change_number, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """
    let team: Int64
    let epoch: Int64
    let setting: CustodySetting
    let change: Int64
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(team), .int(epoch), .text(setting.custody.rawValue), .int(setting.threshold),
            .bool(setting.formerLost), .int(change), .date(now),
        ]
    }
}

struct InsertCustodyKey: Statement {
    static let sql = """
        INSERT INTO team_custody_key (team_id, epoch, key_id, person_id)
        SELECT $1, $2, key_id, person_id FROM team_key WHERE key_id = $3 AND team_key_counts(key_id)
        """
    let team: Int64
    let epoch: Int64
    let keyID: String
    var bindings: [Binding] { [.int(team), .int(epoch), .text(keyID)] }
}

struct SetTeamCustody: Statement {
    static let sql = "UPDATE team SET custody = $2 WHERE id = $1"
    let team: Int64
    let custody: Custody
    var bindings: [Binding] { [.int(team), .text(custody.rawValue)] }
}

struct RequestRenewal: Statement {
    static let sql = """
        INSERT INTO role_renewal (change_number, team_id, requested_at, after_version)
        SELECT $1, $2, $3, coalesce(max(version), 0) FROM role_draft WHERE team_id = $2 AND state = 'closed'
        """
    let change: Int64
    let team: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(change), .int(team), .date(now)] }
}

/// The fleets of some teams whose targets key the server holds.
struct ListOnlineFleets: Query {
    static let sql = """
        SELECT m.team_id, f.name FROM fleet_team m JOIN fleet f ON f.id = m.fleet_id
        WHERE m.team_id = ANY ($1) AND f.removed_at IS NULL AND EXISTS (
            SELECT FROM signing_key k WHERE k.fleet_id = f.id AND k.role = 'targets' AND k.held
                AND k.retired_at IS NULL AND NOT k.awaits_ceremony)
        ORDER BY f.name
        """
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> (team: Int64, fleet: FleetName) {
        (try row.value("team_id"), try row.value("name", { try FleetName($0) }))
    }
}
