import Codecs
import PostgresKit
import PostgresTesting
import RoadsteadStore
import Testing
import TrustModel

@Suite(.postgres) struct CustodyTests {
    @Test func `a team takes its role into its own custody with keys that its members registered`() async throws {
        let scene = try await Custodians.make()
        let world = scene.world
        let before = try await world.api.team(scene.team).version
        let change = try await scene.proposeCustody(threshold: 2)
        #expect(change.missing == .one)
        #expect(change.canApprove.map(\.subject) == ["alice"])
        await expect(.forbidden) { try await world.approve(change, by: scene.members[1]) }
        try await world.approve(change, by: world.admin)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        let custody = try await world.api.custody(of: scene.team).record
        #expect(custody.custody == .team && custody.epoch == 1 && custody.threshold == 2)
        #expect(custody.keys.map(\.key) == scene.keys.sorted { $0.keyID < $1.keyID })
        let state = try await world.publisher.state(of: scene.fleet)
        #expect(state.content.teams.map(\.custody) == [.team])
        let quorum = try #require(state.teamQuorums[scene.team])
        #expect(quorum.threshold == 2 && quorum.keys.count == 3 && quorum.epoch == 1)
        #expect(try await world.api.team(scene.team).version == before)
    }

    @Test func `a key serves one team, whoever registers it again, and nothing that the server signs with`()
        async throws
    {
        let scene = try await Custodians.make()
        let (world, key) = (scene.world, scene.keys[0])
        let other = try await world.team("other")
        let dave = try await world.person("dave", (.teamMember, .team(other)))
        for (team, person) in [(scene.team, scene.members[1]), (other, dave)] {
            await expect(.conflict) {
                _ = try await world.api.registerTeamKey(key, of: team, by: person.actor, now: start)
            }
        }
        let sealed = ServerKeyRecord(key: Custodians.key("server"), place: .team(other), sealed: [1])
        let check = try await world.publisher.masterKeyCheckValue(
            settingIfAbsent: String(repeating: "0", count: 16), now: start)
        try await world.publisher.addKeys([sealed], sealedUnder: check, now: start)
        await expect(.conflict) {
            _ = try await world.api.registerTeamKey(sealed.key, of: other, by: dave.actor, now: start)
        }
        let taken = ServerKeyRecord(key: key, place: .team(scene.team), sealed: [1])
        await #expect(throws: PostgresError(.unique, "")) {
            try await world.publisher.addKeys([taken], sealedUnder: check, now: start)
        }
    }

    @Test func `only members register keys, by tokens of their own, and machines none`() async throws {
        let scene = try await Custodians.make()
        let world = scene.world
        let outsider = try await world.person("frank", (.fleetOperator, .everything))
        let robot = try await world.secondToken(
            of: scene.members[0], TokenLimits(access: .write, holder: .machine))
        for person in [outsider, robot] {
            await expect(.forbidden) {
                _ = try await world.api.registerTeamKey(
                    Custodians.key("another"), of: scene.team, by: person.actor, now: start)
            }
        }
    }

    @Test func `two keys of one person, strange keys and retired ones make no quorum`() async throws {
        let scene = try await Custodians.make()
        let world = scene.world
        let second = Custodians.key("second of \(scene.members[0].person.subject)")
        _ = try await world.api.registerTeamKey(second, of: scene.team, by: scene.members[0].actor, now: start)
        await expect(.invalid) {
            _ = try await scene.proposeCustody(keys: [scene.keys[0].keyID, second.keyID], threshold: 2)
        }
        await expect(.notFound) {
            _ = try await scene.proposeCustody(keys: [Custodians.key("nobody's").keyID], threshold: 1)
        }
        _ = try await world.api.retireTeamKey(second.keyID, of: scene.team, by: scene.members[0].actor, now: start)
        await expect(.conflict) { _ = try await scene.proposeCustody(keys: [second.keyID], threshold: 1) }
        await expect(.conflict) {
            _ = try await world.api.registerTeamKey(second, of: scene.team, by: scene.members[0].actor, now: start)
        }
    }

    @Test func `a key is retired by its holder or by who may remove, and by nobody else`() async throws {
        let scene = try await Custodians.make()
        let world = scene.world
        let retire = { (session: Session, key: PublicKeyRecord) in
            _ = try await world.api.retireTeamKey(key.keyID, of: scene.team, by: session.actor, now: start)
        }
        await expect(.forbidden) { try await retire(scene.members[1], scene.keys[0]) }
        try await retire(scene.members[0], scene.keys[0])
        await expect(.conflict) { try await retire(scene.members[0], scene.keys[0]) }
        try await retire(world.admin, scene.keys[1])
        let keys = try await world.api.teamKeys(of: scene.team)
        #expect(keys.filter { $0.retired != nil }.map(\.key.keyID).sorted() == scene.keys[..<2].map(\.keyID).sorted())
    }

    @Test func `keys of people without a role in the team make no quorum, now or when the change takes effect`()
        async throws
    {
        let scene = try await Custodians.make()
        let world = scene.world
        let change = try await scene.proposeCustody(threshold: 2)
        try await world.approve(change, by: world.admin)
        try await scene.dismiss(member: 2)
        let outcomes = try await world.publisher.publishApprovedChanges(now: start)
        guard case .rejected? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        await expect(.conflict) { _ = try await scene.proposeCustody(threshold: 2) }
        try await world.api.disablePerson(scene.members[1].person.id, by: world.admin.actor, now: start)
        await expect(.conflict) { _ = try await scene.proposeCustody(keys: [scene.keys[1].keyID], threshold: 1) }
        #expect(try await world.api.teamKeys(of: scene.team).filter(\.counts).map(\.key) == [scene.keys[0]])
    }

    @Test func `the database knows the roles with which a key counts`() async throws {
        let scene = try await Custodians.make()
        let sql = """
            UPDATE role_binding b SET revoked_at = now(), revoked_by = 1 FROM person p
                WHERE p.id = b.person_id AND p.subject = 'dora' AND b.revoked_at IS NULL;
            INSERT INTO role_binding (person_id, role, team_id, granted_at)
                SELECT p.id, 'ROLE', TEAM, now() FROM person p, team t WHERE p.subject = 'dora' AND t.name = 'acme'
            """
        for role in PersonRole.allCases {
            let reach = [.teamAdmin, .teamMember].contains(role) ? "t.id" : "NULL"
            try await scene.world.asOwner(
                sql.replacing("ROLE", with: role.rawValue).replacing("TEAM", with: reach))
            let keys = try await scene.world.api.teamKeys(of: scene.team)
            let key = try #require(keys.first { $0.holderName == "dora" })
            #expect(key.counts == Permission.holdKey(scene.team).roles.contains(role), "\(role)")
        }
    }

    @Test func `a custody change whose key was retired meanwhile is rejected when it takes effect`() async throws {
        let scene = try await Custodians.make()
        let change = try await scene.proposeCustody(threshold: 2)
        try await scene.world.approve(change, by: scene.world.admin)
        _ = try await scene.world.api.retireTeamKey(
            scene.keys[0].keyID, of: scene.team, by: scene.members[0].actor, now: start)
        let outcomes = try await scene.world.publisher.publishApprovedChanges(now: start)
        guard case .rejected? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(try await scene.world.api.custody(of: scene.team).record.epoch == 0)
    }

    @Test func `the database refuses epochs that could not sign, and keys of another team or twice of one person`()
        async throws
    {
        let scene = try await Custodians.make()
        try await scene.takeCustody(threshold: 2)
        for sql in [
            """
            INSERT INTO team_custody SELECT team_id, 2, 'team', 1, false, change_number, now() FROM team_custody
            """,
            """
            INSERT INTO team_custody SELECT team_id, 3, 'server', 0, false, change_number, now() FROM team_custody
            """,
            "UPDATE team_custody SET threshold = 1", "DELETE FROM team_custody_key",
            "UPDATE team_key SET person_id = 1", "UPDATE team_key SET team_id = team_id + 1",
            """
            INSERT INTO team_custody_key SELECT team_id, epoch, repeat('0', 64), person_id FROM team_custody_key LIMIT 1
            """,
            "INSERT INTO team_custody_key SELECT team_id, epoch, key_id, 1 FROM team_custody_key LIMIT 1",
        ] {
            await #expect(throws: PostgresError.self, "\(sql)") { try await scene.world.asOwner(sql) }
        }
    }

    @Test func `what one person removes in a team's own custody is denied at once, in the team's scopes`() async throws
    {
        let scene = try await Custodians.make()
        let world = scene.world
        try await scene.addAnchor([1, 2, 3])
        try await scene.addAnchor([4, 5, 6])
        try await scene.takeCustody(threshold: 2)
        let officer = try await world.person("olga", (.securityOfficer, .everything))
        let anchor = try #require(try await world.activeAnchors(of: scene.team).first)
        let removal = try ChangeContent(
            team: scene.team, operations: [.removeAnchor(id: anchor.id)], justification: "stolen")
        let change = try await world.api.propose(removal, by: officer.actor, now: start)
        #expect(change.change.state == .published)
        let denials = try await world.api.denials(DenialFilter(), try PageRequest()).items
        #expect(denials.map(\.subject) == [.certificate(sha256: anchor.sha256)])
        #expect(denials.first?.team == scene.team && denials.first?.change == change.change.number)
        #expect(denials.first?.author == officer.person.id)
        #expect(try await world.publisher.state(of: scene.fleet).content.denials.map(\.id) == ["D-1"])
    }

    @Test func `in the server's custody a removal is no denial`() async throws {
        let scene = try await Custodians.make()
        try await scene.addAnchor([1, 2, 3])
        let anchor = try #require(try await scene.world.activeAnchors(of: scene.team).first)
        let removal = try ChangeContent(
            team: scene.team, operations: [.removeAnchor(id: anchor.id)], justification: "stolen")
        _ = try await scene.world.api.propose(removal, by: scene.world.admin.actor, now: start)
        #expect(try await scene.world.api.denials(DenialFilter(), try PageRequest()).items.isEmpty)
    }

    @Test func `back in the server's custody a removal is still denied while a fleet asks for the members' signatures`()
        async throws
    {
        let scene = try await Custodians.make()
        let world = scene.world
        try await scene.addAnchor([1, 2, 3])
        try await scene.takeCustody(threshold: 2)
        let back = try ChangeContent(
            team: scene.team, operations: [.setCustody(try CustodySetting(.server))], justification: "nobody is left")
        try await world.approve(
            try await world.api.propose(back, by: scene.members[0].actor, now: start), by: world.admin)
        _ = try await world.publisher.publishApprovedChanges(now: start)
        #expect(try await world.api.custody(of: scene.team).record.custody == .server)
        let anchor = try #require(try await world.activeAnchors(of: scene.team).first)
        let removal = try ChangeContent(
            team: scene.team, operations: [.removeAnchor(id: anchor.id)], justification: "stolen")
        _ = try await world.api.propose(removal, by: world.admin.actor, now: start)
        let denials = try await world.api.denials(DenialFilter(), try PageRequest()).items
        #expect(denials.map(\.subject) == [.certificate(sha256: anchor.sha256)])
    }

    @Test func `a renewal is asked for by a change, in a team's own custody alone`() async throws {
        let scene = try await Custodians.make()
        let renewal = try ChangeContent(team: scene.team, operations: [.renewRole], justification: "yearly")
        await expect(.invalid) {
            _ = try await scene.world.api.propose(renewal, by: scene.members[0].actor, now: start)
        }
        try await scene.takeCustody(threshold: 2)
        let change = try await scene.world.api.propose(renewal, by: scene.members[0].actor, now: start)
        #expect(change.missing == .one)
        try await scene.world.approve(change, by: scene.world.admin)
        _ = try await scene.world.publisher.publishApprovedChanges(now: start)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM role_renewal") == 1)
    }

    @Test func `keys that take too much of the fleet's settings make no quorum`() async throws {
        let scene = try await Custodians.make()
        let large = PublicKeyRecord(
            keyID: Hex.encode(World.digest("large")), publicKey: Array("spki large".utf8),
            keyObject: [UInt8](repeating: UInt8(ascii: " "), count: 4_000))
        _ = try await scene.world.api.registerTeamKey(large, of: scene.team, by: scene.members[0].actor, now: start)
        await expect(.invalid) { _ = try await scene.proposeCustody(keys: [large.keyID], threshold: 1) }
    }
}

