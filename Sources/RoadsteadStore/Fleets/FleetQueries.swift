import Codecs
import PostgresKit
import TrustModel

/// A fleet as other statements need it.
struct FleetRow: Sendable {
    let id: Int64
    let name: FleetName
    let fleetID: FleetID
    let displayName: String
    let profile: FleetProfile
    let mode: EnforcementMode
    let created: UTCDate
    let rootVersion: Int64
    let release: Int64
    /// Where its teams' contents are promoted from; nil when it takes the newest.
    let promotesFrom: FleetName?
    let options: FleetOptions
}

private let fleetColumns = """
    id, name, fleet_id, display_name, profile, mode, created_at, root_version, published_release, reject_after_seconds,
        inexpressible, local_scopes,
        (SELECT source.name FROM fleet source WHERE source.id = fleet.promotes_from) AS promotes_from
    """

extension FleetRow {
    static var columns: String { fleetColumns }

    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), name: try row.value("name", { try FleetName($0) }),
            fleetID: try row.value("fleet_id", { try FleetID($0) }), displayName: try row.value("display_name"),
            profile: try row.value("profile", { try stored($0) }), mode: try row.value("mode", { try stored($0) }),
            created: try row.value("created_at"), rootVersion: try row.value("root_version"),
            release: try row.value("published_release"),
            promotesFrom: try row.optional("promotes_from", { try FleetName($0) }),
            options: try FleetOptions(
                rejectAfterSeconds: try row.value("reject_after_seconds"),
                inexpressible: try row.value("inexpressible", { try stored($0) }),
                localScopes: try row.value("local_scopes", as: [String].self).map { try RegistryScope($0) }))
    }
}

struct FetchFleet: Query {
    static let sql = "SELECT \(fleetColumns) FROM fleet WHERE name = $1 AND removed_at IS NULL"
    let name: FleetName
    var bindings: [Binding] { [.text(name.rawValue)] }
    func decode(_ row: Row) throws -> FleetRow { try FleetRow(row) }
}

struct LockFleet: Query {
    static let sql = "SELECT \(fleetColumns) FROM fleet WHERE name = $1 AND removed_at IS NULL FOR NO KEY UPDATE"
    let name: FleetName
    var bindings: [Binding] { [.text(name.rawValue)] }
    func decode(_ row: Row) throws -> FleetRow { try FleetRow(row) }
}

struct ListFleets: Query {
    static let sql = """
        SELECT \(fleetColumns) FROM fleet
        WHERE removed_at IS NULL AND name > $1 AND ($2::text[] IS NULL OR name = ANY ($2)) ORDER BY name LIMIT $3
        """
    let after: String
    let readable: Readable<FleetName>
    let limit: Int
    var bindings: [Binding] { [.text(after), .names(readable), .int(limit)] }
    func decode(_ row: Row) throws -> FleetRow { try FleetRow(row) }
}

struct InsertFleet: Query {
    static let sql = """
        INSERT INTO fleet (name, fleet_id, display_name, profile, mode, created_at)
        VALUES ($1, $2, $3, $4, 'observe', $5) ON CONFLICT DO NOTHING RETURNING \(fleetColumns)
        """
    let name: FleetName
    let id: FleetID
    let displayName: String
    let profile: FleetProfile
    let now: UTCDate

    var bindings: [Binding] {
        [.text(name.rawValue), .text(id.rawValue), .text(displayName), .text(profile.rawValue), .date(now)]
    }

    func decode(_ row: Row) throws -> FleetRow { try FleetRow(row) }
}

struct SetFleetMode: Statement {
    static let sql = "UPDATE fleet SET mode = $2 WHERE id = $1"
    let fleet: Int64
    let mode: EnforcementMode
    var bindings: [Binding] { [.int(fleet), .text(mode.rawValue)] }
}

struct ClearEnforcerModes: Statement {
    static let sql = "DELETE FROM fleet_enforcer WHERE fleet_id = $1"
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
}

struct SetEnforcerMode: Statement {
    static let sql = """
        INSERT INTO fleet_enforcer (fleet_id, enforcer, mode) VALUES ($1, $2, $3)
        ON CONFLICT (fleet_id, enforcer) DO UPDATE SET mode = excluded.mode
        """
    let fleet: Int64
    let enforcer: EnforcerKind
    let mode: EnforcementMode
    var bindings: [Binding] { [.int(fleet), .text(enforcer.rawValue), .text(mode.rawValue)] }
}

struct SetFleetOptions: Statement {
    static let sql = """
        UPDATE fleet SET reject_after_seconds = $2, inexpressible = $3, local_scopes = $4 WHERE id = $1
        """
    let fleet: Int64
    let options: FleetOptions
    var bindings: [Binding] {
        [
            .int(fleet), .int(options.rejectAfterSeconds), .text(options.inexpressible.rawValue),
            .texts(options.localScopes.map(\.rawValue)),
        ]
    }
}

