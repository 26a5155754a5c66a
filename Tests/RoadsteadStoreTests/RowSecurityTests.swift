import Migrations
import PostgresKit
import PostgresTesting
import Testing
import TrustModel

@testable import RoadsteadStore

/// The second wall by itself: statements are run as a person with nothing asked before.
@Suite(.postgres) struct RowSecurityTests {
    /// Tables with a team that are no team's: sign-in reads them before there is a person, and roles are governance.
    private static let ofPeople: Set<String> = ["credential", "role_binding", "identity_link", "group_role"]

    /// Two teams with something of every kind that is easily made, and a member of the first.
    private struct Scene {
        let world: World
        let member: Session
        let own: Int64
        let foreign: Int64

        func pool(_ person: PersonID?) throws -> PersonalPool {
            PersonalPool(pool: try world.database.pool(.api), person: person)
        }
    }

    private static func scene() async throws -> Scene {
        let world = try await World.make()
        try await world.rule()
        var ids: [Int64] = []
        for name in ["acme", "beta"] {
            let team = try await world.team(name)
            let admin = try await world.person("admin-\(name)", (.teamAdmin, .team(team)))
            let certificate = Array(name.utf8)
            try await world.approve(try await world.propose(certificate, in: team, by: world.admin), by: admin)
            _ = try await world.publisher.publishApprovedChanges(now: start)
            _ = try await world.propose(certificate + [1], in: team, by: admin)
            _ = try await world.api.deny(
                .certificate(sha256: String(repeating: name == "acme" ? "a" : "b", count: 64)), in: team,
                reason: "stolen", by: admin.actor, now: start)
            _ = try await world.api.addRepository(
                try RegistryScope("registry.example.com/\(name)/app"), by: admin.actor, now: start)
            let key = PublicKeyRecord(
                keyID: String(repeating: name == "acme" ? "1" : "2", count: 64), publicKey: certificate,
                keyObject: Array("{}".utf8))
            _ = try await world.api.registerTeamKey(key, of: team, by: admin.actor, now: start)
            ids.append(
                Int64(
                    try await world.database.withConnection(as: .owner) {
                        try await $0.rows(running: "SELECT id FROM team WHERE name = $1", [.text(name)])[0]
                            .value("id") as Int
                    }))
        }
        let member = try await world.person("bob", (.teamMember, .team(try TeamName("acme"))))
        return Scene(world: world, member: member, own: ids[0], foreign: ids[1])
    }

    private static func tablesWithTeam(_ database: TestDatabase) async throws -> [(name: String, isForced: Bool)] {
        try await database.withConnection(as: .owner) { connection in
            try await connection.rows(
                """
                SELECT c.relname::text AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname = 'team_id'
                    AND NOT a.attisdropped ORDER BY 1
                """
            ).map { (try $0.value("name"), try $0.value("forced")) }
        }.filter { !ofPeople.contains($0.name) }
    }

    @Test func `every table whose rows are a team's is behind the wall, also for its owner`() async throws {
        let database = try #require(TestDatabase.current)
        let tables = try await Self.tablesWithTeam(database)
        #expect(tables.count >= 16)
        for table in tables where !table.isForced {
            Issue.record(
                "\(table.name) has a team and no wall: end its migration with SELECT raise_team_wall('\(table.name)')")
        }
        let others = [
            "team", "repository", "change_decision", "role_draft_signature", "audit_event", "webhook",
            "webhook_delivery", "notice",
        ]
        for name in others {
            let walled: Bool = try await database.withConnection(as: .owner) {
                try await $0.rows(
                    running: "SELECT relforcerowsecurity AS f FROM pg_class WHERE oid = $1::text::regclass",
                    [.text(name)])[0].value("f")
            }
            #expect(walled, "\(name)")
        }
    }