/// A team of three members, each with a registered key, in a fleet.
struct Custodians: Sendable {
    let world: World
    let team: TeamName
    let fleet: FleetName
    let members: [Session]
    let keys: [PublicKeyRecord]

    static func make() async throws -> Custodians {
        let world = try await World.make()
        let (team, fleet) = (try await world.team(), try FleetName("demo"))
        try await world.rule()
        _ = try await world.api.createFleet(
            fleet, id: try FleetID.random(), displayName: "demo", profile: .standard, by: world.admin.actor, now: start)
        _ = try await world.addTeam(team, to: fleet, by: world.admin.actor, now: start)
        var (members, keys): ([Session], [PublicKeyRecord]) = ([], [])
        for (name, role) in [("bob", PersonRole.teamAdmin), ("carol", .teamMember), ("dora", .teamMember)] {
            let member = try await world.person(name, (role, .team(team)))
            keys.append(
                try await world.api.registerTeamKey(key(name), of: team, by: member.actor, now: start).key)
            members.append(member)
        }
        return Custodians(world: world, team: team, fleet: fleet, members: members, keys: keys)
    }

    static func key(_ name: String) -> PublicKeyRecord {
        PublicKeyRecord(
            keyID: Hex.encode(World.digest("id \(name)")), publicKey: Array("spki \(name)".utf8),
            keyObject: Array("{}".utf8))
    }

