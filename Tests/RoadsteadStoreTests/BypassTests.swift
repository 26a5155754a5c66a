// Long because it holds every way around the rules of approval that was thought of, side by side.
import Codecs
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

/// What every test here begins with: a team, a rule that asks for some approvals, and people.
struct Scene: Sendable {
    let world: World
    let team: TeamName
    /// Team administrators, a security officer on everything, and a team member who proposes.
    let bob: Session
    let erin: Session
    let carol: Session
    let dave: Session

    static func make(approvals: Int = 1, officers: Int = 0) async throws -> Scene {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule(approvals: approvals, officers: officers)
        return Scene(
            world: world, team: team, bob: try await world.person("bob", (.teamAdmin, .team(team))),
            erin: try await world.person("erin", (.teamAdmin, .team(team))),
            carol: try await world.person("carol", (.securityOfficer, .everything)),
            dave: try await world.person("dave", (.teamMember, .team(team))))
    }

    func propose(_ certificate: [UInt8] = [1, 2, 3], at now: UTCDate = start) async throws -> ChangeRecord {
        try await world.propose(certificate, in: team, by: dave, at: now)
    }

    func state(_ record: ChangeRecord) async throws -> ChangeState {
        try await world.api.change(record.change.number).change.state
    }

    func publish(at now: UTCDate = start) async throws -> [ChangeOutcome] {
        try await world.publisher.publishApprovedChanges(now: now)
    }

    /// Takes a role away whatever the rules of administration say.
    func demote(_ session: Session) async throws {
        let person = session.person.id
        try await world.asOwner(
            "UPDATE role_binding SET revoked_at = granted_at, revoked_by = \(person) WHERE person_id = \(person)")
    }

    /// Expects that the database itself refuses.
    func expectFence(_ script: String, sourceLocation: SourceLocation = #_sourceLocation) async {
        await #expect(throws: PostgresError(.check, ""), sourceLocation: sourceLocation) {
            try await world.asOwner(script)
        }
    }
}

@Suite(.postgres) struct BypassTests {
    @Test func `no rule asks for zero approvals, and no row of an addition needs none`() async throws {
        #expect(throws: TrustModelError(.policy, "")) { try ApprovalsNeeded(count: 0) }
        #expect(throws: TrustModelError(.policy, "")) {
            try JSON(parsing: Array(#"{"count":0}"#.utf8)).decode(ApprovalsNeeded.self)
        }
        let scene = try await Scene.make()
        _ = try await scene.propose()
        await scene.expectFence("UPDATE change SET approvals_needed = 0")
        await scene.expectFence(
            """
            INSERT INTO change (number, team_id, author, credential_id, state, base_version, content, digest, adds,
                approvals_needed, created_at, submitted_at, expires_at, closed_at)
            SELECT 900, team_id, author, credential_id, 'published', base_version, content, repeat('a', 64), adds,
                0, created_at, submitted_at, expires_at, created_at FROM change
            """)
    }

    @Test(arguments: [
        TokenLimits(access: .read, holder: .person), TokenLimits(access: .write, holder: .machine),
        TokenLimits(access: .write, holder: .person, team: try? TeamName("other")),
    ])
    func `a token that is good for less does not approve`(limits: TokenLimits) async throws {
        let scene = try await Scene.make()
        try await scene.world.team("other")
        // The token is good for a team of bob's own, and that is another one.
        try await scene.world.asOwner(
            """
            INSERT INTO role_binding (person_id, role, team_id, granted_at)
                SELECT \(scene.bob.person.id), 'team-member', id, now() FROM team WHERE name = 'other'
            """)
        let record = try await scene.propose()
        let weak = try await scene.world.secondToken(of: scene.bob, limits)
        // To a token of another team the change does not exist.
        await expect(limits.team == nil ? .forbidden : .notFound) { try await scene.world.approve(record, by: weak) }
        #expect(try await scene.state(record) == .submitted)
    }

    @Test func `a token that is limited to the team approves there`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose()
        let limits = TokenLimits(access: .write, holder: .person, team: scene.team)
        let token = try await scene.world.secondToken(of: scene.bob, limits)
        #expect(try await scene.world.approve(record, by: token).change.state == .approved)
    }

