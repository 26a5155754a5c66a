import Codecs
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct Renewals {
    private static let hour: Int64 = 3_600
    private static let day: Int64 = 86_400

    @Test(arguments: [
        (FleetProfile.standard, 3_599 as Int64, 3_600 as Int64), (.high, 899, 900), (.airgap, 86_399, 86_400),
    ])
    func `a timestamp is signed again after its profile's interval`(
        _ profile: FleetProfile, quiet: Int64, due: Int64
    ) async throws {
        let fleet = try await TestFleet("demo", try TestServer(), profile: profile)
        try await fleet.publish()
        #expect(try fleet.plan(at: noon.adding(seconds: quiet)).isEmpty)
        #expect(try fleet.plan(at: noon.adding(seconds: due)).reasons["timestamp"] != nil)
    }

    @Test func `an empty plan holds until the first renewal or the first change`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        let plan = try fleet.plan()
        let builder = ReleaseBuilder(keys: try fleet.keys)
        #expect(plan.nextDue == noon.adding(seconds: Self.hour))
        func holds(_ seconds: Int64) -> Bool {
            builder.holds(plan, for: fleet.content, after: fleet.state, now: noon.adding(seconds: seconds))
        }
        #expect(holds(0) && holds(Self.hour - 1) && !holds(Self.hour))
        fleet.change(mode: .enforce)
        #expect(!holds(0))
    }

    @Test func `a timestamp alone is no new release`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        let first = try #require(try await fleet.publish())
        let second = try #require(try await fleet.publish(at: noon.adding(seconds: Self.hour)))
        #expect(second.kind == .timestamp && second.number == first.number)
        #expect(second.files.map(\.path) == ["metadata/timestamp.json"] && second.timestampVersion == 2)
        #expect(second.snapshotSHA256 == first.snapshotSHA256)
    }

    @Test func `what the server signs for a week or a month is signed again each day`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        let release = try #require(try await fleet.publish(at: noon.adding(seconds: Self.day)))
        #expect(release.kind == .renewal)
        #expect(
            Set(release.files.compactMap(\.role)) == ["acme", "deny", "revocation", "ops", "snapshot", "timestamp"])
        #expect(release.files.allSatisfy { $0.kind != .target })
        #expect(release.difference == ["signed again before expiry: acme, deny, ops, revocation"])
    }

    @Test func `a team role renewed for one fleet is taken over by the other`() async throws {
        let server = try TestServer()
        let teams = [try team("acme", [anchor(1)])]
        let canary = try await TestFleet("canary", server, teams: teams)
        let production = try await TestFleet("production", server, teams: teams)
        try await canary.publish()
        try await production.publish()
        let tomorrow = noon.adding(seconds: Self.day)
        try await canary.publish(at: tomorrow)
        let release = try #require(try await production.publish(at: tomorrow))
        #expect(release.kind == .renewal && release.teamRoles.isEmpty)
        #expect(release.state.delegated["acme"] == canary.state.delegated["acme"])
    }

    @Test func `fleets of two profiles settle on one team role`() async throws {
        let server = try TestServer()
        let teams = [try team("acme", [anchor(1)])]
        let standard = try await TestFleet("standard", server, teams: teams)
        let airgap = try await TestFleet("airgap", server, profile: .airgap, teams: teams)
        try await standard.publish()
        try await airgap.publish()
        try await standard.publish()
        #expect(try airgap.plan().isEmpty && standard.plan().isEmpty)
        #expect(server.teamRoles[try TeamName("acme")]?.version == 1)
    }

    @Test func `the timestamp can be signed again while other changes wait`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        fleet.change(teams: [])
        let release = try #require(
            try await ReleaseBuilder(keys: try fleet.keys).resignTimestamp(
                of: fleet.content, fleet.state, now: noon.adding(seconds: 5)))
        #expect(release.kind == .timestamp && release.files.count == 1)
        try fleet.take(release)
        #expect(try await fleet.publish()?.number == 2)
    }

    @Test func `a root with other online keys has everything signed again`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        fleet.sealed = try FleetKeys.generate(for: fleet.content.id, under: fleet.server.master)
        try await fleet.rotateRoot(at: noon)
        let release = try #require(try await fleet.publish())
        #expect(release.files.compactMap(\.role).contains("targets"))
        #expect(release.number == 2 && release.timestampVersion == 2)
    }

    @Test func `a replaced team key signs the team's role anew`() async throws {
        let fleet = try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        let acme = try TeamName("acme")
        fleet.server.teamKeys[acme] = try ServerKey.generate(for: .team(acme), under: fleet.server.master)
        let release = try #require(try await fleet.publish())
        #expect(release.teamRoles.map(\.version) == [2])
        #expect(release.difference.contains("keys of the role acme: replaced"))
    }

    @Test func `an expired root stops the release`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        #expect(throws: PublishError(.content, "")) { try fleet.plan(at: noon.adding(days: 400)) }
    }

    @Test func `a clock that went back stops the release`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        try await fleet.publish()
        #expect(throws: PublishError(.clock, "")) { try fleet.plan(at: noon.adding(seconds: -301)) }
    }

    @Test func `a clock a little behind signs the last time again`() async throws {
        let fleet = try await TestFleet("demo", try TestServer())
        try await fleet.publish()
        #expect(try fleet.plan(at: noon.adding(seconds: -300)).now == noon)
    }
}
