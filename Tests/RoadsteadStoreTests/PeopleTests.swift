import Codecs
import Migrations
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct PeopleTests {
    @Test func `the bootstrap token makes one administrator, once, within its hour`() async throws {
        let world = try await World.make()
        let redeem = { (token: String) in
            _ = try await world.api.redeemBootstrap(
                tokenSHA256: World.digest(token), subject: "mallory", displayName: "M",
                credential: World.credential("m-1"), requestID: "r", now: start)
        }
        await expect(.notOpen) { try await redeem("bootstrap") }
        await expect(.notOpen) {
            try await world.api.openBootstrap(
                tokenSHA256: World.digest("x"), expires: start.adding(seconds: 10), now: start)
        }
        #expect(world.admin.bindings == [try RoleBinding(.trustAdmin, .everything)])
    }

    @Test func `a wrong or late bootstrap token makes nobody`() async throws {
        let database = try #require(TestDatabase.current)
        let api = ApiStore(pool: try database.pool(.api))
        try await api.openBootstrap(
            tokenSHA256: World.digest("right"), expires: start.adding(seconds: 3_600), now: start)
        let redeem = { (token: String, now: UTCDate) in
            _ = try await api.redeemBootstrap(
                tokenSHA256: World.digest(token), subject: "alice", displayName: "A",
                credential: World.credential("a-1"), requestID: "r", now: now)
        }
        await expect(.unauthenticated) { try await redeem("wrong", start) }
        await expect(.expired) { try await redeem("right", start.adding(seconds: 3_600)) }
        #expect(try await api.hasAdministrator() == false)
        try await redeem("right", start)
        #expect(try await api.hasAdministrator())
    }

    @Test func `an invitation works once and not past its end`() async throws {
        let world = try await World.make()
        _ = try await world.person("bob", (.auditor, .everything))
        let accept = { (name: String, now: UTCDate) in
            _ = try await world.api.acceptInvitation(
                tokenSHA256: World.digest("invitation of \(name)"), credential: World.credential("again-\(now)"),
                requestID: "r", now: now)
        }
        await expect(.unauthenticated) { try await accept("bob", start) }
        await expect(.unauthenticated) { try await accept("nobody", start) }
        _ = try await world.api.invite(
            subject: "carol", displayName: "C", bindings: [try RoleBinding(.auditor, .everything)],
            tokenSHA256: World.digest("invitation of carol"), expires: start.adding(days: 1), by: world.admin.actor,
            now: start)
        await expect(.expired) { try await accept("carol", start.adding(days: 1)) }
    }

    @Test func `a token is good until it expires or is revoked`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.auditor, .everything))
        let signIn = { (now: UTCDate) in
            _ = try await world.api.authenticate(tokenSHA256: World.digest("bob-1"), requestID: "r", now: now)
        }
        try await signIn(start)
        await expect(.unauthenticated) { try await signIn(start.adding(days: 90)) }
        try await world.api.revokeCredential(bob.credential.id, by: bob.actor, now: start)
        await expect(.unauthenticated) { try await signIn(start) }
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(tokenSHA256: World.digest("unknown"), requestID: "r", now: start)
        }
    }

    @Test func `a session that outlived its token can do nothing more`() async throws {
        let world = try await World.make()
        let second = try await world.secondToken(of: world.admin)
        try await world.api.revokeCredential(second.credential.id, by: world.admin.actor, now: start)
        await expect(.unauthenticated) {
            _ = try await world.createTeam(try TeamName("acme"), displayName: "x", by: second.actor, now: start)
        }
    }

    @Test func `a token makes none that is wider than itself`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let wide = World.credential("wide")
        for limits in [
            TokenLimits(access: .write, holder: .machine), TokenLimits(access: .write, holder: .person, team: team),
            TokenLimits(access: .read, holder: .person),
        ] {
            let narrow = try await world.secondToken(of: world.admin, limits)
            await expect(.forbidden) {
                _ = try await world.api.issueCredential(wide, by: narrow.actor, now: start)
            }
        }
    }

    @Test func `a read token and a token of one team are held to that`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let reader = try await world.secondToken(of: world.admin, TokenLimits(access: .read, holder: .person))
        let limited = try await world.secondToken(
            of: world.admin, TokenLimits(access: .write, holder: .person, team: team))
        await expect(.forbidden) { _ = try await world.propose(in: team, by: reader) }
        await expect(.forbidden) {
            _ = try await world.createTeam(try TeamName("new"), displayName: "x", by: limited.actor, now: start)
        }
        #expect(try await world.propose(in: team, by: limited).change.state == .submitted)
    }

    @Test func `nobody but a trust administrator gives roles`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let all = try RoleBinding(.trustAdmin, .everything)
        await expect(.forbidden) { _ = try await world.grant(all, to: "bob", by: bob.actor, now: start) }
        await expect(.forbidden) {
            _ = try await world.api.invite(
                subject: "eve", displayName: "E", bindings: [all], tokenSHA256: World.digest("e"),
                expires: start.adding(days: 1), by: bob.actor, now: start)
        }
    }

    @Test func `the last trust administrator stays, also when two leave at once`() async throws {
        let world = try await World.make()
        let bob = try await world.person("bob", (.trustAdmin, .everything))
        _ = try await world.person("carol", (.securityOfficer, .everything))
        let bindings = try await world.api.roleBindings(try PageRequest()).items
        let results = await withTaskGroup(of: Bool.self) { group in
            for (binding, session) in [(bindings[0], bob), (bindings[1], world.admin)] {
                group.addTask {
                    (try? await world.revokeBinding(binding.id, by: session.actor, now: start)) != nil
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count { $0 } <= 1)
        #expect(try await world.api.hasAdministrator())
    }

    @Test func `a login name is taken once, and a person keeps it for ever`() async throws {
        let world = try await World.make()
        await expect(.conflict) { _ = try await world.person("alice", (.auditor, .everything)) }
        await #expect(throws: (any Error).self) { try await world.asOwner("UPDATE person SET subject = 'x'") }
        await #expect(throws: (any Error).self) { try await world.asOwner("DELETE FROM person") }
    }

    @Test func `a repeated request gets the first answer; another one with its key is refused`() async throws {
        let world = try await World.make()
        let (api, person) = (world.api, world.admin.person.id)
        let request = World.digest("POST /v1/teams {}")
        #expect(try await api.claimKey("k1", of: person, request: request, now: start) == nil)
        await expect(.idempotency) { _ = try await api.claimKey("k1", of: person, request: request, now: start) }
        let answer = KeptAnswer(status: 201, contentType: "application/json", body: Array("{}".utf8))
        try await api.keepAnswer(answer, key: "k1", of: person)
        #expect(try await api.claimKey("k1", of: person, request: request, now: start) == answer)
        await expect(.idempotency) {
            _ = try await api.claimKey("k1", of: person, request: World.digest("other"), now: start)
        }
        #expect(try await api.claimKey("k2", of: person, request: request, now: start) == nil)
        let late = start.adding(seconds: ApiStore.idempotencyStaleSeconds + 1)
        #expect(try await api.claimKey("k2", of: person, request: request, now: late) == nil)
        try await api.releaseKey("k2", of: person)
        #expect(try await api.claimKey("k2", of: person, request: request, now: late) == nil)
    }

    @Test func `a request whose server ended after doing it is never done twice`() async throws {
        let world = try await World.make()
        let (api, person) = (world.api, world.admin.person.id)
        let request = World.digest("POST /v1/teams {acme}")
        #expect(try await api.claimKey("k1", of: person, request: request, now: start) == nil)
        _ = try await ClaimedKey.$current.withValue(ClaimedKey("k1", of: person)) { try await world.team() }
        // The answer is never kept: the server ended here.
        let late = start.adding(seconds: ApiStore.idempotencyStaleSeconds + 1)
        await expect(.idempotency) { _ = try await api.claimKey("k1", of: person, request: request, now: late) }

        #expect(try await api.claimKey("k2", of: person, request: request, now: start) == nil)
        await expect(.conflict) {
            _ = try await ClaimedKey.$current.withValue(ClaimedKey("k2", of: person)) { try await world.team() }
        }
        // What failed left no mark: its transaction took it back.
        #expect(try await api.claimKey("k2", of: person, request: request, now: late) == nil)
    }
}