    @Test func `no table shows or gives a team's rows to another's member, and nothing to nobody`() async throws {
        let scene = try await Self.scene()
        let (member, nobody) = (try scene.pool(scene.member.person.id), try scene.pool(nil))
        var own = 0
        for (table, _) in try await Self.tablesWithTeam(scene.world.database) {
            own += try await Self.count(table, of: scene.own, member) ?? 0
            #expect(try await Self.count(table, of: scene.foreign, member) ?? 0 == 0, "\(table)")
            #expect(try await Self.count(table, of: scene.own, nobody) ?? 0 == 0, "\(table)")
            for column in try await Self.writable(table, scene.world.database) {
                let update = "UPDATE \(table) SET \(column) = \(column) WHERE team_id = $1 RETURNING 1 AS one"
                #expect(try await member.rows(running: update, [.int(scene.foreign)]).isEmpty, "\(table).\(column)")
            }
        }
        #expect(own >= 6)
    }

    /// nil for a table that the API may not read at all.
    private static func count(_ table: String, of team: Int64, _ pool: PersonalPool) async throws -> Int? {
        do {
            let sql = "SELECT count(*) AS n FROM (SELECT team_id FROM \(table) WHERE team_id = $1) AS r"
            return try await pool.rows(running: sql, [.int(team)])[0].value("n")
        } catch let error as PostgresError where error.sqlState == "42501" {
            return nil
        }
    }

    /// Columns that the API's role may set, and whose table it may so touch; fences have their own tests.
    private static func writable(_ table: String, _ database: TestDatabase) async throws -> [String] {
        try await database.withConnection(as: .owner) {
            try await $0.rows(
                running: """
                    SELECT attname::text AS name FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0
                        AND NOT attisdropped AND attgenerated = ''
                        AND has_column_privilege('roadstead_api', attrelid, attnum, 'UPDATE') ORDER BY attnum
                    """, [.text(table)]
            ).map { try $0.value("name") }
        }
    }

    @Test func `the store's own statements find nothing of another team, whatever they ask for`() async throws {
        let scene = try await Self.scene()
        let pool = try scene.pool(scene.member.person.id)
        let (acme, beta) = (try TeamName("acme"), try TeamName("beta"))
        let both = [scene.own, scene.foreign]
        let teams = try await pool.fetchAll(ListTeams(after: "", readable: .everything, limit: 100)).map(\.name)
        #expect(teams == [acme])
        #expect(try await pool.fetchOptional(FetchTeam(name: beta)) == nil)
        #expect(try await pool.fetchAll(ListScopes(teams: both)).map(\.team) == [scene.own])
        #expect(try await pool.fetchAll(ListStores(teams: both)).map(\.team) == [scene.own])
        let anchors = try await pool.fetchAll(
            ListAnchors(after: 0, filter: AnchorFilter(), readable: .everything, limit: 100))
        #expect(anchors.map(\.store.team) == [acme])
        #expect(try await pool.fetchOptional(FetchAnchor(id: anchors[0].id + 1)) == nil)
        let changes = try await pool.fetchAll(
            ListChanges(after: 0, filter: ChangeFilter(), reader: .server, limit: 100))
        #expect(!changes.isEmpty && changes.allSatisfy { $0.team == acme || $0.team == nil })
        let denials = try await pool.fetchAll(
            ListDenials(after: 0, filter: DenialFilter(), readable: .everything, limit: 100))
        #expect(denials.map(\.team) == [acme])
        let repositories = try await pool.fetchAll(ListRepositories(after: "", readable: .everything, limit: 100))
        #expect(repositories.map(\.rawValue) == ["registry.example.com/acme/app"])
        #expect(try await pool.fetchAll(ListTeamKeys(team: scene.foreign)).isEmpty)
        #expect(try await pool.fetchAll(ListTeamKeys(team: scene.own)).count == 1)
        let events = try await pool.fetchAll(ListAuditEvents(after: 0, readable: .everything, limit: 1_000))
        #expect(!events.isEmpty && events.allSatisfy { $0.team == acme.rawValue })
    }

