import Codecs
import PostgresKit
import TrustModel

private let teamColumns = "id, name, display_name, custody, content_version, created_at"

extension TeamRow {
    init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), name: try row.value("name", { try TeamName($0) }),
            displayName: try row.value("display_name"), custody: try row.value("custody", { try stored($0) }),
            version: try row.value("content_version"), created: try row.value("created_at"))
    }
}

struct FetchTeam: Query {
    static let sql = "SELECT \(teamColumns) FROM team WHERE name = $1 AND removed_at IS NULL"
    let name: TeamName
    var bindings: [Binding] { [.text(name.rawValue)] }
    func decode(_ row: Row) throws -> TeamRow { try TeamRow(row) }
}

/// Whoever changes what a team publishes takes this first.
struct LockTeam: Query {
    static let sql = "SELECT \(teamColumns) FROM team WHERE name = $1 AND removed_at IS NULL FOR NO KEY UPDATE"
    let name: TeamName
    var bindings: [Binding] { [.text(name.rawValue)] }
    func decode(_ row: Row) throws -> TeamRow { try TeamRow(row) }
}

struct ListTeams: Query {
    static let sql = """
        SELECT \(teamColumns) FROM team WHERE removed_at IS NULL AND name > $1 AND ($2::text[] IS NULL OR name = ANY ($2))
        ORDER BY name LIMIT $3
        """
    let after: String
    let readable: Readable<TeamName>
    let limit: Int
    var bindings: [Binding] { [.text(after), .names(readable), .int(limit)] }
    func decode(_ row: Row) throws -> TeamRow { try TeamRow(row) }
}

struct InsertTeam: Query {
    static let sql = """
        INSERT INTO team (name, display_name, custody, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING RETURNING \(teamColumns)
        """
    let name: TeamName
    let displayName: String
    let custody: Custody
    let now: UTCDate
    var bindings: [Binding] { [.text(name.rawValue), .text(displayName), .text(custody.rawValue), .date(now)] }
    func decode(_ row: Row) throws -> TeamRow { try TeamRow(row) }
}

struct FetchTeamRemoval: Query {
    static let sql = "SELECT removed_at FROM team WHERE name = $1"
    let name: TeamName
    var bindings: [Binding] { [.text(name.rawValue)] }
    func decode(_ row: Row) throws -> UTCDate? { try row.value("removed_at") }
}

struct MarkTeamRemoved: Statement {
    static let sql = "UPDATE team SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL"
    let id: Int64
    let now: UTCDate
    var bindings: [Binding] { [.int(id), .date(now)] }
}