    func proposeCustody(
        keys: [String]? = nil, threshold: Int, formerLost: Bool = false
    ) async throws -> ChangeRecord {
        let setting = try CustodySetting(
            .team, keys: keys ?? self.keys.map(\.keyID), threshold: threshold, formerLost: formerLost)
        let content = try ChangeContent(
            team: team, operations: [.setCustody(setting)], justification: "we sign ourselves")
        return try await world.api.propose(content, by: members[0].actor, now: start)
    }

    func takeCustody(keys: [String]? = nil, threshold: Int, formerLost: Bool = false) async throws {
        let change = try await proposeCustody(keys: keys, threshold: threshold, formerLost: formerLost)
        try await world.approve(change, by: world.admin)
        let outcomes = try await world.publisher.publishApprovedChanges(now: start)
        #expect(outcomes == [.published(change.change.number)])
    }

    /// Takes a member's role away.
    func dismiss(member: Int) async throws {
        let bindings = try await world.api.roleBindings(try PageRequest()).items
        for binding in bindings where binding.person == members[member].person.id {
            try await world.revokeBinding(binding.id, by: world.admin.actor, now: start)
        }
    }

    func addAnchor(_ certificate: [UInt8]) async throws {
        let change = try await world.propose(certificate, in: team, by: world.admin)
        try await world.approve(change, by: members[0])
        _ = try await world.publisher.publishApprovedChanges(now: start)
    }
}