    @Test func `a person with two tokens approves once`() async throws {
        let scene = try await Scene.make(approvals: 2)
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        let second = try await scene.world.secondToken(of: scene.bob)
        await expect(.conflict) { try await scene.world.approve(record, by: second) }
        #expect(try await scene.world.api.change(record.change.number).missing == .one)
    }

    @Test func `an approver who is a mere member by now does not count, and the change comes back`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        try await scene.demote(scene.bob)
        let (bob, admin) = (scene.bob.person.id, scene.world.admin.person.id)
        try await scene.world.asOwner(
            """
            INSERT INTO role_binding (person_id, role, team_id, granted_by, granted_at)
            SELECT \(bob), 'team-member', id, \(admin), created_at FROM team
            """)
        #expect(try await scene.publish() == [.sentBack(record.change.number)])
        let back = try await scene.world.api.change(record.change.number)
        #expect(back.change.state == .submitted && back.change.sentBack == start && back.missing == .one)
        try await scene.world.approve(back, by: scene.erin)
        #expect(try await scene.publish() == [.published(record.change.number)])
    }

    @Test func `an officer who is a team administrator by now counts as a person, and not as an officer`()
        async throws
    {
        let scene = try await Scene.make(approvals: 2, officers: 1)
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        try await scene.world.approve(record, by: scene.carol)
        try await scene.demote(scene.carol)
        let (carol, admin) = (scene.carol.person.id, scene.world.admin.person.id)
        try await scene.world.asOwner(
            """
            INSERT INTO role_binding (person_id, role, team_id, granted_by, granted_at)
            SELECT \(carol), 'team-admin', id, \(admin), created_at FROM team
            """)
        #expect(try await scene.publish() == [.sentBack(record.change.number)])
        let missing = try await scene.world.api.change(record.change.number).missing
        #expect(missing == (try ApprovalsNeeded(count: 1, securityOfficers: 1)))
    }

    @Test func `an approval counts for no other change and no other edit, whoever writes the row`() async throws {
        let scene = try await Scene.make()
        let (first, second) = (try await scene.propose([1]), try await scene.propose([2]))
        _ = try await scene.world.api.edit(
            first.change.number, to: try scene.world.addition(of: [3], to: scene.team), ifVersion: 1,
            by: scene.dave.actor, now: start)
        let (bob, token) = (scene.bob.person.id, scene.bob.actor.credential)
        for digest in [first.change.digest, second.change.digest] {
            await expect(.staleApproval) {
                _ = try await scene.world.api.decide(
                    first.change.number, approves: true, digest: digest, by: scene.bob.actor, now: start)
            }
            await scene.expectFence(
                """
                INSERT INTO change_decision (change_number, team_id, digest, person_id, credential_id, approves,
                    decided_at)
                SELECT number, team_id, '\(digest)', \(bob), \(token), true, created_at FROM change
                WHERE number = \(first.change.number)
                """)
        }
    }

    @Test(arguments: ["draft", "machine", "disabled", "late", "stranger's token"])
    func `the database takes no decision that does not count`(trap: String) async throws {
        let scene = try await Scene.make()
        let content = try scene.world.addition(to: scene.team)
        let record = try await scene.world.api.propose(
            content, draft: trap == "draft", by: scene.dave.actor, now: start)
        var token = scene.bob.actor.credential
        if trap == "machine" {
            let limits = TokenLimits(access: .write, holder: .machine)
            token = try await scene.world.secondToken(of: scene.bob, limits).actor.credential
        }
        if trap == "stranger's token" { token = scene.erin.actor.credential }
        let bob = scene.bob.person.id
        if trap == "disabled" {
            try await scene.world.asOwner("UPDATE person SET disabled_at = created_at WHERE id = \(bob)")
        }
        let moment = trap == "late" ? "expires_at" : "created_at"
        await scene.expectFence(
            """
            INSERT INTO change_decision (change_number, team_id, digest, person_id, credential_id, approves, decided_at)
            SELECT number, team_id, digest, \(bob), \(token), true, \(moment) FROM change
            """)
        #expect(try await scene.world.api.change(record.change.number).decisions.isEmpty)
    }

    @Test func `the database lets no change take effect without its approvals`() async throws {
        let scene = try await Scene.make(approvals: 2)
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        await scene.expectFence("UPDATE change SET state = 'approved', approved_at = created_at")
        await scene.expectFence("UPDATE change SET state = 'published', closed_at = created_at")
        await scene.expectFence("UPDATE change SET approvals_needed = 1")
        try await scene.world.approve(record, by: scene.erin)
        let erin = scene.erin.person.id
        try await scene.world.asOwner("UPDATE person SET disabled_at = created_at WHERE id = \(erin)")
        await scene.expectFence("UPDATE change SET state = 'published', closed_at = created_at")
        #expect(try await scene.state(record) == .approved)
    }

    @Test func `the database lets nobody rewrite what was approved, nor open what is closed`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        await scene.expectFence("UPDATE change SET content = 'x'")
        await scene.expectFence("UPDATE change SET digest = repeat('a', 64), version = version + 1")
        await scene.expectFence("UPDATE change SET author = \(scene.carol.person.id)")
        await scene.expectFence("UPDATE change SET state = 'draft'")
        #expect(try await scene.publish() == [.published(record.change.number)])
        await scene.expectFence("UPDATE change SET state = 'submitted', closed_at = NULL")
        let other = try await scene.propose([9])
        _ = try await scene.world.api.withdraw(other.change.number, by: scene.dave.actor, now: start)
        await scene.expectFence(
            "UPDATE change SET state = 'submitted', closed_at = NULL WHERE number = \(other.change.number)")
    }

    @Test func `the database takes no anchor that no approved change added`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose()
        await scene.expectFence(
            """
            INSERT INTO anchor (store_id, team_id, certificate, sha256, key_sha256, subject, not_before, not_after,
                origin, justification, owner, added_by_change, added_at)
            SELECT s.id, s.team_id, '\\x01', encode(sha256('\\x01'), 'hex'), repeat('a', 64), 'CN=x', s.created_at,
                s.created_at, 'own', 'x', 'x', \(record.change.number), s.created_at FROM trust_store s
            """)
    }

    @Test func `what was said and written is never rewritten`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose()
        _ = try await scene.world.api.comment("why?", on: record.change.number, by: scene.bob.actor, now: start)
        for script in [
            "UPDATE change_edit SET content = 'x'", "DELETE FROM change_edit", "DELETE FROM change",
            "UPDATE change_comment SET comment = 'x'", "DELETE FROM change_comment", "TRUNCATE change_comment",
        ] {
            await #expect(throws: PostgresError.self, "\(script)") { try await scene.world.asOwner(script) }
        }
        #expect(try await scene.world.count("SELECT count(*) AS n FROM change_comment WHERE comment = 'why?'") == 1)
        #expect(
            try await scene.world.count(
                "SELECT count(*) AS n FROM change_edit e JOIN change c ON c.number = e.change_number AND c.team_id IS NOT NULL"
            ) == 1)
    }

    // MARK: Races

    @Test
    func `an approval and an edit at once leave a change that lacks approvals, or one that says what was approved`()
        async throws
    {
        let scene = try await Scene.make()
        for round in 0..<6 {
            let record = try await scene.propose([UInt8(round), 1])
            let edit = try scene.world.addition(of: [UInt8(round), 2], to: scene.team)
            async let approved = succeeds { try await scene.world.approve(record, by: scene.bob) }
            async let edited = succeeds {
                _ = try await scene.world.api.edit(
                    record.change.number, to: edit, ifVersion: 1, by: scene.dave.actor, now: start)
            }
            let (isApproved, isEdited) = (await approved, await edited)
            #expect(isApproved != isEdited)
            let after = try await scene.world.api.change(record.change.number).change
            #expect(after.state == (isApproved ? .approved : .submitted))
            #expect((after.digest == record.change.digest) == isApproved)
        }
    }

    @Test func `a withdrawal and the last approval at once never publish what was withdrawn`() async throws {
        let scene = try await Scene.make()
        for round in 0..<6 {
            let record = try await scene.propose([UInt8(round)])
            async let approved = succeeds { try await scene.world.approve(record, by: scene.bob) }
            async let withdrawn = succeeds {
                _ = try await scene.world.api.withdraw(record.change.number, by: scene.dave.actor, now: start)
            }
            _ = await approved
            #expect(await withdrawn)
            #expect(try await scene.state(record) == .withdrawn)
        }
        #expect(try await scene.publish().isEmpty)
        #expect(try await scene.world.activeAnchors(of: scene.team).isEmpty)
    }

    @Test func `a rejection and the last approval at once: one of them is too late`() async throws {
        let scene = try await Scene.make()
        for round in 0..<6 {
            let record = try await scene.propose([UInt8(round)])
            async let approved = succeeds { try await scene.world.approve(record, by: scene.bob) }
            async let rejected = succeeds {
                _ = try await scene.world.api.decide(
                    record.change.number, approves: false, digest: record.change.digest, by: scene.erin.actor,
                    now: start)
            }
            let (isApproved, isRejected) = (await approved, await rejected)
            #expect(isApproved != isRejected)
            #expect(try await scene.state(record) == (isApproved ? .approved : .rejected))
        }
    }

    @Test func `two publishers at once bring a change in once`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        async let one = scene.publish()
        async let other = scene.publish()
        let outcomes = try await one + other
        #expect(outcomes == [.published(record.change.number)])
        #expect(try await scene.world.activeAnchors(of: scene.team).count == 1)
    }

    // MARK: Time

    @Test func `a change takes its last approval a second before its end, and none at its end`() async throws {
        let scene = try await Scene.make()
        let (early, late) = (try await scene.propose([1]), try await scene.propose([2]))
        let end = start.adding(days: 14)
        #expect(early.change.expires == end)
        let last = end.adding(seconds: -1)
        #expect(try await scene.world.approve(early, by: scene.bob, at: last).change.state == .approved)
        await expect(.expired) { try await scene.world.approve(late, by: scene.bob, at: end) }
        #expect(try await scene.publish(at: end) == [.expired(early.change.number)])
        #expect(try await scene.world.activeAnchors(of: scene.team).isEmpty)
    }

    @Test func `a draft is submitted a second before its end, and not at its end`() async throws {
        let scene = try await Scene.make()
        let content = try scene.world.addition(to: scene.team)
        let end = start.adding(days: 90)
        let far = try await scene.world.secondToken(of: scene.dave)
        for (moment, isGood) in [(end, false), (end.adding(seconds: -1), true)] {
            let draft = try await scene.world.api.propose(content, draft: true, by: far.actor, now: start)
            try await scene.world.asOwner("UPDATE credential SET expires_at = expires_at + interval '1 year'")
            let submit = {
                _ = try await scene.world.api.submit(draft.change.number, by: far.actor, now: moment)
            }
            if isGood { try await submit() } else { await expect(.expired) { try await submit() } }
        }
    }

    // MARK: What changed meanwhile

    @Test func `what was approved is refused when its team is gone`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        try await scene.world.asOwner("UPDATE team SET removed_at = created_at")
        guard case .rejected(record.change.number, _)? = try await scene.publish().first else {
            Issue.record("it was not rejected")
            return
        }
        #expect(try await scene.world.count("SELECT count(*) AS n FROM anchor") == 0)
    }

    @Test func `what was denied meanwhile is not added, and does not come back by a new change`() async throws {
        let scene = try await Scene.make()
        let record = try await scene.propose()
        try await scene.world.approve(record, by: scene.bob)
        let certificate = try World.inspector.facts([1, 2, 3], .ca, start).certificateSHA256
        _ = try await scene.world.api.deny(
            try DenialSubject(.certificate, value: certificate), in: nil, reason: "stolen", by: scene.carol.actor,
            now: start)
        guard case .rejected(record.change.number, _)? = try await scene.publish().first else {
            Issue.record("it was not rejected")
            return
        }
        await expect(.conflict) { _ = try await scene.propose() }
        #expect(try await scene.world.activeAnchors(of: scene.team).isEmpty)
    }

    @Test func `of several operations none is done when one cannot be`() async throws {
        let scene = try await Scene.make()
        let additions = try [[4], [5]].flatMap { try scene.world.addition(of: $0, to: scene.team).operations }
        let both = try ChangeContent(team: scene.team, operations: additions, justification: "two at once")
        let record = try await scene.world.api.propose(both, by: scene.dave.actor, now: start)
        let single = try await scene.propose([5])
        try await scene.world.approve(single, by: scene.bob)
        #expect(try await scene.publish() == [.published(single.change.number)])
        try await scene.world.approve(record, by: scene.bob)
        guard case .rejected(record.change.number, let reason)? = try await scene.publish().first else {
            Issue.record("it was not rejected")
            return
        }
        #expect(reason.contains("already"))
        #expect(try await scene.world.activeAnchors(of: scene.team).map(\.certificate) == [[5]])
    }

    /// Whether somebody was in time.
    private func succeeds(_ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return true
        } catch {
            return false
        }
    }
}
