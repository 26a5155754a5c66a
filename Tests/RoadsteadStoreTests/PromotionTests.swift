import Codecs
import Migrations
import PostgresTesting
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

/// What a fleet gets from its source, and what it gets past it.
@Suite(.postgres) struct PromotionTests {
    /// Canary has published [1] and [2], production took [1] before it was bound to canary.
    private func scene() async throws -> TwoFleets {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        try await scene.publish(scene.canary)
        try await scene.publish(scene.prod)
        try await scene.follow()
        try await scene.add([2])
        try await scene.publish(scene.canary)
        return scene
    }

    @Test func `a promotion lets a fleet take what its source has published, and tells how it differs`() async throws {
        let scene = try await scene()
        try await scene.add([3])
        let shown = try await scene.promote(.dryRun)
        #expect(shown.difference.count == 1 && shown.difference[0].hasPrefix("adds the anchor CN="))
        #expect(try await scene.anchors(of: scene.prod) == [[1]])
        let done = try await scene.promote()
        #expect(done == shown)
        #expect(done.before == 3 && done.content == 4 && done.version == 3)
        // What canary has not published yet stays away.
        #expect(try await scene.anchors(of: scene.prod) == [[1], [2]])
        #expect(try await scene.promote().outcome == .unchanged)
        let audit = try await scene.world.api.auditEvents(try PageRequest(limit: 1_000)).items
        #expect(
            audit.contains {
                $0.action == "fleet.promoted" && $0.team == "acme" && $0.fleet == scene.prod.rawValue
            })
    }

    @Test func `a team that is refused keeps what it had`() async throws {
        let scene = try await scene()
        let refusal = PromotedTeam.Outcome.refused(reason: "too old", hint: nil)
        #expect(try await scene.promote(outcome: refusal).outcome == refusal)
        #expect(try await scene.anchors(of: scene.prod) == [[1]])
        #expect(try await scene.promote(outcome: .signedAnew(reason: "too old")).content == 4)
        #expect(try await scene.anchors(of: scene.prod) == [[1], [2]])
    }

    @Test func `only who operates the fleet promotes to it`() async throws {
        let scene = try await scene()
        let olga = try await scene.world.person("olga", (.fleetOperator, .fleet(scene.prod)))
        let carl = try await scene.world.person("carl", (.fleetOperator, .fleet(scene.canary)))
        await expect(.forbidden) { try await scene.promote(by: carl) }
        await expect(.forbidden) { try await scene.promote(.dryRun, by: scene.bob) }
        #expect(try await scene.promote(by: olga).outcome == .sameBytes)
    }

    @Test func `contents come from a fleet's own source only`() async throws {
        let scene = try await scene()
        let (api, admin) = (scene.world.api, scene.world.admin.actor)
        await expect(.conflict) {
            _ = try await scene.world.publisher.promote(
                from: scene.prod, to: scene.canary, teams: nil, by: admin, now: start
            ) { _, _ in .sameBytes }
        }
        await expect(.notFound) {
            _ = try await scene.world.publisher.promote(
                from: scene.canary, to: scene.prod, teams: [try TeamName("other")], by: admin, now: start
            ) { _, _ in .sameBytes }
        }
        _ = try await api.setSource(nil, of: scene.prod, by: admin, now: start)
        await expect(.conflict) { try await scene.promote() }
    }

    @Test func `what was removed does not come back with an older content`() async throws {
        let scene = try await scene()
        try await scene.remove([2])
        guard case .refused(let reason, _) = try await scene.promote().outcome else {
            Issue.record("a removed anchor was promoted")
            return
        }
        #expect(reason.contains("was removed since"))
        try await scene.publish(scene.canary)
        #expect(try await scene.promote().difference.isEmpty)
        #expect(try await scene.anchors(of: scene.prod) == [[1]])
    }

    @Test func `a removal holds at once, also where a fleet takes an older content`() async throws {
        let scene = try await scene()
        let removal = try await scene.remove([1])
        for fleet in [scene.canary, scene.prod] {
            let denials = try await scene.world.publisher.state(of: fleet).content.denials
            #expect(denials.map(\.reason) == ["removed by C-\(removal)"])
        }
        #expect(try await scene.anchors(of: scene.prod) == [[1]])
        let sha256 = Hex.encode(HashAlgorithm.sha256.digest(of: [1]))
        let trusting = { try await scene.world.api.fleets(trusting: sha256, for: scene.team) }
        #expect(try await trusting() == [scene.canary, scene.prod])
        try await scene.publish(scene.canary)
        #expect(try await trusting() == [scene.prod])
    }

    @Test func `a removal needs no denial where every fleet takes the newest`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        try await scene.remove([1])
        #expect(try await scene.world.publisher.state(of: scene.prod).content.denials.isEmpty)
    }

    @Test func `a hot fix brings one change and nothing else, under a number between the others`() async throws {
        let scene = try await scene()
        let wanted = try await scene.add([3])
        #expect(try await scene.hotFix(wanted, .dryRun).content == nil)
        let fix = try await scene.hotFix(wanted)
        #expect(fix.before == 3 && fix.content == 6 && fix.difference.count == 1)
        #expect(try await scene.anchors(of: scene.prod) == [[1], [3]])
        #expect(try await scene.anchors(of: scene.canary) == [[1], [2], [3]])
        let (canary, prod) = (
            try await scene.world.publisher.state(of: scene.canary),
            try await scene.world.publisher.state(of: scene.prod)
        )
        #expect(prod.contentNumbers[scene.team] == 6 && canary.contentNumbers[scene.team] == 7)
        #expect(prod.changes.contains(wanted) && prod.changes.count == 1)
        // Canary goes on above the hot fix, and is promoted after it.
        try await scene.publish(scene.prod)
        try await scene.publish(scene.canary)
        let promoted = try await scene.promote()
        #expect(promoted.content == 7 && promoted.version == 5)
        #expect(try await scene.anchors(of: scene.prod) == [[1], [2], [3]])
    }

    @Test func `while a hot fix waits, what follows it has the role before, unless one was signed for itself`()
        async throws
    {
        let scene = try await scene()
        try await scene.hotFix(try await scene.add([3]))
        try await scene.publish(scene.canary)
        let role = { try await scene.world.publisher.state(of: scene.canary).teamRoles[scene.team] }
        let own = try #require(try await role())
        #expect(own.contentNumber == 7)
        try await scene.publish(scene.prod)
        #expect(try await role() == own)
    }

    @Test func `a hot fix of a removal takes the anchor out of what the fleet has`() async throws {
        let scene = try await scene()
        let removal = try await scene.remove([1])
        try await scene.hotFix(removal)
        #expect(try await scene.anchors(of: scene.prod) == [])
        #expect(try await scene.anchors(of: scene.canary) == [[2]])
    }

    @Test func `a hot fix brings only what has taken effect, is still there, and is not there already`() async throws {
        let scene = try await scene()
        let open = try await scene.world.propose([8], in: scene.team, by: scene.world.admin)
        await expect(.notOpen) { try await scene.hotFix(open.change.number) }
        await expect(.notFound) { try await scene.hotFix(999) }
        let brief = try await scene.add([4])
        try await scene.remove([4])
        await expect(.conflict) { try await scene.hotFix(brief) }
        let wanted = try await scene.add([5])
        try await scene.hotFix(wanted)
        await expect(.conflict) { try await scene.hotFix(wanted) }
        await expect(.forbidden) { try await scene.hotFix(wanted, by: scene.bob) }
        await expect(.conflict) {
            _ = try await scene.world.publisher.hotFix(
                wanted, in: scene.canary, by: scene.world.admin.actor, now: start)
        }
    }

    @Test func `contents of one team that change at the same time get numbers of their own`() async throws {
        let scene = try await scene()
        let changes = [try await scene.add([6]), try await scene.add([7])]
        let done = await withTaskGroup(of: Bool.self) { group in
            for change in changes { group.addTask { (try? await scene.hotFix(change)) != nil } }
            group.addTask { (try? await scene.add([8])) != nil }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(done == 3)
        #expect(try await Set(scene.anchors(of: scene.prod)) == [[1], [6], [7]])
        #expect(try await Set(scene.anchors(of: scene.canary)) == [[1], [2], [6], [7], [8]])
        let gaps = try await scene.world.count(
            "SELECT max(number) - count(*) AS n FROM team_content GROUP BY team_id")
        #expect(gaps == 0)
    }

    @Test(arguments: [false, true])
    func `a removal is denied too where a fleet keeps what it has of the team, or at all`(isWhole: Bool) async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        let held = FleetNote.Held(team: scene.team, reason: "there is no key for its role", isListed: true)
        let note = FleetNote(expiries: [], held: isWhole ? [] : [held], failure: isWhole ? "no key" : nil)
        _ = try await scene.world.publisher.keep(note, of: scene.prod)
        let removal = try await scene.remove([1])
        let denials = try await scene.world.publisher.state(of: scene.prod).content.denials
        #expect(denials.map(\.reason) == ["removed by C-\(removal)"])
    }

    @Test func `a removal needs no denial where another team is held`() async throws {
        let scene = try await TwoFleets.make()
        try await scene.add([1])
        let held = FleetNote.Held(team: try TeamName("other"), reason: "there is no key for its role", isListed: true)
        _ = try await scene.world.publisher.keep(FleetNote(expiries: [], held: [held]), of: scene.prod)
        try await scene.remove([1])
        #expect(try await scene.world.publisher.state(of: scene.prod).content.denials.isEmpty)
    }

    @Test func `a release that holds a team does not bring its changes, and the next one does`() async throws {
        let scene = try await TwoFleets.make()
        let change = try await scene.add([1])
        try await scene.publish(scene.canary, held: [scene.team])
        #expect(try await scene.world.publisher.state(of: scene.canary).changes == [change])
        try await scene.publish(scene.canary)
        #expect(try await scene.world.publisher.state(of: scene.canary).changes.isEmpty)
    }
}
