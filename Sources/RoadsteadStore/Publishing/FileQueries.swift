import Codecs
import PostgresKit
import SigningKeys
import TrustModel

extension PublishedFile {
    init(_ row: Row) throws {
        self.init(
            path: try row.value("path"), bytes: try row.value("bytes"), sha256: try row.value("sha256"),
            role: try row.value("role"), version: try row.value("version"))
    }
}

/// A file to be published.
package struct NewFile: Sendable, Equatable {
    package let path: String
    package let bytes: [UInt8]
    package let role: String?
    package let version: Int64?
    package let sha256: String

    package init(path: String, bytes: [UInt8], role: String? = nil, version: Int64? = nil) {
        self.path = path
        self.bytes = bytes
        self.role = role
        self.version = version
        sha256 = Hex.encode(HashAlgorithm.sha256.digest(of: bytes))
    }
}

struct InsertContent: Statement {
    static let sql = "INSERT INTO published_content (sha256, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING"
    let sha256: String
    let bytes: [UInt8]
    var bindings: [Binding] { [.text(sha256), .bytes(bytes)] }
}

struct InsertFile: Query {
    static let sql = """
        INSERT INTO published_file (fleet_id, path, role, version, sha256, release, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING path
        """
    let fleet: Int64
    let file: NewFile
    let release: Int64
    let now: UTCDate

    var bindings: [Binding] {
        [
            .int(fleet), .text(file.path), .text(file.role), .int(file.version), .text(file.sha256), .int(release),
            .date(now),
        ]
    }

    func decode(_ row: Row) throws -> String { try row.value("path") }
}

/// What stands in the way of a file: the same path, or the same version of the role.
struct FindFile: Query {
    static let sql = """
        SELECT sha256 FROM published_file
        WHERE fleet_id = $1 AND path = $2 AND role IS NOT DISTINCT FROM $3 AND version IS NOT DISTINCT FROM $4
        """
    let fleet: Int64
    let file: NewFile
    var bindings: [Binding] { [.int(fleet), .text(file.path), .text(file.role), .int(file.version)] }
    func decode(_ row: Row) throws -> String { try row.value("sha256") }
}

/// A file as it is served: files of a release that is not published yet are not there.
struct FetchFile: Query {
    static let sql = """
        SELECT p.path, c.bytes, p.sha256, p.role, p.version
        FROM published_file p JOIN fleet f ON f.id = p.fleet_id JOIN published_content c ON c.sha256 = p.sha256
        WHERE f.name = $1 AND f.removed_at IS NULL AND p.path = $2 AND p.release <= f.published_release
        ORDER BY p.version DESC NULLS LAST LIMIT 1
        """
    let fleet: FleetName
    let path: String
    var bindings: [Binding] { [.text(fleet.rawValue), .text(path)] }
    func decode(_ row: Row) throws -> PublishedFile { try PublishedFile(row) }
}

struct FetchTimestampVersion: Query {
    static let sql = """
        SELECT coalesce(max(p.version), 0) AS version FROM fleet f LEFT JOIN published_file p
            ON p.fleet_id = f.id AND p.role = 'timestamp' AND p.release <= f.published_release
        WHERE f.name = $1 AND f.removed_at IS NULL GROUP BY f.id
        """
    let fleet: FleetName
    var bindings: [Binding] { [.text(fleet.rawValue)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("version") }
}

/// The roots that are served, from the last one that was made without its predecessor's keys.
struct ListRoots: Query {
    static let sql = """
        SELECT p.path, c.bytes, p.sha256, p.role, p.version
        FROM published_file p JOIN fleet f ON f.id = p.fleet_id JOIN published_content c ON c.sha256 = p.sha256
        WHERE f.name = $1 AND p.role = 'root' AND p.release <= f.published_release AND p.version >= coalesce((
            SELECT max(d.version) FROM metadata_draft d
                JOIN ceremony_fleet s ON s.ceremony_id = d.ceremony_id AND s.fleet_id = d.fleet_id
            WHERE d.fleet_id = f.id AND d.role = 'root' AND s.starts_over AND s.state = 'published'), 0)
        ORDER BY p.version
        """
    let fleet: FleetName
    var bindings: [Binding] { [.text(fleet.rawValue)] }
    func decode(_ row: Row) throws -> PublishedFile { try PublishedFile(row) }
}

/// The newest published file of each role but root.
struct ListCurrentRoles: Query {
    static let sql = """
        SELECT DISTINCT ON (p.role) p.path, c.bytes, p.sha256, p.role, p.version
        FROM published_file p JOIN fleet f ON f.id = p.fleet_id JOIN published_content c ON c.sha256 = p.sha256
        WHERE f.id = $1 AND p.role <> 'root' AND p.release <= f.published_release ORDER BY p.role, p.version DESC
        """
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> PublishedFile { try PublishedFile(row) }
}

/// The highest version of each role that was ever written for a fleet, published or not, drafted for signing, or seen
/// elsewhere.
struct ListRoleVersions: Query {
    static let sql = """
        SELECT role, max(version) AS version FROM (
            SELECT role, version FROM published_file WHERE fleet_id = $1 AND role IS NOT NULL
            UNION ALL SELECT role, version FROM recovered_version WHERE fleet_id = $1 AND role <> 'root'
            UNION ALL SELECT role, version FROM metadata_draft WHERE fleet_id = $1 AND role <> 'root') AS given
        GROUP BY role
        """
    let fleet: Int64
    var bindings: [Binding] { [.int(fleet)] }
    func decode(_ row: Row) throws -> (role: String, version: Int64) {
        (try row.value("role"), try row.value("version"))
    }
}

extension Transaction {
    /// Keeps files for ever. One that is there already with the same bytes changes nothing; with others it is refused.
    func store(_ files: [NewFile], fleet: Int64, release: Int64, now: UTCDate) async throws {
        for file in files {
            try await execute(InsertContent(sha256: file.sha256, bytes: file.bytes))
            let insert = InsertFile(fleet: fleet, file: file, release: release, now: now)
            if try await fetchOptional(insert) != nil { continue }
            guard try await fetchOptional(FindFile(fleet: fleet, file: file)) == file.sha256 else {
                throw StoreError(
                    .fence, "\(file.path) was published with other bytes already",
                    hint: "another publisher was faster; nothing is lost")
            }
        }
    }
}