struct ListEnforcerModes: Query {
    static let sql = "SELECT enforcer, mode FROM fleet_enforcer WHERE fleet_id = $1 ORDER BY enforcer"
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> FleetSettings.EnforcerSetting {
        FleetSettings.EnforcerSetting(
            enforcer: try row.value("enforcer", { try stored($0) }), mode: try row.value("mode", { try stored($0) }))
    }
}

struct InsertFleetTeam: Query {
    static let sql = """
        INSERT INTO fleet_team (fleet_id, team_id, added_at) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING team_id
        """
    let fleet: Int64
    let team: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(fleet), .int(team), .date(now)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("team_id") }
}

struct DeleteFleetTeam: Statement {
    static let sql = "DELETE FROM fleet_team WHERE fleet_id = $1 AND team_id = $2"
    let fleet: Int64
    let team: Int64
    var bindings: [Binding] { [.int(fleet), .int(team)] }
}

struct ListTeamsOfFleet: Query {
    static let sql = """
        SELECT t.id, t.name, t.display_name, t.custody, t.content_version, t.created_at
        FROM fleet_team m JOIN team t ON t.id = m.team_id WHERE m.fleet_id = $1 ORDER BY t.name
        """
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> TeamRow { try TeamRow(row) }
}

/// What a fleet's summary shows beside its own row.
struct FetchFleetSummary: Query {
    static let sql = """
        SELECT (SELECT sha256 FROM published_file WHERE fleet_id = f.id AND role = 'root' AND version = f.root_version)
                AS root_sha256,
            r.digest, r.published_at,
            EXISTS (SELECT FROM signing_key k WHERE k.fleet_id = f.id AND k.role = 'targets' AND k.held
                AND k.retired_at IS NULL AND NOT k.awaits_ceremony) AS targets_online,
            (SELECT count(*) FROM host h WHERE h.fleet_id = f.id AND h.removed_at IS NULL) AS hosts,
            (SELECT count(*) FROM host h LEFT JOIN host_state s ON s.host_id = h.id
                WHERE h.fleet_id = f.id AND h.removed_at IS NULL AND coalesce(s.release, 0) < f.published_release)
                AS hosts_behind
        FROM fleet f LEFT JOIN release r ON r.fleet_id = f.id AND r.number = f.published_release WHERE f.id = $1
        """

    struct Summary: Sendable {
        let rootSHA256: String?
        let digest: String?
        let published: UTCDate?
        let targetsOnline: Bool
        let hosts: Int
        let hostsBehind: Int
    }

    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }

    func decode(_ row: Row) throws -> Summary {
        Summary(
            rootSHA256: try row.value("root_sha256"), digest: try row.value("digest"),
            published: try row.value("published_at"), targetsOnline: try row.value("targets_online"),
            hosts: try row.value("hosts"), hostsBehind: try row.value("hosts_behind"))
    }
}

// MARK: - Releases

private let releaseSelect = """
    SELECT f.name AS fleet, r.number, r.state, r.kind, r.previous_digest, r.digest, r.payload, r.difference, r.built_at,
        r.published_at,
        ARRAY (SELECT c.change_number FROM release_change c WHERE c.fleet_id = r.fleet_id AND c.number = r.number
            ORDER BY 1) AS changes
    FROM release r JOIN fleet f ON f.id = r.fleet_id
    """

extension ReleaseRecord {
    init(_ row: Row) throws {
        self.init(
            fleet: try row.value("fleet", { try FleetName($0) }), number: try row.value("number"),
            state: try row.value("state", { try stored($0) }), kind: try row.value("kind", { try stored($0) }),
            previousDigest: try row.value("previous_digest"), digest: try row.value("digest"),
            payload: try row.value("payload"), difference: try row.value("difference", { try StoredJSON.read($0) }),
            changes: try row.value("changes"), built: try row.value("built_at"),
            published: try row.value("published_at"))
    }
}

/// The newest first.
struct ListReleases: Query {
    static let sql = """
        \(releaseSelect) WHERE f.name = $1 AND ($2::bigint = 0 OR r.number < $2) ORDER BY r.number DESC LIMIT $3
        """
    let fleet: FleetName
    let before: Int64
    let limit: Int
    var bindings: [Binding] { [.text(fleet.rawValue), .int(before), .int(limit)] }
    func decode(_ row: Row) throws -> ReleaseRecord { try ReleaseRecord(row) }
}

struct FetchRelease: Query {
    static let sql = "\(releaseSelect) WHERE f.name = $1 AND r.number = $2"
    let fleet: FleetName
    let number: Int64
    var bindings: [Binding] { [.text(fleet.rawValue), .int(number)] }
    func decode(_ row: Row) throws -> ReleaseRecord { try ReleaseRecord(row) }
}
