import Codecs
import PostgresKit
import Migrations
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct TeamTests {
    @Test func `the name of a removed team is never used again`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.removeTeam(team, by: world.admin.actor, now: start)
        await expect(.conflict) {
            _ = try await world.createTeam(team, displayName: "again", by: world.admin.actor, now: start)
        }
        await expect(.notFound) { _ = try await world.api.team(team) }
        let free = try RegistryScope("registry.example.com/acme")
        let next = try await world.team("next")
        #expect(try await world.addScope(free, to: next, by: world.admin.actor, now: start).scopes.contains(free))
    }

    @Test func `a scope has one owner`() async throws {
        let world = try await World.make()
        let (acme, other) = (try await world.team(), try await world.team("other"))
        let scope = try RegistryScope("registry.example.com/acme")
        await expect(.conflict) {
            _ = try await world.addScope(scope, to: other, by: world.admin.actor, now: start)
        }
        await expect(.notFound) {
            _ = try await world.removeScope(scope, from: other, by: world.admin.actor, now: start)
        }
        let longer = try RegistryScope("registry.example.com/acme/shared")
        _ = try await world.addScope(longer, to: other, by: world.admin.actor, now: start)
        #expect(try await world.api.team(acme).scopes == [scope])
    }

    @Test func `a repository belongs to the owner of the longest scope that covers whole segments of it`() async throws
    {
        let world = try await World.make()
        let (acme, other) = (try await world.team(), try await world.team("other"))
        let shared = try RegistryScope("registry.example.com/acme/shared")
        _ = try await world.addScope(shared, to: other, by: world.admin.actor, now: start)
        let bob = try await world.person("bob", (.teamMember, .team(acme)))
        let add = { (name: String) in
            _ = try await world.api.addRepository(try RegistryScope(name), by: bob.actor, now: start)
        }
        try await add("registry.example.com/acme/app")
        try await add("registry.example.com/acme/app")
        await expect(.forbidden) { try await add("registry.example.com/acme/shared/app") }
        await expect(.conflict) { try await add("registry.example.com/acme-x/app") }
        await expect(.invalid) { try await add("registry.example.com") }
        let known = try await world.api.repositories(try PageRequest()).items
        #expect(known.map(\.rawValue) == ["registry.example.com/acme/app"])
    }

    @Test func `a team has at most 2,000 repositories, however many add at the same time`() async throws {
        let world = try await World.make()
        let (acme, other) = (try await world.team(), try await world.team("other"))
        let bob = try await world.person("bob", (.teamMember, .team(acme)))
        let shared = try RegistryScope("registry.example.com/acme/shared")
        _ = try await world.addScope(shared, to: other, by: world.admin.actor, now: start)
        // The last 50 are in the longer scope of another team.
        try await world.asOwner(
            """
            INSERT INTO repository (name, created_at) SELECT 'registry.example.com/acme/r' || n, now()
            FROM generate_series(1, 1997) n;
            INSERT INTO repository (name, created_at) SELECT 'registry.example.com/acme/shared/r' || n, now()
            FROM generate_series(1, 50) n
            """)
        let added = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<8 {
                group.addTask {
                    let name = try? RegistryScope("registry.example.com/acme/new\(index)")
                    guard let name else { return false }
                    return (try? await world.api.addRepository(name, by: bob.actor, now: start)) ?? false
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(added == 3)
        await expect(.conflict) {
            try await world.api.addRepository(
                try RegistryScope("registry.example.com/acme/more"), by: bob.actor, now: start)
        }
        let known = try RegistryScope("registry.example.com/acme/r1")
        #expect(try await world.api.addRepository(known, by: bob.actor, now: start) == false)
        let elsewhere = try RegistryScope("registry.example.com/acme/shared/new")
        #expect(try await world.api.addRepository(elsewhere, by: world.admin.actor, now: start))
        #expect(try await world.count("SELECT count(*) AS n FROM repository") == 2_051)
    }

    @Test func `there are at most 10,000 repositories`() async throws {
        let world = try await World.make()
        try await world.team()
        try await world.asOwner(
            """
            INSERT INTO repository (name, created_at) SELECT 'registry.example.com/gone/r' || n, now()
            FROM generate_series(1, 9999) n
            """)
        let add = { (name: String) in
            try await world.api.addRepository(
                try RegistryScope("registry.example.com/acme/\(name)"), by: world.admin.actor, now: start)
        }
        #expect(try await add("last"))
        await expect(.conflict) { _ = try await add("more") }
        #expect(try await world.count("SELECT count(*) AS n FROM repository") == 10_000)
    }

    @Test func `a team administrator makes stores of that team only`() async throws {
        let world = try await World.make()
        let (acme, other) = (try await world.team(), try await world.team("other"))
        let bob = try await world.person("bob", (.teamAdmin, .team(acme)))
        let name = try TrustStoreName("extra")
        let mine = TrustStoreID(team: acme, kind: .tsa, name: name)
        _ = try await world.api.createStore(mine, by: bob.actor, now: start)
        await expect(.conflict) { _ = try await world.api.createStore(mine, by: bob.actor, now: start) }
        await expect(.forbidden) {
            _ = try await world.api.createStore(
                TrustStoreID(team: other, kind: .ca, name: name), by: bob.actor, now: start)
        }
        #expect(try await world.api.team(acme).stores.map(\.id.description) == ["ca:acme.prod", "tsa:acme.extra"])
    }

    @Test func `what fails leaves nothing behind, the audit log included`() async throws {
        let world = try await World.make()
        let before = try await world.count("SELECT count(*) AS n FROM audit_event")
        await expect(.notFound) {
            _ = try await world.api.invite(
                subject: "bob", displayName: "B",
                bindings: [
                    try RoleBinding(.auditor, .everything), try RoleBinding(.teamAdmin, .team(try TeamName("nobody"))),
                ], tokenSHA256: World.digest("b"), expires: start.adding(days: 1), by: world.admin.actor, now: start)
        }
        #expect(try await world.count("SELECT count(*) AS n FROM invitation") == 0)
        #expect(try await world.count("SELECT count(*) AS n FROM audit_event") == before)
    }

    @Test func `a list comes in pages that together are the whole list`() async throws {
        let world = try await World.make()
        for index in 0..<7 { try await world.team("team-\(index)") }
        var (names, after): ([String], String?) = ([], nil)
        repeat {
            let page = try await world.api.teams(try PageRequest(after: after, limit: 3))
            names += page.items.map(\.name.rawValue)
            after = page.next
        } while after != nil
        #expect(names == (0..<7).map { "team-\($0)" })
        #expect(throws: StoreError(.invalid, "")) { try PageRequest(limit: 0) }
    }

    @Test func `the API's role can neither add an anchor nor read a private key nor change what was published`()
        async throws
    {
        let world = try await World.make()
        for script in [
            "INSERT INTO anchor DEFAULT VALUES", "SELECT private_key FROM signing_key", "DELETE FROM published_file",
            "UPDATE release SET state = 'published'", "DELETE FROM audit_event",
            "INSERT INTO audit_event DEFAULT VALUES",
            "UPDATE change SET author = 1", "DELETE FROM change_decision", "UPDATE person SET subject = 'x'",
            "ALTER TABLE audit_event DISABLE TRIGGER ALL", "UPDATE credential SET person_id = 1",
        ] {
            await #expect(throws: PostgresError(.permission, ""), "\(script)") {
                try await world.database.withConnection(as: .api) { try await $0.run(script: script) }
            }
        }
    }

    @Test func `the role for hosts sees neither people nor changes nor keys`() async throws {
        let world = try await World.make()
        for table in ["person", "credential", "change", "signing_key", "audit_event", "anchor", "invitation"] {
            await #expect(throws: PostgresError(.permission, ""), "\(table)") {
                try await world.database.withConnection(as: .hosts) { try await $0.run(script: "SELECT FROM \(table)") }
            }
        }
    }
}
