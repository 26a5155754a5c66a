import Codecs
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct Releases {
    private func fleet(_ teams: TeamContent..., profile: FleetProfile = .standard) async throws -> TestFleet {
        try await TestFleet("demo", try TestServer(), profile: profile, teams: teams)
    }

    @Test func `a first release signs every role and publishes every target`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]))
        let release = try #require(try await fleet.publish())
        #expect(release.kind == .release && release.number == 1)
        #expect(release.files.last?.path == "metadata/timestamp.json")
        let roles = Set(release.files.compactMap(\.role))
        #expect(roles == ["acme", "deny", "revocation", "ops", "targets", "snapshot", "timestamp"])
        #expect(release.files.count(where: { $0.kind == .target }) == 6)
        #expect(release.teamRoles.map(\.version) == [1])
        #expect(release.difference.contains("team acme: added, speaks for registry.example.com/acme"))
    }

    @Test func `the same content again builds nothing`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1), anchor(2)]))
        try await fleet.publish()
        #expect(try fleet.plan().isEmpty)
        #expect(try await fleet.publish(at: noon.adding(seconds: 3_599)) == nil)
    }

    @Test func `the order in which content is listed changes nothing`() async throws {
        let (first, second) = (try team("acme", [anchor(1), anchor(2)]), try team("beta", [anchor(3)]))
        let fleet = try await fleet(first, second)
        try await fleet.publish()
        fleet.change(teams: [second, try team("acme", [anchor(2), anchor(1), anchor(2)])])
        #expect(try fleet.plan().isEmpty)
    }

    @Test func `a removed anchor changes its team's role and nothing else`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1), anchor(2)]), try team("beta", [anchor(3)]))
        try await fleet.publish()
        fleet.change(teams: [try team("acme", [anchor(1)]), try team("beta", [anchor(3)])])
        let release = try #require(try await fleet.publish())
        #expect(Set(release.files.compactMap(\.role)) == ["acme", "snapshot", "timestamp"])
        #expect(
            release.difference == ["store ca:acme.prod: anchor removed: \(ReleaseDifference.digestLabel(anchor(2)))"])
    }

    @Test func `an emptied store stays, empty`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]))
        try await fleet.publish()
        fleet.change(teams: [try team("acme", [])])
        let release = try #require(try await fleet.publish())
        let file = try #require(release.files.first { $0.kind == .target })
        #expect(file.path.hasSuffix(".ca.prod.pem") && file.bytes.isEmpty)
        #expect(release.difference.contains("store ca:acme.prod: empty now, its scopes reject"))
    }

    @Test func `a removed team stays listed in the snapshot`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]), try team("beta", [anchor(3)]))
        try await fleet.publish()
        fleet.change(teams: [try team("acme", [anchor(1)])])
        let release = try #require(try await fleet.publish())
        let snapshot = try UnverifiedMetadata<Snapshot>(try #require(release.state.snapshot), maximumBytes: 1 << 20)
        #expect(snapshot.unverifiedContent.delegated[try RoleName("beta")]?.version == 1)
        #expect(release.difference == ["role beta: removed", "team beta: removed from the fleet"])
        #expect(try fleet.plan().isEmpty)
    }

    @Test func `a team that comes back goes on with its version counter`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]), try team("beta", [anchor(3)]))
        try await fleet.publish()
        fleet.change(teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        fleet.change(teams: [try team("acme", [anchor(1)]), try team("beta", [anchor(4)])])
        let release = try #require(try await fleet.publish())
        #expect(release.teamRoles.map(\.version) == [2])
    }

    @Test func `a team's signed bytes are the same in every fleet`() async throws {
        let server = try TestServer()
        let acme = try team("acme", [anchor(1)])
        let canary = try await TestFleet("canary", server, teams: [acme])
        let production = try await TestFleet("production", server, teams: [acme])
        try await canary.publish()
        let release = try #require(try await production.publish())
        #expect(release.teamRoles.isEmpty)
        #expect(release.state.delegated["acme"] == canary.state.delegated["acme"])
        let paths = release.files.map(\.path)
        #expect(paths.contains("metadata/1.acme.json") && paths.contains { $0.hasSuffix(".ca.prod.pem") })
    }

    @Test func `a change that another fleet published first is taken over as it was signed`() async throws {
        let server = try TestServer()
        let canary = try await TestFleet("canary", server, teams: [try team("acme", [anchor(1)])])
        let production = try await TestFleet("production", server, teams: [try team("acme", [anchor(1)])])
        try await canary.publish()
        try await production.publish()
        canary.change(teams: [try team("acme", [anchor(2)])])
        try await canary.publish()
        production.change(teams: [try team("acme", [anchor(2)])])
        let release = try #require(try await production.publish())
        #expect(release.kind == .release && release.teamRoles.isEmpty)
        #expect(release.state.delegated["acme"] == canary.state.delegated["acme"])
        #expect(release.difference.count == 2)
    }

    @Test func `going back to old content is a new version`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]))
        try await fleet.publish()
        fleet.change(teams: [try team("acme", [anchor(2)])])
        try await fleet.publish()
        fleet.change(teams: [try team("acme", [anchor(1)])])
        #expect(try await fleet.publish()?.teamRoles.map(\.version) == [3])
    }

    @Test func `version counters that stand higher are gone on with`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]))
        try await fleet.publish()
        fleet.state.counters = ["timestamp": 70, "snapshot": 50, "acme": 9]
        fleet.change(teams: [try team("acme", [])])
        let release = try #require(try await fleet.publish())
        #expect(release.number == 51 && release.timestampVersion == 71 && release.teamRoles.map(\.version) == [10])
    }

    @Test func `a team that is known at a lower version than was published is signed above both`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]))
        try await fleet.publish()
        let first = try #require(fleet.server.teamRoles[try TeamName("acme")])
        fleet.change(teams: [try team("acme", [])])
        try await fleet.publish()
        fleet.change(teams: [try team("acme", [anchor(1)])])
        fleet.server.teamRoles = [first.team: first]
        #expect(try await fleet.publish()?.teamRoles.map(\.version) == [3])
    }

    @Test func `a state whose files and listings differ stops the release`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]))
        try await fleet.publish()
        let old = fleet.state
        fleet.change(teams: [try team("acme", [])])
        try await fleet.publish()
        fleet.state.snapshot = old.snapshot
        #expect(throws: PublishError(.version, "")) { try fleet.plan() }
    }

    @Test func `a denial changes the deny role alone`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]))
        try await fleet.publish()
        let denial = DenyDocument.Denial(
            id: "d1", subject: .digest("sha256:\(String(repeating: "ab", count: 32))"), team: nil, reason: "stolen",
            issued: noon)
        fleet.change(denials: [denial])
        let release = try #require(try await fleet.publish())
        #expect(Set(release.files.compactMap(\.role)) == ["deny", "snapshot", "timestamp"])
        #expect(release.difference == ["denied everywhere: digest \(denial.value)"])
    }

    @Test func `a changed mode is said in the difference`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]))
        try await fleet.publish()
        fleet.change(mode: .enforce)
        #expect(try await fleet.publish()?.difference == ["notation: mode changed from observe to enforce"])
    }

    @Test func `settings changed with a server without the targets key wait for people`() async throws {
        let fleet = try await fleet()
        try await fleet.publish()
        fleet.sealed.removeAll { $0.purpose.role == "targets" }
        #expect(try fleet.plan().isEmpty)
        fleet.change(mode: .enforce)
        let plan = try fleet.plan()
        #expect(plan.isEmpty)
        #expect(plan.waiting == ["the fleet's settings have changed: a ceremony has to sign it"])
    }

    @Test func `a fleet without a root publishes nothing`() async throws {
        let fleet = try await fleet()
        fleet.state.roots = []
        #expect(throws: PublishError(.content, "")) { try fleet.plan() }
    }

    @Test func `a root that gives a role to another key stops the release`() async throws {
        let fleet = try await fleet()
        fleet.sealed = try FleetKeys.generate(for: fleet.content.id, under: fleet.server.master)
        #expect(throws: PublishError(.missingKey, "")) { try fleet.plan() }
    }

    @Test func `a team that outgrows what clients take stays as it is, and the others go on`() async throws {
        let fleet = try await fleet(try team("acme", [anchor(1)]))
        try await fleet.publish()
        let stores = try (10_000..<16_000).map {
            StoreContent(
                kind: .ca, name: try TrustStoreName(String(repeating: "x", count: 58) + "\($0)"), anchors: [])
        }
        let large = TeamContent(name: try TeamName("acme"), scopes: [], stores: stores)
        fleet.change(teams: [large, try team("beta", [anchor(2)])])
        let release = try #require(try await fleet.publish())
        #expect(release.held.map(\.team.rawValue) == ["acme"] && release.held[0].isListed)
        #expect(release.teamRoles.map(\.team.rawValue) == ["beta"])
    }

    @Test func `denials that take too much room lose their reasons, and then stop the release before hosts refuse it`()
        async throws
    {
        let fleet = try await TestFleet("demo", try TestServer())
        let long = String(repeating: "r", count: 3 << 20)
        func denial(_ id: String, _ subject: DenialSubject) -> DenyDocument.Denial {
            DenyDocument.Denial(id: id, subject: subject, team: nil, reason: long, issued: noon)
        }
        let denials = ["D-1", "D-2"].map { denial($0, .digest("sha256:\(String(repeating: "ab", count: 32))")) }
        fleet.change(denials: denials)
        let bytes = try #require(try fleet.content.bundle(of: .deny).files.first).bytes
        let document = try DenyDocument(verifiedBytes: bytes)
        #expect(document.denials.map(\.id) == ["D-1", "D-2"] && document.denials.allSatisfy { $0.reason.isEmpty })
        fleet.change(denials: denials + [denial("D-3", .identity(String(repeating: "i", count: 6 << 20)))])
        #expect(throws: PublishError(.size, "")) { try fleet.plan() }
    }
}
