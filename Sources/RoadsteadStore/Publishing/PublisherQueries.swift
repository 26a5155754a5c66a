import Codecs
import PostgresKit
import TrustModel

struct ListFleetNames: Query {
    static let sql = "SELECT name FROM fleet WHERE removed_at IS NULL ORDER BY name"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> FleetName { try row.value("name", { try FleetName($0) }) }
}

/// Held until the end of the transaction; the politeness in front of the fence.
struct TryPublishingLock: Query {
    static let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended('roadstead.publish.' || $1, 0)) AS held"
    let fleet: FleetName
    var bindings: [Binding] { [.text(fleet.rawValue)] }
    func decode(_ row: Row) throws -> Bool { try row.value("held") }
}

/// Known repositories within the scopes of some teams.
struct ListRepositoriesOfTeams: Query {
    static let sql = """
        SELECT r.name FROM repository r WHERE EXISTS (SELECT FROM team_scope s WHERE s.team_id = ANY ($1)
            AND (s.scope = r.name OR left(r.name, length(s.scope) + 1) = s.scope || '/'))
        ORDER BY r.name
        """
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> RegistryScope { try row.value("name", { try RegistryScope($0) }) }
}

struct InsertTeamRole: Query {
    static let sql = """
        INSERT INTO team_role (team_id, version, sha256, created_at, content_number)
        SELECT id, $2, $3, $4, $5 FROM team WHERE name = $1 ON CONFLICT DO NOTHING RETURNING version
        """
    let role: TeamRoleRecord
    let sha256: String
    let now: UTCDate

    var bindings: [Binding] {
        [.text(role.team.rawValue), .int(role.version), .text(sha256), .date(now), .int(role.contentNumber)]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("version") }
}

struct FindTeamRole: Query {
    static let sql = """
        SELECT r.sha256 FROM team_role r JOIN team t ON t.id = r.team_id WHERE t.name = $1 AND r.version = $2
        """
    let role: TeamRoleRecord
    var bindings: [Binding] { [.text(role.team.rawValue), .int(role.version)] }
    func decode(_ row: Row) throws -> String { try row.value("sha256") }
}

// MARK: - Releases

struct InsertRelease: Statement {
    static let sql = """
        INSERT INTO release (fleet_id, number, state, kind, previous_digest, digest, payload, difference, built_at,
            signed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """
    let fleet: Int64
    let release: NewRelease
    let digest: String?
    let payload: [UInt8]?
    let difference: String
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(fleet), .int(release.number), .text(digest == nil ? "built" : "signed"), .text(release.kind.rawValue),
            .text(release.previousDigest), .text(digest), .bytes(payload), .text(difference), .date(now),
            .date(digest == nil ? nil : now),
        ]
    }
}

struct SignRelease: Statement {
    static let sql = """
        UPDATE release SET state = 'signed', digest = $3, difference = $4, signed_at = $5
        WHERE fleet_id = $1 AND number = $2 AND state = 'built'
        """
    let fleet: Int64
    let number: Int64
    let digest: String
    let difference: String
    let now: UTCDate
    var bindings: [Binding] { [.int(fleet), .int(number), .text(digest), .text(difference), .date(now)] }
}

struct PublishRelease: Statement {
    static let sql = """
        UPDATE release SET state = 'published', published_at = $3
        WHERE fleet_id = $1 AND number = $2 AND state = 'signed'
        """
    let fleet: Int64
    let number: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(fleet), .int(number), .date(now)] }
}

/// Lets a release out, and the root that came with it in the same moment.
struct AdvanceFleet: Statement {
    static let sql = """
        UPDATE fleet SET published_release = $2, root_version = greatest(root_version, coalesce((
            SELECT max(p.version) FROM published_file p WHERE p.fleet_id = $1 AND p.role = 'root' AND p.release = $2), 0))
        WHERE id = $1 AND published_release = $2 - 1
        """
    let fleet: Int64
    let release: Int64
    var bindings: [Binding] { [.int(fleet), .int(release)] }
}

/// The changes that a release brings. Of a team that it holds, those are missing that only the team's role could bring; a
/// lifted denial is not one of them.
struct InsertReleaseChange: Statement {
    static let sql = """
        INSERT INTO release_change (fleet_id, number, change_number)
        SELECT $1, $2, c.number FROM change c LEFT JOIN team t ON t.id = c.team_id
        WHERE c.number = ANY ($3) AND (t.name IS NULL OR NOT t.name = ANY ($4)
            OR EXISTS (SELECT FROM denial d WHERE d.lifted_by_change = c.number))
        ON CONFLICT DO NOTHING
        """
    let fleet: Int64
    let release: NewRelease
    var bindings: [Binding] {
        [.int(fleet), .int(release.number), .ints(release.changes), .texts(release.held.map(\.rawValue))]
    }
}

// MARK: - Keys

private let keySelect = """
    SELECT k.key_id, k.public_key, k.key_object, f.fleet_id, f.name AS fleet, k.role, t.name AS team, k.private_key,
        k.key_name, k.awaits_ceremony
    FROM signing_key k LEFT JOIN fleet f ON f.id = k.fleet_id LEFT JOIN team t ON t.id = k.team_id
    WHERE k.held AND k.retired_at IS NULL
    AND (NOT k.awaits_ceremony OR EXISTS (SELECT FROM ceremony_key x JOIN ceremony_fleet p
        ON p.ceremony_id = x.ceremony_id AND p.fleet_id = x.fleet_id WHERE x.key_id = k.key_id AND p.state = 'closed'))
    """

