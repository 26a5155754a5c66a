import Codecs
import PostgresKit
import TrustModel

// MARK: - What is known

/// The highest version of each role that was ever written for a fleet, or seen elsewhere and settled.
struct ListHighestVersions: Query {
    static let sql = """
        SELECT v.role, max(v.version) AS version FROM fleet f JOIN (
            SELECT fleet_id, role, version FROM published_file WHERE role IS NOT NULL
            UNION ALL SELECT fleet_id, role, version FROM recovered_version) v ON v.fleet_id = f.id
        WHERE f.name = $1 GROUP BY v.role
        """
    let fleet: FleetName
    var bindings: [Binding] { [.text(fleet.rawValue)] }
    func decode(_ row: Row) throws -> (role: String, version: Int64) {
        (try row.value("role"), try row.value("version"))
    }
}

struct ListVersionDigests: Query {
    static let sql = """
        SELECT v.role, v.version, v.sha256 FROM fleet f JOIN (
            SELECT fleet_id, role, version, sha256 FROM published_file WHERE role IS NOT NULL
            UNION ALL SELECT fleet_id, role, version, sha256 FROM recovered_version WHERE sha256 IS NOT NULL) v
                ON v.fleet_id = f.id
            JOIN unnest($2::text[], $3::bigint[]) AS s (role, version) ON s.role = v.role AND s.version = v.version
        WHERE f.name = $1
        """
    let fleet: FleetName
    let asked: [(role: String, version: Int64)]

    var bindings: [Binding] {
        [.text(fleet.rawValue), .texts(asked.map(\.role)), .ints(asked.map(\.version))]
    }

    func decode(_ row: Row) throws -> (role: String, version: Int64, sha256: String) {
        (try row.value("role"), try row.value("version"), try row.value("sha256"))
    }
}

/// Every root that is served, whatever it followed: the hosts' database role reads no ceremonies.
struct ListServedRoots: Query {
    static let sql = """
        SELECT p.path, c.bytes, p.sha256, p.role, p.version
        FROM published_file p JOIN fleet f ON f.id = p.fleet_id JOIN published_content c ON c.sha256 = p.sha256
        WHERE f.name = $1 AND p.role = 'root' AND p.release <= f.published_release ORDER BY p.version
        """
    let fleet: FleetName
    var bindings: [Binding] { [.text(fleet.rawValue)] }
    func decode(_ row: Row) throws -> PublishedFile { try PublishedFile(row) }
}

struct FetchFleetStanding: Query {
    static let sql = "SELECT fleet_id, removed_at FROM fleet WHERE name = $1"
    let fleet: FleetName
    var bindings: [Binding] { [.text(fleet.rawValue)] }
    func decode(_ row: Row) throws -> FleetStanding {
        let removed: UTCDate? = try row.value("removed_at")
        return removed == nil ? .present(try row.value("fleet_id", { try FleetID($0) })) : .removed
    }
}

/// The release of a number, or else the next one above it: a recovered one stands for those below that are not known.
struct FetchReleaseFrom: Query {
    static let sql = """
        SELECT r.number, r.kind, r.digest FROM release r JOIN fleet f ON f.id = r.fleet_id
        WHERE f.name = $1 AND r.number >= $2 AND r.state = 'published' ORDER BY r.number LIMIT 1
        """
    let fleet: FleetName
    let number: Int64
    var bindings: [Binding] { [.text(fleet.rawValue), .int(number)] }
    func decode(_ row: Row) throws -> (number: Int64, kind: String, digest: String) {
        (try row.value("number"), try row.value("kind"), try row.value("digest"))
    }
}

// MARK: - Halts

struct InsertHalt: Query {
    static let sql = """
        INSERT INTO publishing_halt (fleet_id, source, reason, noticed_at)
        SELECT id, $2, $3, $4 FROM fleet WHERE name = $1 AND removed_at IS NULL
        ON CONFLICT (fleet_id) WHERE ended_at IS NULL DO NOTHING RETURNING id
        """
    let halt: HaltRecord

    var bindings: [Binding] {
        [
            .text(halt.fleet.rawValue), .text(halt.source.rawValue), .text(String(halt.reason.prefix(1_000))),
            .date(halt.noticed),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct ListHalts: Query {
    static let sql = """
        SELECT f.name, h.source, h.reason, h.noticed_at FROM publishing_halt h JOIN fleet f ON f.id = h.fleet_id
        WHERE h.ended_at IS NULL AND f.removed_at IS NULL AND ($1::text IS NULL OR f.name = $1) ORDER BY f.name
        """
    let fleet: FleetName?
    var bindings: [Binding] { [.text(fleet?.rawValue)] }
    func decode(_ row: Row) throws -> HaltRecord {
        HaltRecord(
            fleet: try row.value("name", { try FleetName($0) }), source: try row.value("source", { try stored($0) }),
            reason: try row.value("reason"), noticed: try row.value("noticed_at"))
    }
}

struct EndHalt: Statement {
    static let sql = "UPDATE publishing_halt SET ended_at = $2 WHERE fleet_id = $1 AND ended_at IS NULL"
    let fleet: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(fleet), .date(now)] }
}

// MARK: - What hosts show

struct InsertHostEvidence: Query {
    static let sql = """
        INSERT INTO recovered_metadata (fleet_id, timestamp_sha256, timestamp_version, host_id, bytes, signature,
            received_at)
        SELECT fleet_id, $2, $3, id, $4, $5, $6 FROM host WHERE id = $1
        ON CONFLICT DO NOTHING RETURNING timestamp_version
        """
    let host: Int64
    let timestampSHA256: String
    let timestampVersion: Int64
    let bytes: [UInt8]
    let signature: [UInt8]
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(host), .text(timestampSHA256), .int(timestampVersion), .bytes(bytes), .bytes(signature), .date(now),
        ]
    }

    func decode(_ row: Row) throws -> Int64 { try row.value("timestamp_version") }
}

