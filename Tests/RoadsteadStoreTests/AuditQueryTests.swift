import Codecs
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct AuditQueryTests {
    private func actions(_ world: World, _ filter: AuditFilter) async throws -> [String] {
        try await world.api.auditEvents(try PageRequest(limit: 1_000), filter).items.map(\.action)
    }

    @Test func `the log is asked by time, person, object and action`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let later = TrustStoreID(team: team, kind: .tsa, name: try TrustStoreName("times"))
        _ = try await world.api.createStore(later, by: world.admin.actor, now: start.adding(days: 1))
        let admin = "person:\(world.admin.person.id)"
        #expect(try await actions(world, AuditFilter(from: start.adding(seconds: 1))) == ["store.created"])
        #expect(try await actions(world, AuditFilter(to: start.adding(seconds: 1))).last == "store.created")
        #expect(try await actions(world, AuditFilter(actor: admin)).last == "store.created")
        #expect(try await actions(world, AuditFilter(actor: "server")).allSatisfy { $0.hasPrefix("bootstrap.") })
        #expect(try await actions(world, AuditFilter(action: "store.created")).count == 2)
        #expect(try await actions(world, AuditFilter(object: "bootstrap")) == ["bootstrap.opened"])
        #expect(try await actions(world, AuditFilter(action: "team.created", team: team)).count == 1)
        #expect(try await actions(world, AuditFilter(team: try TeamName("other"))).isEmpty)
    }

    @Test func `somebody with several roles sees what they reach together, and nothing else`() async throws {
        let world = try await World.make()
        let (acme, other, third) = (
            try await world.team("acme"), try await world.team("other"), try await world.team("third")
        )
        let bob = try await world.person("bob", (.teamMember, .team(acme)), (.teamAdmin, .team(other)))
        let api = world.api.reading(as: Reader(bob))
        let teams = try await api.auditEvents(try PageRequest(limit: 1_000)).items.map(\.team)
        #expect(Set(teams) == [acme.rawValue, other.rawValue])
        #expect(try await api.auditEvents(try PageRequest(), AuditFilter(team: third)).items.isEmpty)
    }

    @Test func `only an auditor exports, and no more than what the role reaches`() async throws {
        let world = try await World.make()
        let acme = try await world.team("acme")
        #expect(throws: StoreError(.forbidden, "")) { try ReadableAudit(exportedBy: world.admin) }
        let carol = try await world.person("carol", (.auditor, .everything))
        #expect(try ReadableAudit(exportedBy: carol).isEverything)
        let dora = try await world.person("dora", (.auditor, .team(acme)), (.teamMember, .team(acme)))
        let part = try ReadableAudit(exportedBy: dora)
        #expect(!part.isEverything && part.teams == .only([acme]) && part.fleets == .nothing)
    }

    @Test func `a refused attempt is kept with who, what and why, and without what cannot be printed`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let attempt = RefusedAttempt(
            actor: world.admin.actor, operation: "POST /v1/changes", object: "/v1/\u{7}changes\n",
            code: "store.refused-by-rule", reason: "refused by\nrule x", team: team)
        try await world.api.record(attempt, now: start)
        let entry = try #require(
            try await world.api.auditEvents(try PageRequest(), AuditFilter(action: "attempt.refused", team: team)).items
                .first)
        #expect(entry.object == "/v1/changes" && entry.actor == "person:\(world.admin.person.id)")
        let detail = try JSON(parsing: Array(entry.detail.utf8)).object("detail")
        #expect(detail["reason"] == "refused byrule x" && detail["problem"] == "store.refused-by-rule")
        #expect(try await world.publisher.verifyAudit().isIntact)
    }

    @Test func `the first use of a credential on a day is an entry, and later ones are not`() async throws {
        let world = try await World.make()
        func use(_ seconds: Int64) async throws -> Int {
            _ = try await world.api.authenticate(
                tokenSHA256: World.digest("alice-1"), requestID: "r", now: start.adding(seconds: seconds))
            return try await actions(world, AuditFilter(action: "sign-in.succeeded")).count
        }
        #expect(try await use(0) == 1)
        #expect(try await use(61) == 1)
        #expect(try await use(86_400) == 2)
    }

    @Test func `many first uses at once are one entry`() async throws {
        let world = try await World.make()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    _ = try await world.api.authenticate(
                        tokenSHA256: World.digest("alice-1"), requestID: "r", now: start)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await actions(world, AuditFilter(action: "sign-in.succeeded")).count == 1)
    }

    @Test func `a log rewritten by its owner, hashes and all, disagrees with a signed head`() async throws {
        let world = try await World.make()
        try await world.team()
        let head = SignedAuditHead(
            head: try await world.api.auditHead(), fleet: try FleetName("demo"), release: 3, issued: start)
        #expect(try await world.publisher.verifyAudit([head]).countersigned == head)
        try await world.asOwner(
            """
            ALTER TABLE audit_event DISABLE TRIGGER USER;
            CREATE TABLE kept AS SELECT * FROM audit_event WHERE sequence <> 4 ORDER BY sequence;
            DELETE FROM audit_event;
            UPDATE audit_head SET sequence = 0, hash = decode(repeat('00', 32), 'hex');
            SELECT append_audit_event(at, actor, credential_id, request_id, action, team, fleet, object, detail)
                FROM (SELECT * FROM kept ORDER BY sequence) AS k;
            SELECT append_audit_event(date_trunc('second', now()), 'server', NULL, NULL, 'x.y', NULL, NULL, 'x', '{}');
            """)
        #expect(try await world.publisher.verifyAudit().isIntact)
        let chain = try await world.publisher.verifyAudit([head])
        #expect(chain.firstBroken == head.head.sequence)
        #expect(chain.broken?.reason.contains("release 3 of fleet demo") == true)
    }
}
