import Codecs
import PostgresKit
import TrustModel

/// A key that people hold, for root or targets of one fleet; the same again for the same place changes nothing.
struct InsertHeldKey: Query {
    static let sql = """
        INSERT INTO signing_key (key_id, public_key, key_object, fleet_id, role, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING key_id
        """
    let key: NewCeremonyFleet.HeldKey
    let fleet: Int64
    let now: UTCDate
    var bindings: [Binding] {
        [
            .text(key.key.keyID), .bytes(key.key.publicKey), .bytes(key.key.keyObject), .int(fleet), .text(key.role),
            .date(now),
        ]
    }
    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}

/// The team whose people registered a key.
struct FetchTeamOfKey: Query {
    static let sql = """
        SELECT t.name FROM team_key k JOIN team t ON t.id = k.team_id WHERE k.public_key = $1 OR k.key_id = $2 LIMIT 1
        """
    let key: PublicKeyRecord
    var bindings: [Binding] { [.bytes(key.publicKey), .text(key.keyID)] }
    func decode(_ row: Row) throws -> TeamName { try row.value("name", { try TeamName($0) }) }
}

/// What a key is already used for.
struct FetchKeyUse: Query {
    static let sql = """
        SELECT k.key_id, k.fleet_id, k.role, f.name AS fleet, t.name AS team, k.held, k.retired_at
        FROM signing_key k LEFT JOIN fleet f ON f.id = k.fleet_id LEFT JOIN team t ON t.id = k.team_id
        WHERE k.public_key = $1 OR k.key_id = $2 LIMIT 1
        """

    struct Use: Sendable {
        let fleet: Int64?
        let role: String?
        /// Whether a server has, or had, its private half.
        let isServers: Bool
        let words: String
    }

    let key: PublicKeyRecord
    var bindings: [Binding] { [.bytes(key.publicKey), .text(key.keyID)] }

    func decode(_ row: Row) throws -> Use {
        let (role, fleet, team): (String?, String?, String?) = (
            try row.value("role"), try row.value("fleet"), try row.value("team")
        )
        let retired: UTCDate? = try row.value("retired_at")
        let held: Bool = try row.value("held")
        return Use(
            fleet: try row.value("fleet_id"), role: role, isServers: held || retired != nil,
            words: team.map { "team \($0)" } ?? "the \(role ?? "?") key of fleet \(fleet ?? "?")")
    }
}

/// Binds a key that the server made to the ceremony that it waits for.
struct InsertCeremonyKey: Query {
    static let sql = """
        INSERT INTO ceremony_key (key_id, ceremony_id, fleet_id)
        SELECT k.key_id, $2, $3 FROM signing_key k
        WHERE k.key_id = $1 AND k.fleet_id = $3 AND k.held AND k.awaits_ceremony AND k.retired_at IS NULL
        ON CONFLICT DO NOTHING RETURNING key_id
        """
    let keyID: String
    let ceremony: Int64
    let fleet: Int64
    var bindings: [Binding] { [.text(keyID), .int(ceremony), .int(fleet)] }
    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}

struct ListCeremonyKeys: Query {
    static let sql = """
        SELECT x.fleet_id, k.key_id, k.role FROM ceremony_key x JOIN signing_key k ON k.key_id = x.key_id
        WHERE x.ceremony_id = $1 ORDER BY k.role, k.key_id
        """
    let ceremony: Int64
    var bindings: [Binding] { [.int(ceremony)] }
    func decode(_ row: Row) throws -> (fleet: Int64, key: CeremonyKeyRecord) {
        let key = CeremonyKeyRecord(keyID: try row.value("key_id"), role: try row.value("role"))
        return (try row.value("fleet_id"), key)
    }
}

/// The keys of a published ceremony wait no more.
struct AdoptCeremonyKeys: Query {
    static let sql = """
        UPDATE signing_key k SET awaits_ceremony = false FROM ceremony_key x
        WHERE x.key_id = k.key_id AND x.ceremony_id = $1 AND x.fleet_id = $2 AND k.awaits_ceremony
        RETURNING k.key_id, k.role
        """
    let ceremony: Int64
    let fleet: Int64
    var bindings: [Binding] { [.int(ceremony), .int(fleet)] }
    func decode(_ row: Row) throws -> CeremonyKeyRecord {
        CeremonyKeyRecord(keyID: try row.value("key_id"), role: try row.value("role"))
    }
}

/// Retires the keys in force that a server holds for some roles of a fleet, and deletes their private halves.
struct RetireKeys: Query {
    static let sql = """
        UPDATE signing_key SET retired_at = $3, private_key = NULL
        WHERE fleet_id = $1 AND role = ANY ($2) AND held AND NOT awaits_ceremony RETURNING key_id
        """
    let fleet: Int64
    let roles: [String]
    let now: UTCDate
    var bindings: [Binding] { [.int(fleet), .texts(roles), .date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}

/// Deletes keys that wait for a ceremony which is void, or which was never opened.
struct RetireStrayKeys: Query {
    static let sql = """
        UPDATE signing_key k SET retired_at = $2, private_key = NULL
        WHERE k.awaits_ceremony AND k.held AND NOT EXISTS (
            SELECT FROM ceremony_key x JOIN ceremony_fleet p ON p.ceremony_id = x.ceremony_id AND p.fleet_id = x.fleet_id
            WHERE x.key_id = k.key_id AND p.state <> 'void')
        AND (k.created_at < $1 OR EXISTS (SELECT FROM ceremony_key x WHERE x.key_id = k.key_id)) RETURNING k.key_id
        """
    let before: UTCDate
    let now: UTCDate
    var bindings: [Binding] { [.date(before), .date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}
