import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct AuditTests {
    @Test func `every change writes its event, and the chain holds`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let chain = try await world.publisher.verifyAudit(batch: 2)
        #expect(chain.isIntact)
        #expect(chain.entries == 6)
        let events = try await world.api.auditEvents(try PageRequest()).items
        #expect(
            events.map(\.action) == [
                "bootstrap.opened", "bootstrap.redeemed", "team.created", "scope.added", "change.published",
                "store.created",
            ])
        #expect(events.last?.actor == "person:\(world.admin.person.id)")
        #expect(events.last?.requestID == "r-0")
        let ofTeam = try await world.api.auditEvents(try PageRequest(), AuditFilter(team: team)).items
        #expect(ofTeam.count == 3)
    }

    @Test func `changing, removing or adding an event is refused, also to the owner`() async throws {
        let world = try await World.make()
        for script in [
            "UPDATE audit_event SET object = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event",
        ] {
            await #expect(throws: (any Error).self) { try await world.asOwner(script) }
        }
    }

    static let tamperings = [
        "UPDATE audit_event SET object = 'other' WHERE sequence = 3",
        "UPDATE audit_event SET at = at + interval '1 second' WHERE sequence = 3",
        "UPDATE audit_event SET actor = 'server' WHERE sequence = 3",
        "UPDATE audit_event SET team = NULL WHERE sequence = 3",
        "UPDATE audit_event SET request_id = '' WHERE sequence = 3",
        "UPDATE audit_event SET hash = sha256('x') WHERE sequence = 3",
        "DELETE FROM audit_event WHERE sequence = 3",
    ]

    @Test(arguments: tamperings)
    func `an owner who switches the triggers off and changes an event is found out`(_ script: String) async throws {
        let world = try await World.make()
        try await world.team()
        try await world.asOwner("ALTER TABLE audit_event DISABLE TRIGGER USER")
        try await world.asOwner(script)
        let chain = try await world.publisher.verifyAudit()
        #expect(chain.firstBroken == 3)
        #expect(chain.entries == 2)
    }

    @Test func `events cut off at the end are missed`() async throws {
        let world = try await World.make()
        try await world.team()
        try await world.asOwner(
            "ALTER TABLE audit_event DISABLE TRIGGER USER; DELETE FROM audit_event WHERE sequence > 3")
        #expect(try await world.publisher.verifyAudit().firstBroken == 4)
    }

    @Test func `events of many writers at once make one chain without a gap`() async throws {
        let world = try await World.make()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<12 { group.addTask { try await world.team("team-\(index)") } }
            try await group.waitForAll()
        }
        let chain = try await world.publisher.verifyAudit()
        #expect(chain.isIntact)
        #expect(chain.entries == 2 + 48)
    }
}