struct ListHostEvidence: Query {
    static let sql = """
        SELECT h.name, r.bytes, r.timestamp_version FROM recovered_metadata r JOIN host h ON h.id = r.host_id
        WHERE r.fleet_id = $1 AND r.settled_at IS NULL ORDER BY r.timestamp_version DESC LIMIT 64
        """
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> HostEvidenceRecord {
        HostEvidenceRecord(
            host: try row.value("name"), bytes: try row.value("bytes"),
            timestampVersion: try row.value("timestamp_version"))
    }
}

struct SettleHostEvidence: Statement {
    static let sql = "UPDATE recovered_metadata SET settled_at = $2 WHERE fleet_id = $1 AND settled_at IS NULL"
    let fleet: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(fleet), .date(now)] }
}

// MARK: - Taking in

struct ListContents: Query {
    static let sql = "SELECT bytes FROM published_content WHERE sha256 = ANY ($1)"
    let sha256s: [String]
    var bindings: [Binding] { [.texts(sha256s)] }
    func decode(_ row: Row) throws -> [UInt8] { try row.value("bytes") }
}

struct InsertRecoveryAuthor: Query {
    static let sql = """
        INSERT INTO person (issuer, subject, display_name, created_at, disabled_at)
        VALUES ('roadstead', 'recovery', 'recovery of a restored database', $1, $1) ON CONFLICT DO NOTHING RETURNING id
        """
    let now: UTCDate
    var bindings: [Binding] { [.date(now)] }
    func decode(_ row: Row) throws -> PersonID { PersonID(rawValue: try row.value("id")) }
}

struct FindRecoveryAuthor: Query {
    static let sql = "SELECT id FROM person WHERE issuer = 'roadstead' AND subject = 'recovery'"
    var bindings: [Binding] { [] }
    func decode(_ row: Row) throws -> PersonID { PersonID(rawValue: try row.value("id")) }
}

struct FindTeamOfFleet: Query {
    static let sql = "SELECT id FROM team WHERE name = $1"
    let team: TeamName?
    var bindings: [Binding] { [.text(team?.rawValue)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

struct InsertRecoveredRelease: Statement {
    static let sql = """
        INSERT INTO release (fleet_id, number, state, kind, previous_digest, digest, difference, built_at, signed_at,
            published_at)
        VALUES ($1, $2, 'published', 'recovered', $3, $4, $5, $6, $6, $6)
        """
    let fleet: Int64
    let number: Int64
    let previousDigest: String?
    let digest: String
    let difference: String
    let now: UTCDate

    var bindings: [Binding] {
        [.int(fleet), .int(number), .text(previousDigest), .text(digest), .text(difference), .date(now)]
    }
}

struct InsertRecoveredTeamRole: Statement {
    static let sql = """
        INSERT INTO team_role (team_id, version, sha256, created_at)
        SELECT id, $2, $3, $4 FROM team WHERE name = $1 ON CONFLICT DO NOTHING
        """
    let role: TeamRoleRecord
    let sha256: String
    let now: UTCDate
    var bindings: [Binding] { [.text(role.team.rawValue), .int(role.version), .text(sha256), .date(now)] }
}

struct AdvanceRecoveredFleet: Statement {
    static let sql = """
        UPDATE fleet SET published_release = greatest(published_release, $2), root_version = greatest(root_version, $3)
        WHERE id = $1
        """
    let fleet: Int64
    let release: Int64
    let root: Int64
    var bindings: [Binding] { [.int(fleet), .int(release), .int(root)] }
}

struct InsertRecoveredVersions: Statement {
    static let sql = """
        INSERT INTO recovered_version (fleet_id, role, version, sha256, recovered_at)
        SELECT $1, s.role, s.version, s.sha256, $5 FROM unnest($2::text[], $3::bigint[], $4::text[])
            AS s (role, version, sha256) ON CONFLICT DO NOTHING
        """
    let fleet: Int64
    let seen: [RecoveryIntake.Seen]
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(fleet), .texts(seen.map(\.role)), .ints(seen.map(\.version)), .texts(seen.map(\.sha256)),
            .date(now),
        ]
    }
}
