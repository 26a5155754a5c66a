import Codecs
import PostgresKit
import PostgresTesting
import RoadsteadStore
import SigningKeys
import Testing
import TrustModel

@Suite(.postgres) struct VendorTests {
    @Test func `a vendor takes two approvals, one of them from outside the team that asks`() async throws {
        let scene = try await VendorScene.make()
        let proposed = try await scene.proposeVendor([[1]])
        #expect(proposed.missing == .twoWithAnOutsider)
        let inside = try await scene.world.approve(proposed, by: scene.insider)
        #expect(inside.change.state == .submitted)
        #expect(inside.missing == (try ApprovalsNeeded(count: 1, outsiders: 1)))
        // The second insider holds a role everywhere too, and is of the team all the same.
        let still = try await scene.world.approve(proposed, by: scene.insidingOfficer)
        #expect(still.change.state == .submitted)
        #expect(try await scene.world.publisher.publishApprovedChanges(now: start).isEmpty)
        try await scene.world.approve(proposed, by: scene.officer)
        #expect(try await scene.publish() == [.published(proposed.change.number)])
        let vendor = try await scene.world.api.vendor(scene.vendor)
        #expect(vendor.version == 1)
        #expect(vendor.anchors.map(\.certificate) == [[1]])
        #expect(vendor.askedBy == scene.team)
    }

