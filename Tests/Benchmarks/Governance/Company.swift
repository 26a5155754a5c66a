import Codecs
import Migrations
import PKI
import PostgresKit
import PrivatePostgres
import RoadsteadStore
import SigningKeys
import TrustModel

/// A database with two people, one who proposes and one who approves, and a team; later a thousand teams.
struct Company: Sendable {
    static let now = UTCDate(seconds: 1_795_000_000)
    static let database = "roadstead"
    static let teams = 1_000
    static let anchorsOfTeam = 100

    let server: PrivatePostgres
    let api: ApiStore
    let publisher: PublisherStore
    let alice: Session
    let bob: Session
    let team: TeamName

    init(_ server: PrivatePostgres) async throws {
        self.server = server
        try await Self.prepare(server)
        let api = ApiStore(pool: try Self.pool(server, .api))
        publisher = PublisherStore(pool: try Self.pool(server, .publisher))
        alice = try await api.authenticate(tokenSHA256: Self.digest("alice"), requestID: "bench", now: Self.now)
        self.api = api.reading(as: Reader(alice))
        bob = try await api.authenticate(tokenSHA256: Self.digest("bob"), requestID: "bench", now: Self.now)
        team = try TeamName("acme")
    }

    static func pool(_ server: PrivatePostgres, _ role: DatabaseRole, connections: Int = 16) throws -> ConnectionPool {
        ConnectionPool(
            server.settings(user: role.rawValue, database: database), limits: try PoolLimits(connections: connections))
    }

    private static func digest(_ text: String) -> [UInt8] { HashAlgorithm.sha256.digest(of: Array(text.utf8)) }

    private static func prepare(_ server: PrivatePostgres) async throws {
        let superuser = try await Connection.open(
            server.settings(user: PrivatePostgres.superuser, database: "postgres"))
        try await DatabaseBootstrap.createRoles(on: superuser)
        try await DatabaseBootstrap.createDatabase(database, on: superuser)
        await superuser.close()
        _ = try await Migrator().apply(to: server.settings(user: DatabaseRole.owner.rawValue, database: database))
        try await asSuperuser(server) { try await $0.run(script: people) }
    }

    /// The rows of a company are laid down as they would be after years, past the triggers that guard each step.
    static func asSuperuser(_ server: PrivatePostgres, _ body: (Connection) async throws -> Void) async throws {
        let connection = try await Connection.open(
            server.settings(user: PrivatePostgres.superuser, database: database))
        try await connection.run(script: "SET session_replication_role = replica; SET timezone = 'UTC'")
        try await body(connection)
        await connection.close()
    }

    private static let people = """
        INSERT INTO person (issuer, subject, display_name, created_at)
            VALUES ('local', 'alice', 'Alice', now()), ('local', 'bob', 'Bob', now());
        INSERT INTO credential (person_id, token_sha256, label, access, holder, created_at, expires_at)
            SELECT id, sha256(convert_to(subject, 'UTF8')), 'bench', 'write', 'person', '2020-01-01', '2100-01-01'
            FROM person;
        INSERT INTO role_binding (person_id, role, granted_at) SELECT id, 'trust-admin', '2020-01-01' FROM person;
        INSERT INTO team (name, display_name, created_at) VALUES ('acme', 'acme', '2020-01-01');
        INSERT INTO team_scope SELECT 'registry.example.com/acme', id, '2020-01-01' FROM team;
        INSERT INTO trust_store (team_id, kind, name, created_at) SELECT id, 'ca', 'prod', '2020-01-01' FROM team;
        INSERT INTO team_content (team_id, number, document)
            SELECT id, 1, '{"schema":1,"stores":[{"anchors":[],"kind":"ca","name":"prod"}]}' FROM team;
        INSERT INTO root_rule (name, definition, created_by, created_at)
            SELECT 'any', '{"allow":{"count":1,"securityOfficers":0},"conditions":{},"name":"any"}', id, '2020-01-01'
            FROM person WHERE subject = 'alice';
        """

    /// A thousand more teams, each with a scope, a store and a hundred anchors.
    func fill() async throws {
        try await Self.asSuperuser(server) { connection in
            try await connection.run(
                script: """
                    INSERT INTO team (name, display_name, created_at)
                        SELECT 'bench-' || lpad(n::text, 4, '0'), 'Bench ' || n, '2020-01-01'
                        FROM generate_series(1, \(Self.teams)) n;
                    INSERT INTO team_scope SELECT 'registry.example.com/' || name, id, '2020-01-01' FROM team
                        WHERE name LIKE 'bench-%';
                    INSERT INTO trust_store (team_id, kind, name, created_at)
                        SELECT id, 'ca', 'prod', '2020-01-01' FROM team WHERE name LIKE 'bench-%';
                    INSERT INTO anchor (store_id, team_id, certificate, sha256, key_sha256, subject, not_before,
                            not_after, origin, justification, owner, added_by_change, added_at)
                        SELECT s.id, s.team_id, c.der, encode(sha256(c.der), 'hex'), encode(sha256(c.der), 'hex'),
                            'CN=bench ' || s.id || ' ' || n, '2020-01-01', '2100-01-01', 'own', 'bench', 'alice', 1,
                            '2020-01-01'
                        FROM trust_store s JOIN team t ON t.id = s.team_id, generate_series(1, \(Self.anchorsOfTeam)) n,
                            LATERAL (SELECT convert_to('anchor ' || s.id || ' ' || n || repeat('x', 1100), 'UTF8') AS der) c
                        WHERE t.name LIKE 'bench-%';
                    ANALYZE;
                    """)
        }
    }
}
