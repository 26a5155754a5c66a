import Codecs
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct ReleaseChecks {
    private func check(_ release: BuiltRelease, _ fleet: TestFleet, before: PublishedState) async throws {
        try await ReleaseCheck(
            release: release, content: fleet.content, settings: fleet.content.settings, before: before, now: noon
        ).run()
    }

    private func fleet() async throws -> TestFleet {
        try await TestFleet("demo", try TestServer(), teams: [try team("acme", [anchor(1)])])
    }

    @Test func `a release that would roll hosts back is refused`() async throws {
        let fleet = try await fleet()
        try await fleet.publish()
        let (old, roles) = (fleet.state, fleet.server.teamRoles)
        for seed: UInt8 in 2..<4 {
            fleet.change(teams: [try team("acme", [anchor(seed)])])
            try await fleet.publish()
        }
        let ahead = fleet.state
        (fleet.state, fleet.server.teamRoles) = (old, roles)
        let release = try #require(
            try await ReleaseBuilder(keys: try fleet.keys).build(try fleet.plan()))
        await #expect(throws: PublishError(.rejected, "")) { try await check(release, fleet, before: ahead) }
    }

    @Test func `a release whose files are not the content's is refused`() async throws {
        let fleet = try await fleet()
        let release = try #require(try await fleet.publish())
        fleet.change(teams: [try team("acme", [anchor(9)])])
        await #expect(throws: PublishError(.rejected, "")) {
            try await check(release, fleet, before: PublishedState(roots: fleet.state.roots))
        }
    }

    @Test func `a release of another fleet is refused`() async throws {
        let fleet = try await fleet()
        let release = try #require(try await fleet.publish())
        let other = try await TestFleet("other", fleet.server, teams: fleet.content.teams)
        await #expect(throws: PublishError(.rejected, "")) {
            try await check(release, other, before: PublishedState(roots: fleet.state.roots))
        }
    }

    @Test func `planning for fifty teams when nothing has changed takes little time`() async throws {
        let teams = try (0..<50).map { try team("team-\($0)", [anchor(UInt8($0))]) }
        let fleet = try await TestFleet("demo", try TestServer(), teams: teams)
        try await fleet.publish()
        let builder = ReleaseBuilder(keys: try fleet.keys)
        fleet.state.teamRoles = fleet.server.teamRoles
        let start = ContinuousClock.now
        let plan = try builder.plan(fleet.content, after: fleet.state, now: noon)
        let spent = ContinuousClock.now - start
        #expect(plan.isEmpty)
        // Far above what a debug build takes, for machines that are busy with other things.
        #expect(spent < .seconds(3), "\(spent)")
    }
}
