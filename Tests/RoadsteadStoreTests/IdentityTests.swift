import Codecs
import Migrations
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

/// Identities at providers, the people they are, and what their groups bring.
@Suite(.postgres) struct IdentityTests {
    private let issuer = "https://login.example.com"

    private func identity(
        _ subject: String, groups: [String] = [], issued: UTCDate = start, issuer: String? = nil, people: Bool = true,
        lasting: Int64 = 360
    ) -> AssertedIdentity {
        AssertedIdentity(
            issuer: issuer ?? self.issuer, subject: subject, displayName: subject, groups: groups, issued: issued,
            expires: issued.adding(seconds: lasting),
            tokenSHA256: World.digest("\(subject) \(issued) \(groups) \(issuer ?? "")"), isForPeople: people)
    }

    private func bearer(
        _ world: World, _ identity: AssertedIdentity, at now: UTCDate = start, signUp: SignUp = .open
    ) async throws -> Session {
        try await world.api.authenticate(identity, signUp: signUp, requestID: "r", now: now)
    }

    private func signIn(_ world: World, _ identity: AssertedIdentity, at now: UTCDate = start) async throws -> Session {
        try await world.api.signIn(
            identity, nonceSHA256: nil, tokenSHA256: World.digest("session \(identity.subject) \(now)"),
            label: "laptop",
            signUp: .open, requestID: "r", now: now)
    }

    private func officer(_ world: World) async throws -> Session {
        try await world.person("olga", (.securityOfficer, .everything))
    }

    /// Proposes as one person, approves as another, and lets the publisher bring it in.
    @discardableResult
    private func agree(
        _ world: World, _ operation: some GovernedOperation, by author: Session, with approver: Session,
        at now: UTCDate = start
    ) async throws -> [ChangeOutcome] {
        let content = try ChangeContent(team: nil, operations: [.governed(operation)], justification: "needed")
        let change = try await world.api.propose(content, by: author.actor, now: now)
        if change.change.state != .submitted { return [] }
        try await world.approve(change, by: approver, at: now)
        return try await world.publisher.publishApprovedChanges(now: now)
    }

    private func groupRole(
        _ role: PersonRole, _ reach: RoleReach = .everything, group: String = "trust"
    ) throws -> SetGroupRole {
        SetGroupRole(
            issuer: try IssuerURL(issuer), group: try GroupName(group), binding: try RoleBinding(role, reach))
    }

    @Test func `the first sign-in makes the person, without any role, and the next finds it`() async throws {
        let world = try await World.make()
        let first = try await signIn(world, identity("carol"))
        #expect(first.person.issuer == issuer && first.person.subject == "carol" && first.bindings.isEmpty)
        #expect(first.credential.kind == .token && first.credential.issuer == issuer)
        #expect(first.credential.expires == start.adding(seconds: 12 * 3_600))
        let second = try await bearer(world, identity("carol", issued: start.adding(seconds: 5)))
        #expect(second.person.id == first.person.id && second.credential.kind == .provider)
        let other = try await bearer(world, identity("carol", issuer: "https://other.example.com"))
        #expect(other.person.id != first.person.id)
    }

    @Test func `where signing up is closed nobody comes in unknown`() async throws {
        let world = try await World.make()
        await expect(.forbidden) { _ = try await bearer(world, identity("carol"), signUp: .closed) }
        _ = try await bearer(world, identity("carol"))
        _ = try await bearer(world, identity("carol", issued: start.adding(seconds: 1)), signUp: .closed)
    }

    @Test func `a token is exchanged once, and so is a nonce`() async throws {
        let world = try await World.make()
        _ = try await signIn(world, identity("carol"))
        await expect(.unauthenticated) { _ = try await signIn(world, identity("carol"), at: start.adding(seconds: 1)) }
        for (index, accepted) in [(1, true), (2, false)] {
            let made = identity("carol", issued: start.adding(seconds: Int64(index)))
            func exchange() async throws {
                _ = try await world.api.signIn(
                    made, nonceSHA256: World.digest("nonce"), tokenSHA256: World.digest("s\(index)"), label: "l",
                    signUp: .open, requestID: "r", now: start)
            }
            if accepted { try await exchange() } else { await expect(.unauthenticated) { try await exchange() } }
        }
    }

