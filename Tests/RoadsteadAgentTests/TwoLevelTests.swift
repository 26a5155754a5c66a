import Codecs
import FleetFixtures
import Files
import PKI
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadAgent

/// Fleets whose delegations are split into groups.
@Suite struct TwoLevelTests {
    private func host(teams count: Int) async throws -> OfflineHost {
        let host = try OfflineHost()
        host.fleet.isSplit = true
        host.fleet.keepsUnchangedRoles = true
        let root = try await FixtureCertificates.root("shared", at: host.now)
        for number in 0..<count { try host.set("team-\(number)", [root]) }
        try await host.publish()
        return host
    }

    @Test func `250 teams come through their groups, and only what changed is fetched again`() async throws {
        let host = try await host(teams: 250)
        let outcome = try await host.sync()
        #expect(outcome.lagging.isEmpty)
        #expect(try host.inForce().trust.stores.count == 250)
        #expect(outcome.roleVersions["teams-00"] == 1)
        let other = try await FixtureCertificates.root("other", at: host.now)
        try host.set("team-7", [other])
        try await host.publish()
        let source = FleetDirectory(host.fleet)
        try await host.sync(from: source)
        #expect(try host.anchors(of: "team-7") == [Base64.encode(other.der)])
        let teams = source.requests.filter { $0.contains("team-") && $0.hasPrefix("metadata/") }
        #expect(teams == ["metadata/2.team-7.json"])
        #expect(source.requests.filter { $0.hasPrefix("targets/team-") }.count == 1)
    }

    @Test func `the denials come before any team's role`() async throws {
        let host = try await host(teams: 5)
        let source = FleetDirectory(host.fleet)
        try await host.sync(from: source)
        let deny = try #require(source.requests.firstIndex(of: "metadata/1.deny.json"))
        let team = try #require(source.requests.firstIndex { $0.contains("team") })
        #expect(deny < team)
    }

    @Test func `a group that is missing holds up its own teams only`() async throws {
        let host = try await host(teams: 40)
        try await host.sync()
        let group = FixtureFleet.group(of: "team-3")
        host.fleet.missingRoles = [group]
        let other = try await FixtureCertificates.root("other", at: host.now)
        for number in 0..<40 { try host.set("team-\(number)", [other]) }
        try await host.publish()
        let outcome = try await host.sync()
        let expected = (0..<40).map { "team-\($0)" }.filter { FixtureFleet.group(of: $0) == group }.sorted()
        #expect(outcome.lagging.map(\.team.rawValue) == expected)
        #expect(outcome.lagging.allSatisfy { $0.state == .lastGood && $0.reason.contains(group) })
        let fine = try #require((0..<40).map { "team-\($0)" }.first { !expected.contains($0) })
        #expect(try host.anchors(of: fine) == [Base64.encode(other.der)])
    }

    @Test func `a team that a group does not name is not reached through it, and nothing deeper is`() throws {
        let settings = try settings(["acme", "beta", "gamma"])
        let key = try Key(PrivateKey.generate(.ed25519).publicKey)
        var ring = KeyRing()
        ring.add(key)
        func delegation(_ name: String, _ patterns: [String]) throws -> Delegation {
            Delegation(
                name: try RoleName(name), keys: try RoleKeys([key.id], threshold: 1),
                paths: patterns.map { PathPattern($0) })
        }
        let targets = Targets(
            header: MetadataHeader(version: 1, expires: OfflineHost.start), targets: [:],
            delegations: try Delegations(
                keys: ring,
                roles: [
                    try delegation("teams-05", ["acme/*"]), try delegation("teams-99", ["gamma/*"]),
                    try delegation("acme", ["acme/*"]), try delegation("beta", ["beta/*"]),
                ]))
        let routes = try TeamRoutes(settings, targets)
        let group = Role.delegated(try RoleName("teams-05"))
        #expect(routes.edge(to: try TeamName("acme"))?.delegator == group)
        #expect(routes.edge(to: try TeamName("beta"))?.delegator == .targets)
        #expect(routes.edge(to: try TeamName("gamma")) == nil)
        #expect(routes.isWanted(.targets, try delegation("teams-05", [])))
        #expect(!routes.isWanted(.targets, try delegation("acme", [])))
        #expect(routes.isWanted(group, try delegation("acme", [])))
        #expect(!routes.isWanted(group, try delegation("beta", [])))
        #expect(!routes.isWanted(.delegated(try RoleName("beta")), try delegation("acme", [])))
        #expect(!routes.isWanted(.targets, try delegation("stranger", [])))
    }

    private func settings(_ teams: [String]) throws -> FleetSettings {
        FleetSettings(
            fleet: try FleetName("prod"), fleetID: try FleetID(String(repeating: "a", count: 32)),
            teams: try teams.map {
                .init(name: try TeamName($0), scopes: [try RegistryScope("r.example.com/\($0)")], custody: .server)
            }, enforcers: [])
    }
}