    @Test
    func `who was of the team by a group is no outsider when the group is not named any more, until it is taken away`()
        async throws
    {
        let scene = try await VendorScene.make()
        let proposed = try await scene.proposeVendor([[1]])
        try await scene.world.asOwner(
            """
            INSERT INTO group_role (issuer, group_name, role, team_id, set_by_change, set_at)
            SELECT 'https://id.example.com', 'dev', 'team-member', id, \(proposed.change.number), now()
            FROM team WHERE name = '\(scene.team)';
            INSERT INTO asserted_groups (person_id, issuer, groups, issued_at, expires_at) VALUES
            (\(scene.officer.person.id), 'https://id.example.com', '{dev}', now(), now() + interval '1 hour');
            UPDATE asserted_groups SET groups = '{}'
            """)
        try await scene.approveByTwo(proposed)
        #expect(try await scene.publish().isEmpty)
        let waiting = try await scene.world.api.change(proposed.change.number)
        #expect(waiting.missing == (try ApprovalsNeeded(count: 1, outsiders: 1)))
        await #expect(throws: (any Error).self) {
            try await scene.world.asOwner(
                "UPDATE change SET outsiders_needed = 0 WHERE number = \(proposed.change.number)")
        }
        // Nobody decides again: what is agreed by now goes on by itself.
        try await scene.world.asOwner(
            "UPDATE group_role SET removed_at = now(), removed_by_change = \(proposed.change.number)")
        #expect(try await scene.publish() == [.published(proposed.change.number)])
    }

    @Test func `a change says only once what a vendor is`() async throws {
        let scene = try await VendorScene.make()
        let (first, second) = (try await scene.proposeVendor([[1]]), try await scene.proposeVendor([[2]]))
        let content = try first.change.content.with(
            first.change.content.operations + second.change.content.operations)
        await expect(.invalid) { _ = try await scene.world.api.propose(content, by: scene.member.actor, now: start) }
    }

    @Test func `a vendor says how many stores follow it`() async throws {
        let scene = try await VendorScene.make()
        try await scene.register([[1]])
        #expect(try await scene.world.api.vendor(scene.vendor).useCount == 0)
        try await scene.use(in: scene.team, approver: scene.insider)
        #expect(try await scene.world.api.vendor(scene.vendor).useCount == 1)
    }

    @Test func `a fingerprint that was typed otherwise registers nothing`() {
        #expect(throws: TrustModelError(.document, "")) {
            try VendorAnchor(kind: .ca, certificate: [1], typed: VendorScene.fingerprint([2]))
        }
    }

    @Test func `the database itself refuses a vendor that two insiders agreed to`() async throws {
        let scene = try await VendorScene.make()
        let proposed = try await scene.proposeVendor([[1]])
        try await scene.world.approve(proposed, by: scene.insider)
        try await scene.world.approve(proposed, by: scene.insidingOfficer)
        let sql = """
            INSERT INTO vendor (name, review_by, created_at) VALUES ('\(scene.vendor)', now(), now());
            INSERT INTO vendor_version (vendor_id, version, details, asked_by, registered_by, change_number, created_at)
            SELECT v.id, 1, '{}', t.id, c.author, c.number, now()
            FROM vendor v, change c, team t WHERE c.number = \(proposed.change.number) AND t.name = '\(scene.team)'
            """
        await #expect(throws: PostgresError(.check, "")) { try await scene.world.asOwner(sql) }
    }

    @Test func `a team uses a vendor with one approval, by a rule for registered vendors`() async throws {
        let scene = try await VendorScene.make()
        try await scene.register([[1], [2]])
        let proposed = try await scene.proposeUse(in: scene.team)
        #expect(proposed.missing == .one)
        try await scene.world.approve(proposed, by: scene.insider)
        #expect(try await scene.publish() == [.published(proposed.change.number)])
        let anchors = try await scene.world.activeAnchors(of: scene.team)
        #expect(anchors.map(\.certificate) == [[1], [2]])
        #expect(anchors.allSatisfy { $0.origin == .thirdParty })
    }

    @Test func `the same root registered by the team itself is refused, and says how to ask`() async throws {
        let scene = try await VendorScene.make()
        try await scene.register([[1]])
        let addition = AnchorAddition(
            kind: .ca, store: try TrustStoreName("prod"), certificate: [1], origin: .thirdParty, owner: "acme")
        let content = try ChangeContent(team: scene.team, operations: [.addAnchor(addition)], justification: "why not")
        await expect(.refusedByRule) {
            _ = try await scene.world.api.propose(content, by: scene.member.actor, now: start)
        }
    }

    @Test func `an approved change of a vendor reaches every store that follows it`() async throws {
        let scene = try await VendorScene.make()
        try await scene.register([[1], [2]])
        let other = try await scene.secondTeam()
        try await scene.use(in: scene.team, approver: scene.insider)
        try await scene.use(in: other, approver: scene.officer)
        try await scene.register([[2], [3]], version: 1)
        for team in [scene.team, other] {
            #expect(try await scene.world.activeAnchors(of: team).map(\.certificate) == [[2], [3]])
        }
        #expect(try await scene.world.api.vendor(scene.vendor).version == 2)
    }

    @Test func `what comes by a vendor stays out where the team's rules refuse it, and the log says so`() async throws {
        let scene = try await VendorScene.make()
        try await scene.register([[1]])
        let other = try await scene.secondTeam()
        try await scene.use(in: scene.team, approver: scene.insider)
        try await scene.use(in: other, approver: scene.officer)
        let deny = try RootRule(
            name: "other/only", team: other,
            conditions: .init(exceptCertificates: [VendorScene.fingerprint([1])]),
            effect: .deny(reason: "only the first"))
        _ = try await scene.world.addRootRule(deny, by: scene.world.admin.actor, now: start)
        try await scene.register([[1], [3]], version: 1)
        #expect(try await scene.world.activeAnchors(of: scene.team).map(\.certificate) == [[1], [3]])
        #expect(try await scene.world.activeAnchors(of: other).map(\.certificate) == [[1]])
        let left = "SELECT count(*) AS n FROM audit_event WHERE action = 'vendor.anchor-left-out'" as StaticString
        #expect(try await scene.world.count(left) == 1)
    }

    @Test
    func `one officer takes an anchor of a vendor from every team at once, and old approvals do not bring it back`()
        async throws
    {
        let scene = try await VendorScene.make()
        try await scene.register([[1], [2]])
        try await scene.use(in: scene.team, approver: scene.insider)
        let late = try await scene.proposeVendor([[1], [2], [3]], version: 1)
        try await scene.approveByTwo(late)
        let content = try ChangeContent(
            team: nil,
            operations: [
                .governed(RemoveVendorAnchor(vendor: scene.vendor, fingerprint: VendorScene.fingerprint([2])))
            ],
            justification: "stolen")
        let removed = try await scene.world.api.propose(content, by: scene.officer.actor, now: start)
        #expect(removed.change.state == .published)
        #expect(try await scene.world.activeAnchors(of: scene.team).map(\.certificate) == [[1]])
        guard case .rejected(let number, _)? = try await scene.publish().first else {
            Issue.record("an approval from before the removal brought the anchor back")
            return
        }
        #expect(number == late.change.number)
        #expect(try await scene.world.activeAnchors(of: scene.team).map(\.certificate) == [[1]])
    }

    @Test func `a vendor that is removed leaves every store, and comes back only by two approvals`() async throws {
        let scene = try await VendorScene.make()
        try await scene.register([[1]])
        try await scene.use(in: scene.team, approver: scene.insider)
        let content = try ChangeContent(
            team: nil, operations: [.governed(RemoveVendor(vendor: scene.vendor))], justification: "out of business")
        await expect(.forbidden) { _ = try await scene.world.api.propose(content, by: scene.insider.actor, now: start) }
        let removed = try await scene.world.api.propose(content, by: scene.officer.actor, now: start)
        #expect(removed.change.state == .published)
        #expect(try await scene.world.activeAnchors(of: scene.team).isEmpty)
        await expect(.notFound) { _ = try await scene.proposeUse(in: scene.team) }
        await #expect(throws: PostgresError(.check, "")) {
            try await scene.world.asOwner("UPDATE vendor SET removed_at = NULL, removed_by_change = NULL")
        }
        try await scene.register([[1]], version: 2)
        #expect(try await scene.world.api.vendor(scene.vendor).removed == nil)
        #expect(try await scene.world.activeAnchors(of: scene.team).isEmpty)
    }

    @Test func `a team stops using a vendor alone, and later anchors do not come any more`() async throws {
        let scene = try await VendorScene.make()
        try await scene.register([[1]])
        try await scene.use(in: scene.team, approver: scene.insider)
        let stop = StopVendor(vendor: scene.vendor, store: try scene.store)
        let content = try ChangeContent(team: scene.team, operations: [.governed(stop)], justification: "not needed")
        let stopped = try await scene.world.api.propose(content, by: scene.insider.actor, now: start)
        #expect(stopped.change.state == .published)
        #expect(try await scene.world.activeAnchors(of: scene.team).isEmpty)
        try await scene.register([[1], [2]], version: 1)
        #expect(try await scene.world.activeAnchors(of: scene.team).isEmpty)
    }

    @Test func `moving a vendor to another store denies nothing, and stopping it does where content is held up`()
        async throws
    {
        let scene = try await VendorScene.make()
        try await scene.register([[1]])
        try await scene.use(in: scene.team, approver: scene.insider)
        let (canary, prod) = (try await scene.fleet(), try FleetName("late"))
        _ = try await scene.world.api.createFleet(
            prod, id: try FleetID(String(repeating: "2", count: 32)), displayName: "late", profile: .standard,
            by: scene.world.admin.actor, now: start)
        _ = try await scene.world.addTeam(scene.team, to: prod, by: scene.world.admin.actor, now: start)
        _ = try await scene.world.api.setSource(canary, of: prod, by: scene.world.admin.actor, now: start)
        let second = TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName("next"))
        _ = try await scene.world.api.createStore(
            TrustStoreID(team: scene.team, kind: .ca, name: second.name), by: scene.world.admin.actor, now: start)
        let (stop, use) = (
            StopVendor(vendor: scene.vendor, store: try scene.store), UseVendor(vendor: scene.vendor, store: second)
        )
        let move = try ChangeContent(
            team: scene.team, operations: [.governed(stop), .governed(use)], justification: "another store")
        let proposed = try await scene.world.api.propose(move, by: scene.member.actor, now: start)
        try await scene.world.approve(proposed, by: scene.insider)
        #expect(try await scene.publish() == [.published(proposed.change.number)])
        let anchors = try await scene.world.activeAnchors(of: scene.team)
        #expect(anchors.map(\.store.name) == [second.name])
        #expect(try await scene.world.count("SELECT count(*) AS n FROM denial") == 0)
        let end = try ChangeContent(
            team: scene.team, operations: [.governed(StopVendor(vendor: scene.vendor, store: second))],
            justification: "no longer")
        _ = try await scene.world.api.propose(end, by: scene.insider.actor, now: start)
        #expect(try await scene.world.count("SELECT count(*) AS n FROM denial") == 1)
    }

    @Test func `the settings list all anchors of a team that has third-party ones, each as what it is`() async throws {
        let scene = try await VendorScene.make()
        try await scene.world.rule()
        let own = try await scene.world.propose([7], in: scene.team, by: scene.member)
        try await scene.world.approve(own, by: scene.insider)
        _ = try await scene.publish()
        let fleet = try await scene.fleet()
        #expect(try await scene.listed(in: fleet) == nil)
        try await scene.register([[1]])
        try await scene.use(in: scene.team, approver: scene.insider)
        #expect(
            try await scene.listed(in: fleet)
                == [
                    .init(kind: .ca, sha256: VendorScene.fingerprint([7]), origin: .own),
                    .init(kind: .ca, sha256: VendorScene.fingerprint([1]), origin: .thirdParty),
                ].sorted())
    }

    @Test func `the list is there always or never where two people agreed to that`() async throws {
        let scene = try await VendorScene.make()
        let fleet = try await scene.fleet()
        for (limit, isListed) in [(AnchorLimit.always, true), (.never, false)] {
            let content = try ChangeContent(
                team: nil, operations: [.governed(SetAnchorLimit(team: scene.team, limit: limit))],
                justification: "strict")
            let proposed = try await scene.world.api.propose(content, by: scene.world.admin.actor, now: start)
            try await scene.world.approve(proposed, by: scene.officer)
            #expect(try await scene.publish() == [.published(proposed.change.number)])
            #expect(try await scene.listed(in: fleet) == (isListed ? [] : nil))
        }
    }

    @Test func `the database refuses an anchor that no change of its team or vendor brings`() async throws {
        let scene = try await VendorScene.make()
        try await scene.register([[1]])
        let sql = """
            INSERT INTO anchor (store_id, team_id, certificate, sha256, key_sha256, subject, not_before, not_after, origin,
                justification, owner, added_by_change, added_at)
            SELECT s.id, s.team_id, '\\x09', encode(sha256('\\x09'), 'hex'), encode(sha256('\\x09'), 'hex'), 'CN=x', now(),
                now(), 'own', 'none', 'nobody', max(c.number), now() FROM trust_store s, change c GROUP BY s.id, s.team_id
            """
        await #expect(throws: PostgresError(.check, "")) { try await scene.world.asOwner(sql) }
    }
}