    @Test func `a session ends after twelve hours, and with its person`() async throws {
        let world = try await World.make()
        let session = try await signIn(world, identity("carol"))
        let token = World.digest("session carol \(start)")
        let late = start.adding(seconds: 12 * 3_600)
        _ = try await world.api.authenticate(tokenSHA256: token, requestID: "r", now: late.adding(seconds: -1))
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(tokenSHA256: token, requestID: "r", now: late)
        }
        try await world.api.disablePerson(session.person.id, by: world.admin.actor, now: start)
        for now in [start, start.adding(seconds: 30)] {
            await expect(.unauthenticated) { _ = try await bearer(world, identity("carol", issued: now), at: now) }
            await expect(.unauthenticated) { _ = try await signIn(world, identity("carol", issued: now), at: now) }
        }
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(tokenSHA256: token, requestID: "r", now: start)
        }
    }

    @Test func `revoking what an identity's tokens stand for bars those issued before`() async throws {
        let world = try await World.make()
        let session = try await bearer(world, identity("carol"))
        let then = start.adding(seconds: 10)
        try await world.api.revokeCredential(session.credential.id, by: session.actor, now: then)
        await expect(.unauthenticated) { _ = try await bearer(world, identity("carol"), at: then) }
        await expect(.unauthenticated) { _ = try await bearer(world, identity("carol", issued: then), at: then) }
        let newer = then.adding(seconds: 1)
        let again = try await bearer(world, identity("carol", issued: newer), at: newer)
        #expect(again.person.id == session.person.id && again.credential.id != session.credential.id)
    }

    @Test func `a token that was revoked stays so after a newer one was shown`() async throws {
        let world = try await World.make()
        let session = try await bearer(world, identity("carol", lasting: 86_400))
        let then = start.adding(seconds: 10)
        try await world.api.revokeCredential(session.credential.id, by: session.actor, now: then)
        let newer = then.adding(seconds: 1)
        _ = try await bearer(world, identity("carol", issued: newer), at: newer)
        await expect(.unauthenticated) { _ = try await bearer(world, identity("carol", lasting: 86_400), at: newer) }
        await expect(.unauthenticated) { _ = try await bearer(world, identity("carol"), at: newer) }
        await expect(.unauthenticated) { _ = try await signIn(world, identity("carol"), at: newer) }
    }

    @Test func `the groups of a newer token count, also when it ends earlier`() async throws {
        let world = try await World.make()
        let olga = try await officer(world)
        try await agree(world, groupRole(.auditor, group: "audit"), by: world.admin, with: olga)
        let before = try await bearer(world, identity("carol", groups: ["audit"], lasting: 86_400))
        #expect(before.bindings.map(\.role) == [.auditor])
        let after = try await bearer(world, identity("carol", issued: start.adding(seconds: 5)))
        #expect(after.bindings.isEmpty)
    }

    @Test func `nobody agrees to a role of a group of their own`() async throws {
        let world = try await World.make()
        let olga = try await officer(world)
        try await agree(world, groupRole(.securityOfficer, group: "sec"), by: world.admin, with: olga)
        let carol = try await signIn(world, identity("carol", groups: ["sec"]))
        let content = try ChangeContent(
            team: nil, operations: [.governed(try groupRole(.trustAdmin, group: "sec"))], justification: "needed")
        let change = try await world.api.propose(content, by: world.admin.actor, now: start)
        #expect(change.canApprove.map(\.subject) == ["olga"])
        await expect(.ownProposal) { try await world.approve(change, by: carol) }
        // Who comes into the group after having agreed does not count either.
        let dave = try await signIn(world, identity("dave", groups: ["sec", "ops"]))
        let ops = try ChangeContent(
            team: nil, operations: [.governed(try groupRole(.trustAdmin, group: "late"))], justification: "needed")
        let later = try await world.api.propose(ops, by: world.admin.actor, now: start)
        try await world.approve(later, by: dave)
        _ = try await bearer(world, identity("dave", groups: ["sec", "late"], issued: start.adding(seconds: 1)))
        #expect(try await world.publisher.publishApprovedChanges(now: start) == [.sentBack(later.change.number)])
    }

    @Test func `no group role goes that leaves fewer than two who could agree`() async throws {
        let world = try await World.make()
        let set = try groupRole(.securityOfficer, group: "sec")
        try await agree(world, set, by: world.admin, with: world.admin)
        _ = try await signIn(world, identity("carol", groups: ["sec"]))
        #expect(try await world.api.foundingEnd() != nil)
        let remove = RemoveGroupRole(
            issuer: try IssuerURL(issuer), group: try GroupName("sec"),
            binding: try RoleBinding(.securityOfficer, .everything))
        let content = try ChangeContent(team: nil, operations: [.governed(remove)], justification: "over")
        await expect(.conflict) { _ = try await world.api.propose(content, by: world.admin.actor, now: start) }
        let token = World.digest("session carol \(start)")
        let carol = try await world.api.authenticate(tokenSHA256: token, requestID: "r", now: start)
        let invitation = World.digest("invitation")
        let (_, change) = try await world.api.invite(
            subject: "olga", displayName: "Olga", bindings: [try RoleBinding(.securityOfficer, .everything)],
            tokenSHA256: invitation, expires: start.adding(days: 1), by: world.admin.actor, now: start)
        try await world.approve(try #require(change), by: carol)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        _ = try await world.api.acceptInvitation(
            tokenSHA256: invitation, credential: World.credential("olga-1"), requestID: "r", now: start)
        let done = try await world.api.propose(content, by: world.admin.actor, now: start)
        #expect(done.change.state == .published)
    }

    @Test func `a group brings its role, which says where it comes from`() async throws {
        let world = try await World.make()
        let olga = try await officer(world)
        try await agree(world, groupRole(.auditor, group: "audit"), by: world.admin, with: olga)
        let carol = try await bearer(world, identity("carol", groups: ["audit", "other"]))
        #expect(carol.bindings == [try RoleBinding(.auditor, .everything)])
        #expect(carol.held.first?.group?.name == "audit" && carol.held.first?.group?.issuer == issuer)
        #expect(carol.held.first?.group?.until == start.adding(days: 1))
        let foreign = try await bearer(world, identity("dave", groups: ["audit"], issuer: "https://evil.example.com"))
        #expect(foreign.bindings.isEmpty)
    }

    @Test func `a group's role ends with the mapping, with the next token that lacks it, and after a day`() async throws
    {
        let world = try await World.make()
        let olga = try await officer(world)
        try await agree(world, groupRole(.auditor, group: "audit"), by: world.admin, with: olga)
        let carol = try await signIn(world, identity("carol", groups: ["audit"]))
        func roles(at now: UTCDate) async throws -> [PersonRole] {
            // The session would have ended first; a longer token shows the end of the groups.
            let token = World.digest("long")
            return try await world.api.authenticate(tokenSHA256: token, requestID: "r", now: now).bindings.map(\.role)
        }
        _ = try await world.api.issueCredential(World.credential("long"), by: carol.actor, now: start)
        #expect(try await roles(at: start.adding(seconds: 86_399)) == [.auditor])
        #expect(try await roles(at: start.adding(seconds: 86_400)).isEmpty)
        _ = try await bearer(world, identity("carol", groups: [], issued: start.adding(seconds: 2)))
        #expect(try await roles(at: start.adding(seconds: 3)).isEmpty)
        // An older token does not bring back what a newer one took.
        _ = try await bearer(world, identity("carol", groups: ["audit"], issued: start.adding(seconds: 1)))
        #expect(try await roles(at: start.adding(seconds: 3)).isEmpty)
        _ = try await bearer(world, identity("carol", groups: ["audit"], issued: start.adding(seconds: 4)))
        #expect(try await roles(at: start.adding(seconds: 5)) == [.auditor])
        let remove = RemoveGroupRole(
            issuer: try IssuerURL(issuer), group: try GroupName("audit"),
            binding: try RoleBinding(.auditor, .everything))
        try await agree(world, remove, by: world.admin, with: olga)
        #expect(try await roles(at: start.adding(seconds: 5)).isEmpty)
    }

    @Test func `who approves by a group's role must still be in the group at publication`() async throws {
        let world = try await World.make()
        let olga = try await officer(world)
        let team = try await world.team()
        try await world.rule()
        try await agree(world, groupRole(.securityOfficer), by: world.admin, with: olga)
        let carol = try await signIn(world, identity("carol", groups: ["trust"]))
        let change = try await world.propose(in: team, by: world.admin)
        let approved = try await world.approve(change, by: carol)
        #expect(approved.change.state == .approved)
        _ = try await bearer(world, identity("carol", groups: [], issued: start.adding(seconds: 9)))
        let outcomes = try await world.publisher.publishApprovedChanges(now: start.adding(seconds: 10))
        #expect(outcomes == [.sentBack(change.change.number)])
        #expect(try await world.activeAnchors(of: team).isEmpty)
    }

    // MARK: Links

    private func link(
        _ subject: String, _ holder: TokenLimits.Holder = .person, issuer: String? = nil, team: TeamName? = nil
    ) throws -> LinkIdentity {
        LinkIdentity(
            issuer: try IssuerURL(issuer ?? self.issuer), subject: try IdentitySubject(subject), holder: holder,
            team: team)
    }

    @Test func `a link needs a token of the identity, shown by its author, and somebody else's approval`() async throws
    {
        let world = try await World.make()
        let olga = try await officer(world)
        let content = try ChangeContent(
            team: nil, operations: [.governed(try link("alice2"))], justification: "mine too")
        await expect(.forbidden) { _ = try await world.api.propose(content, by: world.admin.actor, now: start) }
        try await world.api.prove(identity("alice2"), by: olga.actor, now: start)
        await expect(.forbidden) { _ = try await world.api.propose(content, by: world.admin.actor, now: start) }
        try await world.api.prove(
            identity("alice2", issued: start.adding(seconds: 1)), by: world.admin.actor, now: start)
        let change = try await world.api.propose(content, by: world.admin.actor, now: start)
        #expect(change.change.state == .submitted)
        await expect(.ownProposal) { try await world.approve(change, by: world.admin) }
        try await world.approve(change, by: olga)
        #expect(try await world.publisher.publishApprovedChanges(now: start) == [.published(change.change.number)])
        let second = try await bearer(world, identity("alice2", issued: start.adding(seconds: 2)))
        #expect(second.person.id == world.admin.person.id)
        #expect(
            try await world.api.identityLinks(of: world.admin.person.id, try PageRequest()).items.map(\.subject) == [
                "alice2"
            ])
    }

    @Test func `two accounts of one person are one person to every rule`() async throws {
        let world = try await World.make()
        let team = try await world.team()
        let olga = try await world.person("olga", (.securityOfficer, .everything), (.teamAdmin, .team(team)))
        try await world.rule(approvals: 2)
        try await world.api.prove(identity("olga2"), by: olga.actor, now: start)
        try await agree(world, link("olga2"), by: olga, with: world.admin)
        let second = try await signIn(world, identity("olga2", issued: start.adding(seconds: 2)))
        #expect(second.person.id == olga.person.id)
        let tina = try await world.person("tina", (.teamMember, .team(team)))
        let change = try await world.propose(in: team, by: tina)
        try await world.approve(change, by: olga)
        await expect(.conflict) { try await world.approve(change, by: second) }
        let own = try await world.propose([9], in: team, by: second)
        await expect(.ownProposal) { try await world.approve(own, by: olga) }
    }

    @Test func `an account that has acted stays a person of its own, and one that has not is taken in`() async throws {
        let world = try await World.make()
        let olga = try await officer(world)
        try await agree(world, groupRole(.trustAdmin), by: world.admin, with: olga)
        let carol = try await signIn(world, identity("carol", groups: ["trust"]))
        let proposal = try ChangeContent(
            team: nil, operations: [.governed(AddTeam(team: try TeamName("acme"), displayName: "Acme"))],
            justification: "new")
        _ = try await world.api.propose(proposal, by: carol.actor, now: start)
        try await world.api.prove(identity("carol", issued: start.adding(seconds: 1)), by: olga.actor, now: start)
        await expect(.conflict) { try await agree(world, try link("carol"), by: olga, with: world.admin) }

        let idle = try await signIn(world, identity("olga2"))
        try await world.api.prove(identity("olga2", issued: start.adding(seconds: 1)), by: olga.actor, now: start)
        try await agree(world, try link("olga2"), by: olga, with: world.admin)
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(
                tokenSHA256: World.digest("session olga2 \(start)"), requestID: "r", now: start)
        }
        #expect(try await world.api.person(idle.person.id).disabled)
        let now = try await bearer(world, identity("olga2", issued: start.adding(seconds: 3)))
        #expect(now.person.id == olga.person.id)
    }

    @Test func `a linked machine proposes for its person, in its team, and never approves`() async throws {
        let world = try await World.make()
        let olga = try await officer(world)
        let (team, ci) = (try await world.team(), "https://ci.example.com")
        try await world.rule()
        let robot = identity("repo:acme/trust", issuer: ci, people: false)
        await expect(.unauthenticated) { _ = try await bearer(world, robot) }
        try await world.api.prove(robot, by: world.admin.actor, now: start)
        try await agree(
            world, try link("repo:acme/trust", .machine, issuer: ci, team: team), by: world.admin, with: olga)
        let later = identity(
            "repo:acme/trust", groups: ["trust"], issued: start.adding(seconds: 1), issuer: ci, people: false)
        let session = try await bearer(world, later)
        #expect(session.person.id == world.admin.person.id && session.limits.holder == .machine)
        #expect(session.limits.team == team)
        let change = try await world.propose(in: team, by: session)
        #expect(change.change.author == world.admin.person.id)
        await expect(.ownProposal) { try await world.approve(change, by: world.admin) }
        let tina = try await world.person("tina", (.teamMember, .team(team)))
        let other = try await world.propose([7], in: team, by: tina)
        await expect(.forbidden) { try await world.approve(other, by: session) }
        await expect(.forbidden) {
            _ = try await signIn(
                world, identity("repo:acme/trust", issued: start.adding(seconds: 2), issuer: ci, people: false))
        }
        let events = try await world.api.auditEvents(try PageRequest()).items
        let proposed = try #require(events.last { $0.object == "C-\(change.change.number)" })
        #expect(proposed.actor == "person:\(world.admin.person.id)" && proposed.credential == session.credential.id)
    }

    @Test func `unlinking is the holder's or an administrator's, and ends what came by it`() async throws {
        let world = try await World.make()
        let olga = try await officer(world)
        let carol = try await world.person("carol", (.auditor, .everything))
        try await world.api.prove(identity("olga2"), by: olga.actor, now: start)
        try await agree(world, link("olga2"), by: olga, with: world.admin)
        let second = try await signIn(world, identity("olga2", issued: start.adding(seconds: 2)))
        let id = try await world.api.identityLinks(of: olga.person.id, try PageRequest()).items[0].id
        await expect(.forbidden) { try await world.api.unlinkIdentity(id, by: carol.actor, now: start) }
        try await world.api.unlinkIdentity(id, by: second.actor, now: start)
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(
                tokenSHA256: World.digest("session olga2 \(start)"), requestID: "r", now: start)
        }
        await expect(.notFound) { try await world.api.unlinkIdentity(id, by: olga.actor, now: start) }
    }

    @Test func `an identity that was unlinked is no person of its own, and may be linked again`() async throws {
        let world = try await World.make()
        let olga = try await officer(world)
        try await world.api.prove(identity("olga2"), by: olga.actor, now: start)
        try await agree(world, link("olga2"), by: olga, with: world.admin)
        let id = try await world.api.identityLinks(of: olga.person.id, try PageRequest()).items[0].id
        try await world.api.unlinkIdentity(id, by: olga.actor, now: start)
        let later = start.adding(seconds: 5)
        await expect(.unauthenticated) { _ = try await bearer(world, identity("olga2", issued: later), at: later) }
        await expect(.unauthenticated) { _ = try await signIn(world, identity("olga2", issued: later), at: later) }
        let people = try await world.api.people(try PageRequest()).items
        #expect(!people.contains { $0.subject == "olga2" })
        try await world.api.prove(identity("olga2", issued: later.adding(seconds: 1)), by: olga.actor, now: later)
        try await agree(world, link("olga2"), by: olga, with: world.admin, at: later)
        let again = try await bearer(world, identity("olga2", issued: later.adding(seconds: 2)), at: later)
        #expect(again.person.id == olga.person.id)
        await #expect(throws: PostgresError(.permission, "")) {
            try await world.database.withConnection(as: .api) {
                try await $0.run(script: "UPDATE identity_link SET unlinked_at = NULL, unlinked_by = NULL")
            }
        }
    }

    @Test func `unlinking ends what was made in a session of that identity, and the groups that it named`() async throws
    {
        let world = try await World.make()
        let olga = try await officer(world)
        try await agree(world, groupRole(.auditor, group: "audit"), by: world.admin, with: olga)
        try await world.api.prove(identity("olga2"), by: olga.actor, now: start)
        try await agree(world, link("olga2"), by: olga, with: world.admin)
        let second = try await signIn(
            world, identity("olga2", groups: ["audit"], issued: start.adding(seconds: 2)))
        #expect(second.bindings.contains { $0.role == .auditor })
        _ = try await world.api.issueCredential(World.credential("long"), by: second.actor, now: start)
        let token = World.digest("long")
        let long = try await world.api.authenticate(tokenSHA256: token, requestID: "r", now: start)
        let key = World.digest("key of olga2")
        _ = try await world.api.registerCertificate(
            keySHA256: key, label: "k", expires: start.adding(days: 9), by: long.actor, now: start)
        let id = try await world.api.identityLinks(of: olga.person.id, try PageRequest()).items[0].id
        try await world.api.unlinkIdentity(id, by: olga.actor, now: start)
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(tokenSHA256: token, requestID: "r", now: start)
        }
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(certificateKeySHA256: key, requestID: "r", now: start)
        }
        let own = try await world.api.authenticate(tokenSHA256: World.digest("olga-1"), requestID: "r", now: start)
        #expect(own.bindings.map(\.role) == [.securityOfficer])
    }

    @Test func `others do not read who links what, and nobody asks for links without end`() async throws {
        let world = try await World.make()
        let olga = try await officer(world)
        let tina = try await world.person("tina", (.teamMember, .team(try await world.team())))
        try await world.api.prove(identity("olga2"), by: olga.actor, now: start)
        let content = try ChangeContent(
            team: nil, operations: [.governed(try link("olga2"))], justification: "mine too")
        let first = try await world.api.propose(content, by: olga.actor, now: start)
        await expect(.notFound) {
            _ = try await world.api.reading(as: Reader(tina)).change(first.change.number)
        }
        for _ in 1..<20 { _ = try await world.api.propose(content, draft: true, by: olga.actor, now: start) }
        await expect(.conflict) { _ = try await world.api.propose(content, by: olga.actor, now: start) }
        _ = try await world.api.withdraw(first.change.number, by: olga.actor, now: start)
        _ = try await world.api.propose(content, by: olga.actor, now: start)
    }

    // MARK: Certificates

    @Test func `a certificate counts for as long as a token may at most`() async throws {
        let world = try await World.make()
        let made = try await world.api.registerCertificate(
            keySHA256: World.digest("k"), label: "for ever", expires: start.adding(days: 30_000),
            by: world.admin.actor, now: start)
        #expect(made.expires == start.adding(days: 366))
    }

    @Test func `a certificate's key is its registrant's until it ends or is revoked`() async throws {
        let world = try await World.make()
        let key = World.digest("key")
        let ends = start.adding(days: 30)
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(certificateKeySHA256: key, requestID: "r", now: start)
        }
        let made = try await world.api.registerCertificate(
            keySHA256: key, label: "laptop", expires: ends, by: world.admin.actor, now: start)
        let session = try await world.api.authenticate(certificateKeySHA256: key, requestID: "r", now: start)
        #expect(session.person.id == world.admin.person.id && session.credential.kind == .certificate)
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(certificateKeySHA256: key, requestID: "r", now: ends)
        }
        let olga = try await officer(world)
        await expect(.conflict) {
            _ = try await world.api.registerCertificate(
                keySHA256: key, label: "mine", expires: ends, by: olga.actor, now: start)
        }
        let machine = try await world.secondToken(of: world.admin, TokenLimits(access: .write, holder: .machine))
        await expect(.forbidden) {
            _ = try await world.api.registerCertificate(
                keySHA256: World.digest("k2"), label: "ci", expires: ends, by: machine.actor, now: start)
        }
        try await world.api.revokeCredential(made.id, by: world.admin.actor, now: start)
        await expect(.unauthenticated) {
            _ = try await world.api.authenticate(certificateKeySHA256: key, requestID: "r", now: start)
        }
    }
}
