import Codecs
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct ApprovalTests {
    @Test func `a proposal that a second person approves becomes an anchor when it is published`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let carol = try await world.person("carol", (.teamMember, .team(team)))
        let proposed = try await world.propose(in: team, by: carol)
        #expect(proposed.change.state == .submitted)
        #expect(proposed.missing == .one)
        #expect(proposed.canApprove.map(\.subject) == ["alice", "bob"])
        let approved = try await world.approve(proposed, by: bob)
        #expect(approved.change.state == .approved)
        #expect(try await world.activeAnchors(of: team).isEmpty)
        let outcomes = try await world.publisher.publishApprovedChanges(now: start)
        #expect(outcomes == [.published(proposed.change.number)])
        let anchors = try await world.activeAnchors(of: team)
        #expect(anchors.map(\.certificate) == [[1, 2, 3]])
        #expect(anchors.first?.addedByChange == proposed.change.number)
        #expect(try await world.api.team(team).version == 3)
    }

    @Test func `nobody approves their own proposal, through a second token either`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let proposed = try await world.propose(in: team, by: world.admin)
        let second = try await world.secondToken(of: world.admin)
        await expect(.ownProposal) { try await world.approve(proposed, by: world.admin) }
        await expect(.ownProposal) { try await world.approve(proposed, by: second) }
        #expect(try await world.count("SELECT count(*) AS n FROM change_decision") == 0)
    }

    @Test func `the database itself refuses an approval by the author`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let change = try await world.propose(in: team, by: world.admin).change
        let (author, token) = (change.author, world.admin.actor.credential)
        let sql = """
            INSERT INTO change_decision (change_number, team_id, digest, person_id, credential_id, approves, decided_at)
            SELECT number, team_id, digest, \(author), \(token), true, now() FROM change
            """
        await #expect(throws: PostgresError(.check, "")) { try await world.asOwner(sql) }
    }

    @Test func `a machine's token cannot approve`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let robot = try await world.secondToken(of: bob, TokenLimits(access: .write, holder: .machine))
        let proposed = try await world.propose(in: team, by: world.admin)
        await expect(.forbidden) { try await world.approve(proposed, by: robot) }
        try await world.approve(proposed, by: bob)
    }

    @Test func `what a robot proposes is its person's proposal`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let robot = try await world.secondToken(of: bob, TokenLimits(access: .write, holder: .machine))
        let proposed = try await world.propose(in: team, by: robot)
        #expect(proposed.change.author == bob.person.id)
        await expect(.ownProposal) { try await world.approve(proposed, by: bob) }
    }

    @Test func `an edit voids the approvals given before it`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule(approvals: 2)
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let carol = try await world.person("carol", (.securityOfficer, .everything))
        let dave = try await world.person("dave", (.teamMember, .team(team)))
        let proposed = try await world.propose(in: team, by: dave)
        try await world.approve(proposed, by: bob)
        let edited = try await world.api.edit(
            proposed.change.number, to: try world.addition(of: [9, 9], to: team), ifVersion: 1, by: dave.actor,
            now: start)
        #expect(edited.change.version == 2)
        #expect(edited.missing?.count == 2)
        #expect(edited.decisions.map(edited.isVoid) == [true])
        await expect(.staleApproval) { try await world.approve(proposed, by: carol) }
        let once = try await world.approve(edited, by: carol)
        #expect(once.change.state == .submitted)
        #expect(try await world.approve(edited, by: bob).change.state == .approved)
    }

    @Test func `an approved change cannot be edited any more`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let proposed = try await world.propose(in: team, by: bob)
        try await world.approve(proposed, by: world.admin)
        await expect(.notOpen) {
            _ = try await world.api.edit(
                proposed.change.number, to: try world.addition(of: [6, 6, 6], to: team), ifVersion: 1, by: bob.actor,
                now: start)
        }
    }

    @Test func `the digest of one change approves no other`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let first = try await world.propose(in: team, by: world.admin)
        let twin = try await world.propose(in: team, by: world.admin)
        #expect(first.change.content == twin.change.content)
        await expect(.staleApproval) {
            _ = try await world.api.decide(
                twin.change.number, approves: true, digest: first.change.digest, by: bob.actor, now: start)
        }
    }

    @Test func `an edit from an old version is refused`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let record = try await world.propose(in: team, by: world.admin)
        let edit = { (version: Int64, byte: UInt8) in
            _ = try await world.api.edit(
                record.change.number, to: try world.addition(of: [byte], to: team), ifVersion: version,
                by: world.admin.actor, now: start)
        }
        try await edit(1, 4)
        await expect(.versionMismatch) { try await edit(1, 5) }
    }

    @Test func `only the author edits and withdraws`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let record = try await world.propose(in: team, by: world.admin)
        await expect(.forbidden) {
            _ = try await world.api.edit(
                record.change.number, to: try world.addition(of: [4], to: team), ifVersion: 1, by: bob.actor, now: start
            )
        }
        await expect(.forbidden) { _ = try await world.api.withdraw(record.change.number, by: bob.actor, now: start) }
        let withdrawn = try await world.api.withdraw(record.change.number, by: world.admin.actor, now: start)
        #expect(withdrawn.change.state == .withdrawn)
        await expect(.notOpen) { try await world.approve(record, by: bob) }
    }

    @Test func `of two approvals at once that each would be enough, one is too late and nothing is doubled`()
        async throws
    {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let carol = try await world.person("carol", (.securityOfficer, .everything))
        let record = try await world.propose(in: team, by: world.admin)
        let results = await withTaskGroup(of: Bool.self) { group in
            for session in [bob, carol] {
                group.addTask { (try? await world.approve(record, by: session)) != nil }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count { $0 } == 1)
        #expect(try await world.count("SELECT count(*) AS n FROM change_decision") == 1)
        #expect(try await world.publisher.publishApprovedChanges(now: start).count == 1)
        #expect(try await world.activeAnchors(of: team).count == 1)
    }

    @Test func `two approvals at once of two needed are both counted`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule(approvals: 2)
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let carol = try await world.person("carol", (.securityOfficer, .everything))
        let record = try await world.propose(in: team, by: world.admin)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for session in [bob, carol] { group.addTask { try await world.approve(record, by: session) } }
            try await group.waitForAll()
        }
        #expect(try await world.api.change(record.change.number).change.state == .approved)
    }

    @Test func `an approver who lost the role before publication does not count`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let record = try await world.propose(in: team, by: world.admin)
        try await world.approve(record, by: bob)
        let binding = try #require(
            try await world.api.roleBindings(try PageRequest()).items.first { $0.person == bob.person.id })
        try await world.revokeBinding(binding.id, by: world.admin.actor, now: start)
        let number = record.change.number
        #expect(try await world.publisher.publishApprovedChanges(now: start) == [.sentBack(number)])
        #expect(try await world.activeAnchors(of: team).isEmpty)
        let after = try await world.api.change(number)
        #expect(after.change.state == .submitted)
        #expect(after.missing == .one)
    }

    @Test func `an approver whose account was disabled does not count`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let record = try await world.propose(in: team, by: world.admin)
        try await world.approve(record, by: bob)
        try await world.api.disablePerson(bob.person.id, by: world.admin.actor, now: start)
        #expect(try await world.publisher.publishApprovedChanges(now: start) == [.sentBack(record.change.number)])
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(tokenSHA256: World.digest("bob-1"), requestID: "r", now: start)
        }
    }

    @Test func `a rule that became stricter holds at publication`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let rule = try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let record = try await world.propose(in: team, by: world.admin)
        try await world.approve(record, by: bob)
        try await world.rule(approvals: 2, name: "any/stricter")
        #expect(try await world.publisher.publishApprovedChanges(now: start) == [.sentBack(record.change.number)])
        let again = try await world.propose([7], in: team, by: bob)
        try await world.approve(again, by: world.admin)
        try await world.removeRootRule(rule.id, by: world.admin.actor, now: start)
        #expect(again.change.approvalsNeeded == 2)
        #expect(try await world.activeAnchors(of: team).isEmpty)
    }

    @Test func `a rule that was removed refuses what it had allowed`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let rule = try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let record = try await world.propose(in: team, by: world.admin)
        try await world.approve(record, by: bob)
        try await world.removeRootRule(rule.id, by: world.admin.actor, now: start)
        guard case .rejected = try await world.publisher.publishApprovedChanges(now: start).first else {
            Issue.record("it was published")
            return
        }
        #expect(try await world.api.change(record.change.number).change.state == .rejected)
    }

    @Test func `one rejection ends a change`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule(approvals: 2)
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let carol = try await world.person("carol", (.securityOfficer, .everything))
        let record = try await world.propose(in: team, by: world.admin)
        try await world.approve(record, by: bob)
        let rejected = try await world.api.decide(
            record.change.number, approves: false, digest: record.change.digest, comment: "no", by: carol.actor,
            now: start)
        #expect(rejected.change.state == .rejected)
        await expect(.notOpen) { try await world.approve(record, by: carol) }
    }

    @Test func `a submitted change expires after 14 days, also when it was approved and never published`() async throws
    {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let late = try await world.propose([1], in: team, by: world.admin)
        let approved = try await world.propose([2], in: team, by: world.admin)
        try await world.approve(approved, by: bob)
        let after = start.adding(days: 14)
        await expect(.expired) { try await world.approve(late, by: bob, at: after) }
        #expect(try await world.publisher.publishApprovedChanges(now: after) == [.expired(approved.change.number)])
        #expect(try await world.publisher.expireChanges(now: after) == [late.change.number])
        #expect(try await world.api.change(late.change.number).change.state == .expired)
    }

    @Test func `a draft waits 90 days for its author and takes no decision`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let draft = try await world.api.propose(
            try world.addition(to: team), draft: true, by: world.admin.actor, now: start)
        #expect(draft.change.expires == start.adding(days: 90))
        await expect(.notOpen) { try await world.approve(draft, by: bob) }
        let submitted = try await world.api.submit(draft.change.number, by: world.admin.actor, now: start)
        #expect(submitted.change.expires == start.adding(days: 14))
        #expect(try await world.approve(submitted, by: bob).change.state == .approved)
    }

    @Test func `without a rule a root is refused, and a weak one is refused whatever the rules`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        await expect(.refusedByRule) { _ = try await world.propose(in: team, by: world.admin) }
        try await world.rule()
        await expect(.refusedByRule) { _ = try await world.propose([0x57, 1], in: team, by: world.admin) }
        #expect(try await world.count("SELECT count(*) AS n FROM change WHERE team_id IS NOT NULL") == 0)
    }

    @Test func `who may remove alone removes at once`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        let record = try await world.propose(in: team, by: world.admin)
        try await world.approve(record, by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        let anchor = try #require(try await world.activeAnchors(of: team).first)
        let removal = try ChangeContent(
            team: team, operations: [.removeAnchor(id: anchor.id)], justification: "its key was stolen")
        let removed = try await world.api.propose(removal, by: bob.actor, now: start)
        #expect(removed.change.state == .published)
        #expect(try await world.activeAnchors(of: team).isEmpty)
        #expect(try await world.api.anchor(anchor.id).removedByChange == removed.change.number)
        await expect(.conflict) { _ = try await world.api.propose(removal, by: bob.actor, now: start) }
    }

    @Test func `a team member only proposes a removal`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        try await world.rule()
        let dave = try await world.person("dave", (.teamMember, .team(team)))
        let bob = try await world.person("bob", (.teamAdmin, .team(team)))
        try await world.approve(try await world.propose(in: team, by: dave), by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        let anchor = try #require(try await world.activeAnchors(of: team).first)
        let removal = try ChangeContent(
            team: team, operations: [.removeAnchor(id: anchor.id)], justification: "no longer used")
        let proposed = try await world.api.propose(removal, by: dave.actor, now: start)
        #expect(proposed.change.state == .submitted)
        await expect(.ownProposal) { try await world.approve(proposed, by: dave) }
        try await world.approve(proposed, by: bob)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        #expect(try await world.activeAnchors(of: team).isEmpty)
    }

    @Test func `an anchor of another team is out of reach`() async throws {
        let world = try await World.make()
        let (acme, other) = (try await world.team(), try await world.team("other"))
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(other)))
        await expect(.forbidden) { _ = try await world.propose(in: acme, by: bob) }
        let record = try await world.propose(in: acme, by: world.admin)
        await expect(.notFound) { try await world.approve(record, by: bob) }
        let carol = try await world.person("carol", (.securityOfficer, .everything))
        try await world.approve(record, by: carol)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        let anchor = try #require(try await world.activeAnchors(of: acme).first)
        let removal = try ChangeContent(
            team: other, operations: [.removeAnchor(id: anchor.id)], justification: "not mine")
        await expect(.notFound) { _ = try await world.api.propose(removal, by: bob.actor, now: start) }
    }

    @Test func `additions that would make a team larger than hosts take are refused before anybody approves them`()
        async throws
    {
        let world = try await World.make()
        let acme = try await world.team()
        try await world.rule()
        let additions = { (count: Int) in
            try ChangeContent(
                team: acme,
                operations: try (1...count).map { index in
                    .addAnchor(
                        AnchorAddition(
                            kind: .ca, store: try TrustStoreName("prod"),
                            certificate: [UInt8](repeating: UInt8(index), count: 65_536), origin: .own, owner: "acme"))
                }, justification: "we need them")
        }
        await expect(.invalid) { _ = try await world.api.propose(try additions(12), by: world.admin.actor, now: start) }
        _ = try await world.api.propose(try additions(11), by: world.admin.actor, now: start)
    }

    @Test func `a change that fails stays approved, and stops no other`() async throws {
        let world = try await World.make()
        let acme = try await world.team()
        try await world.rule()
        let bob = try await world.person("bob", (.teamAdmin, .team(acme)))
        let addition = try await world.propose(in: acme, by: bob)
        try await world.approve(addition, by: world.admin)
        let denial = try await world.api.deny(
            try DenialSubject(.key, value: String(repeating: "ab", count: 32)), in: acme, reason: "weak",
            by: world.admin.actor, now: start)
        let content = try ChangeContent(
            team: acme, operations: [.liftDenial(id: denial.id)], justification: "it was a mistake")
        let lifting = try await world.api.propose(content, by: bob.actor, now: start)
        try await world.approve(lifting, by: world.admin)
        try await world.asOwner("REVOKE INSERT ON anchor FROM roadstead_publisher")
        let outcomes = try await world.publisher.publishApprovedChanges(now: start)
        guard case .failed(addition.change.number, _)? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(outcomes.dropFirst() == [.published(lifting.change.number)])
        #expect(try await world.api.change(addition.change.number).change.state == .approved)
    }
}