/// Keeps what the team's anchors are now as its next content, and gives that its number.
struct AdvanceTeam: Query {
    static let sql = "SELECT advance_team_content($1, $2) AS number"
    let id: Int64
    /// The change that led to it; nil for a new store.
    let change: Int64?
    var bindings: [Binding] { [.int(id), .int(change)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("number") }
}

struct CountFleetsOfTeam: Query {
    static let sql = "SELECT count(*) AS fleets FROM fleet_team WHERE team_id = $1"
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> Int { try row.value("fleets") }
}

// MARK: - Registry scopes and repositories

struct ListScopes: Query {
    static let sql = "SELECT team_id, scope FROM team_scope WHERE team_id = ANY ($1) ORDER BY scope"
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> (team: Int64, scope: RegistryScope) {
        (try row.value("team_id"), try row.value("scope", { try RegistryScope($0) }))
    }
}

struct FetchScopeOwner: Query {
    static let sql = "SELECT t.name FROM team_scope s JOIN team t ON t.id = s.team_id WHERE s.scope = $1"
    let scope: RegistryScope
    var bindings: [Binding] { [.text(scope.rawValue)] }
    func decode(_ row: Row) throws -> TeamName { try row.value("name", { try TeamName($0) }) }
}

/// The owner of the longest scope that covers a repository, by whole path segments.
struct FetchRepositoryOwner: Query {
    static let sql = """
        SELECT name FROM team_name(repository_team($1)) AS name WHERE name IS NOT NULL
        """
    let repository: RegistryScope
    var bindings: [Binding] { [.text(repository.rawValue)] }
    func decode(_ row: Row) throws -> TeamName { try row.value("name", { try TeamName($0) }) }
}

struct InsertScope: Query {
    static let sql = """
        INSERT INTO team_scope (scope, team_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING scope
        """
    let scope: RegistryScope
    let team: Int64
    let now: UTCDate
    var bindings: [Binding] { [.text(scope.rawValue), .int(team), .date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("scope") }
}

struct DeleteScope: Statement {
    static let sql = "DELETE FROM team_scope WHERE scope = $1 AND team_id = $2"
    let scope: RegistryScope
    let team: Int64
    var bindings: [Binding] { [.text(scope.rawValue), .int(team)] }
}

struct DeleteScopesOfTeam: Statement {
    static let sql = "DELETE FROM team_scope WHERE team_id = $1"
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
}

struct InsertRepository: Query {
    static let sql = "INSERT INTO repository (name, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name"
    let name: RegistryScope
    let now: UTCDate
    var bindings: [Binding] { [.text(name.rawValue), .date(now)] }
    func decode(_ row: Row) throws -> String { try row.value("name") }
}

struct DeleteRepository: Statement {
    static let sql = "DELETE FROM repository WHERE name = $1"
    let name: RegistryScope
    var bindings: [Binding] { [.text(name.rawValue)] }
}

/// How many repositories there are, and how many of them fall to a team by the longest scope; by index ranges.
struct CountRepositories: Query {
    static let sql = """
        SELECT everywhere, of_team FROM count_repositories($1)
        """
    let team: Int64
    var bindings: [Binding] { [.int(team)] }
    func decode(_ row: Row) throws -> (everywhere: Int, ofTeam: Int) {
        (try row.value("everywhere"), try row.value("of_team"))
    }
}

/// Repositories that fall to readable teams, by the longest scope.
struct ListRepositories: Query {
    static let sql = """
        SELECT r.name FROM repository r WHERE r.name > $1 AND ($2::text[] IS NULL
            OR team_name(repository_team(r.name)) = ANY ($2))
        ORDER BY r.name LIMIT $3
        """
    let after: String
    let readable: Readable<TeamName>
    let limit: Int
    var bindings: [Binding] { [.text(after), .names(readable), .int(limit)] }
    func decode(_ row: Row) throws -> RegistryScope { try row.value("name", { try RegistryScope($0) }) }
}

// MARK: - Trust stores

struct ListStores: Query {
    static let sql = """
        SELECT s.id, s.team_id, t.name AS team, s.kind, s.name,
            (SELECT count(*) FROM anchor a WHERE a.store_id = s.id AND a.state = 'active') AS anchors
        FROM trust_store s JOIN team t ON t.id = s.team_id WHERE s.team_id = ANY ($1) ORDER BY s.kind, s.name
        """
    let teams: [Int64]
    var bindings: [Binding] { [.ints(teams)] }
    func decode(_ row: Row) throws -> (id: Int64, team: Int64, store: StoreRecord) {
        (
            try row.value("id"), try row.value("team_id"),
            StoreRecord(
                id: try TrustStoreID(row, team: "team", kind: "kind", name: "name"), anchors: try row.value("anchors"))
        )
    }
}

struct InsertStore: Query {
    static let sql = """
        INSERT INTO trust_store (team_id, kind, name, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING RETURNING id
        """
    let team: Int64
    let kind: TrustStoreKind
    let name: TrustStoreName
    let now: UTCDate
    var bindings: [Binding] { [.int(team), .text(kind.rawValue), .text(name.rawValue), .date(now)] }
    func decode(_ row: Row) throws -> Int64 { try row.value("id") }
}

extension TrustStoreID {
    init(_ row: Row, team: String, kind: String, name: String) throws {
        self.init(
            team: try row.value(team, { try TeamName($0) }), kind: try row.value(kind, { try stored($0) }),
            name: try row.value(name, { try TrustStoreName($0) }))
    }
}