extension ServerKeyRecord {
    init(_ row: Row) throws {
        let team: TeamName? = try row.optional("team", { try TeamName($0) })
        let name: String? = try row.value("key_name")
        let fleet: FleetName? = try row.optional("fleet", { try FleetName($0) })
        self.init(
            key: PublicKeyRecord(
                keyID: try row.value("key_id"), publicKey: try row.value("public_key"),
                keyObject: try row.value("key_object")),
            place: try team.map { .team($0) }
                ?? .role(try row.value("role"), of: try row.value("fleet_id", { try FleetID($0) })),
            home: try name.map { .named($0, fleet: fleet) } ?? .sealed(try row.value("private_key")))
    }
}

/// The newest first.
struct ListKeysFor: Query {
    static let sql = """
        \(keySelect) AND (k.fleet_id = $1 OR k.team_id = ANY ($2))
        ORDER BY k.awaits_ceremony DESC, k.created_at DESC, k.key_id
        """
    let fleet: Int64
    let teams: [Int64]
    var bindings: [Binding] { [.int(fleet), .ints(teams)] }
    func decode(_ row: Row) throws -> (isPending: Bool, record: ServerKeyRecord) {
        (try row.value("awaits_ceremony"), try ServerKeyRecord(row))
    }
}

/// Every private key that is kept here, retired ones too: for sealing anew.
struct ListAllKeys: Query {
    static let sql = """
        SELECT k.key_id, k.public_key, k.key_object, f.fleet_id, f.name AS fleet, k.role, t.name AS team, k.private_key,
            k.key_name
        FROM signing_key k LEFT JOIN fleet f ON f.id = k.fleet_id LEFT JOIN team t ON t.id = k.team_id
        WHERE k.private_key IS NOT NULL ORDER BY k.key_id FOR UPDATE OF k
        """
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> ServerKeyRecord { try ServerKeyRecord(row) }
}

struct InsertKey: Query {
    static let sql = """
        INSERT INTO signing_key (key_id, public_key, key_object, fleet_id, role, team_id, private_key, created_at,
            awaits_ceremony, key_name)
        VALUES ($1, $2, $3, (SELECT id FROM fleet WHERE fleet_id = $4), $5, (SELECT id FROM team WHERE name = $6), $7,
            $8, $9, $10)
        ON CONFLICT DO NOTHING RETURNING key_id
        """
    let record: ServerKeyRecord
    let awaitsCeremony: Bool
    let now: UTCDate

    var bindings: [Binding] {
        let (fleet, role, team): (String?, String?, String?) =
            switch record.place {
            case .role(let role, let fleet): (fleet.rawValue, role, nil)
            case .team(let team): (nil, nil, team.rawValue)
            }
        return [
            .text(record.key.keyID), .bytes(record.key.publicKey), .bytes(record.key.keyObject), .text(fleet),
            .text(role), .text(team), .bytes(record.sealed), .date(now), .bool(awaitsCeremony), .text(record.name),
        ]
    }

    func decode(_ row: Row) throws -> String { try row.value("key_id") }
}

/// The keys in force that live in a token or a service.
struct ListNamedKeys: Query {
    static let sql = "\(keySelect) AND k.key_name IS NOT NULL ORDER BY k.key_id"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> ServerKeyRecord { try ServerKeyRecord(row) }
}

/// Those of some names that a key has, or had.
struct ListTakenNames: Query {
    static let sql = "SELECT key_name FROM signing_key WHERE key_name = ANY ($1)"
    let names: [String]
    var bindings: [Binding] { [.texts(names)] }
    func decode(_ row: Row) throws -> String { try row.value("key_name") }
}

/// Lets one replica at a time make keys in tokens and services, until the transaction ends.
struct HoldKeyMaking: Statement {
    static let sql = "SELECT pg_advisory_xact_lock(hashtextextended('roadstead.make-keys', 0))"
    var bindings: [Binding] { [] }
}

struct ResealKey: Statement {
    static let sql = "UPDATE signing_key SET private_key = $2 WHERE key_id = $1 AND private_key IS NOT NULL"
    let keyID: String
    let sealed: [UInt8]
    var bindings: [Binding] { [.text(keyID), .bytes(sealed)] }
}

struct FetchMasterKeyCheck: Query {
    static let sql = "SELECT check_value FROM master_key"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> String { try row.value("check_value") }
}

/// Finds the master key if it is still the one named, and keeps it from being replaced until the transaction ends.
struct HoldMasterKeyCheck: Query {
    static let sql = "SELECT check_value FROM master_key WHERE check_value = $1 FOR SHARE"
    let checkValue: String
    var bindings: [Binding] { [.text(checkValue)] }
    func decode(_ row: Row) throws -> String { try row.value("check_value") }
}

struct InsertMasterKeyCheck: Query {
    static let sql = """
        INSERT INTO master_key (check_value, set_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING check_value
        """
    let checkValue: String
    let now: UTCDate
    var bindings: [Binding] { [.text(checkValue), .date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("check_value") }
}

struct ReplaceMasterKeyCheck: Statement {
    static let sql = "UPDATE master_key SET check_value = $2, set_at = $3 WHERE check_value = $1"
    let old: String
    let new: String
    let now: UTCDate
    var bindings: [Binding] { [.text(old), .text(new), .date(now)] }
}