    @Test func `receivers and what they are told are there for who administers, and for nobody else`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let member = try await world.person("bob", (.teamAdmin, .team(team)))
        let officer = try await world.person("olga", (.securityOfficer, .everything))
        _ = try await world.publisher.masterKeyCheckValue(settingIfAbsent: "0123456789abcdef", now: start)
        let chat = try await world.api.addWebhook(
            try NewWebhook(
                name: "chat", url: "https://example.com/", events: [.denialIssued],
                secret: [UInt8](repeating: 7, count: 60)),
            sealedUnder: "0123456789abcdef", by: world.admin.actor, now: start)
        _ = try await world.api.testWebhook(chat.id, by: world.admin.actor, now: start)
        for person in [member.person.id, officer.person.id, nil] {
            let pool = PersonalPool(pool: try world.database.pool(.api), person: person)
            #expect(try await pool.fetchAll(ListWebhooks(id: nil)).isEmpty)
            #expect(try await pool.fetchAll(ListDeliveries(webhook: chat.id, before: .max, limit: 10)).isEmpty)
            #expect(try await pool.fetchOptional(RemoveWebhook(id: chat.id, now: start)) == nil)
            #expect(try await pool.fetchOne(QueueTestDelivery(webhook: chat.id, now: start)) == nil)
        }
        let alice = PersonalPool(pool: try world.database.pool(.api), person: world.admin.person.id)
        #expect(try await alice.fetchAll(ListWebhooks(id: nil)).count == 1)
        for sql in [
            "SELECT body FROM webhook_delivery",
            "INSERT INTO webhook_delivery (webhook_id, event, body, created_at, next_at) "
                + "VALUES (1, 'denial.issued', '{}', now(), now())",
        ] {
            let error = await #expect(throws: PostgresError.self) { _ = try await alice.rows(running: sql, []) }
            #expect(error?.sqlState == "42501", "\(sql)")
        }
    }

    @Test func `nobody writes a row into another team`() async throws {
        let scene = try await Self.scene()
        let pool = try scene.pool(scene.member.person.id)
        let violation = "42501"
        func refused(_ statement: some Statement) async {
            do {
                _ = try await pool.rows(running: type(of: statement).sql, statement.bindings)
                Issue.record("\(type(of: statement)) was taken")
            } catch {
                #expect((error as? PostgresError)?.sqlState == violation, "\(type(of: statement)): \(error)")
            }
        }
        await refused(
            InsertStore(team: scene.foreign, kind: .ca, name: try TrustStoreName("mine"), now: start))
        await refused(
            InsertDenial(
                subject: .key(sha256: String(repeating: "c", count: 64)), team: scene.foreign, reason: "x",
                author: scene.member.person.id, change: nil, now: start))
        await refused(
            InsertRepository(name: try RegistryScope("registry.example.com/beta/other"), now: start))
        await refused(
            InsertTeamKey(
                key: PublicKeyRecord(
                    keyID: String(repeating: "3", count: 64), publicKey: [3], keyObject: Array("{}".utf8)),
                team: scene.foreign, holder: scene.member.person.id, now: start))
    }

    @Test func `one's own change stays in sight, and a hidden team never widens a role or a token`() async throws {
        let scene = try await Self.scene()
        let change = try await scene.world.propose([9], in: try TeamName("acme"), by: scene.member)
        try await scene.world.asOwner(
            "UPDATE role_binding SET revoked_at = now(), revoked_by = person_id WHERE role = 'team-member'")
        let pool = try scene.pool(scene.member.person.id)
        let seen = try await pool.fetchAll(ListChanges(after: 0, filter: ChangeFilter(), reader: .server, limit: 100))
        #expect(seen.map(\.number) == [change.change.number])
        #expect(try await pool.fetchAll(ListTeams(after: "", readable: .everything, limit: 100)).isEmpty)

        let limited = try await scene.world.secondToken(
            of: scene.world.admin, TokenLimits(access: .write, holder: .person, team: try TeamName("beta")))
        #expect(limited.limits.team == (try TeamName("beta")))
        let bindings = try await scene.pool(nil).fetchAll(ListBindings(after: 0, limit: 100)).map(\.binding)
        #expect(bindings.filter { $0.reach == .everything }.map(\.role) == [.trustAdmin])
    }

    @Test func `every role that serves is held by the wall, and its owner is told apart`() async throws {
        let database = try #require(TestDatabase.current)
        for role in [DatabaseRole.api, .publisher, .hosts] { try await PlainRole.require(try database.pool(role)) }
        await expect(.forbidden) { try await PlainRole.require(try database.pool(.owner)) }
        let superuser = ConnectionPool(
            database.cluster.superuserSettings(database: database.name), limits: try PoolLimits(connections: 1))
        await expect(.forbidden) { try await PlainRole.require(superuser) }
    }
}