/// A team that asks for a vendor, with people inside and outside of it.
struct VendorScene: Sendable {
    let world: World
    let team: TeamName
    let vendor: VendorName
    let member: Session
    let insider: Session
    /// A security officer everywhere who is a member of the team, too.
    let insidingOfficer: Session
    let officer: Session

    static func make() async throws -> VendorScene {
        let world = try await World.make()
        let team = try await world.team()
        let rule = try RootRule(
            name: "third-party/vendors", team: nil,
            conditions: .init(origins: [.thirdParty], registeredVendor: true), effect: .allow(.one))
        _ = try await world.addRootRule(rule, by: world.admin.actor, now: start)
        return VendorScene(
            world: world, team: team, vendor: try VendorName("azure-iot"),
            member: try await world.person("carol", (.teamMember, .team(team))),
            insider: try await world.person("bob", (.teamAdmin, .team(team))),
            insidingOfficer: try await world.person(
                "erin", (.securityOfficer, .everything), (.teamMember, .team(team))),
            officer: try await world.person("dave", (.securityOfficer, .everything)))
    }

    static func fingerprint(_ certificate: [UInt8]) -> String {
        Hex.encode(HashAlgorithm.sha256.digest(of: certificate))
    }

    var store: TeamPolicy.StoreReference {
        get throws { TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName("prod")) }
    }

    func proposeVendor(_ certificates: [[UInt8]], version: Int64 = 0, by author: Session? = nil) async throws
        -> ChangeRecord
    {
        let details = try VendorDetails(
            displayName: "Azure IoT", contact: "security@example.com", source: "https://example.com/pki",
            scopes: [try RegistryScope("mcr.example.com")], identities: ["x509.subject: C=US, ST=WA, O=Example"],
            reviewBy: start.adding(days: 365))
        let operation = try SetVendor(
            vendor: vendor, askedBy: team, version: version, details: details,
            anchors: try certificates.map {
                try VendorAnchor(kind: .ca, certificate: $0, typed: Self.fingerprint($0))
            })
        let content = try ChangeContent(team: nil, operations: [.governed(operation)], justification: "we depend on it")
        return try await world.api.propose(content, by: (author ?? member).actor, now: start)
    }

    func approveByTwo(_ record: ChangeRecord) async throws {
        try await world.approve(record, by: insider)
        try await world.approve(record, by: officer)
    }

    func publish() async throws -> [ChangeOutcome] { try await world.publisher.publishApprovedChanges(now: start) }

    func register(_ certificates: [[UInt8]], version: Int64 = 0) async throws {
        let record = try await proposeVendor(certificates, version: version)
        try await approveByTwo(record)
        try #require(try await publish() == [.published(record.change.number)])
    }

    func proposeUse(in team: TeamName) async throws -> ChangeRecord {
        let content = try ChangeContent(
            team: team, operations: [.governed(UseVendor(vendor: vendor, store: try store))], justification: "as agreed"
        )
        return try await world.api.propose(content, by: world.admin.actor, now: start)
    }

    func use(in team: TeamName, approver: Session) async throws {
        let record = try await proposeUse(in: team)
        try await world.approve(record, by: approver)
        try #require(try await publish() == [.published(record.change.number)])
    }

    func fleet() async throws -> FleetName {
        let fleet = try FleetName("prod")
        _ = try await world.api.createFleet(
            fleet, id: try FleetID(String(repeating: "1", count: 32)), displayName: "prod", profile: .standard,
            by: world.admin.actor, now: start)
        _ = try await world.addTeam(team, to: fleet, by: world.admin.actor, now: start)
        return fleet
    }

    /// The anchors that the fleet's settings list for the team.
    func listed(in fleet: FleetName) async throws -> [FleetSettings.AllowedAnchor]? {
        try await world.publisher.state(of: fleet).content.teams.first { $0.name == team }?.allowedAnchors
    }

    func secondTeam() async throws -> TeamName { try await world.team("other") }
}
