import HTTPTypes
import Codecs
import PKI
import PostgresTesting
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

/// Who trusted what on a day, from the files that were out then.
@Suite(.postgres) struct WhoTrusted {
    private func trusted(
        _ api: TestAPI, at: UTCDate, _ query: String = "", as token: String
    ) async throws -> [TrustedAnchorBody] {
        let page: Page<TrustedAnchorBody> = try await api.ask(
            .get, "/v1/reports/who-trusted?at=\(at)\(query)", as: token)
        return page.items
    }

    private func publish(_ api: TestAPI, as token: String) async throws {
        let _: ReleaseBody = try await api.ask(.post, "/v1/fleets/demo/releases", as: token)
    }

    private func add(_ root: Certificate, _ api: TestAPI, by author: String, agreed: String) async throws -> ChangeBody
    {
        let change: ChangeBody = try await api.ask(.post, "/v1/changes", try TestAPI.addition(root.pem), as: author)
        return try await api.ask(
            .post, "/v1/changes/\(change.number)/approve", DecisionRequest(digest: change.digest), as: agreed)
    }

    @Test func `an anchor is trusted from its release on until its removal is out, with who is answerable`()
        async throws
    {
        let clock = TestClock()
        try await TestAPI.withServer(clock: clock.now) { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let team = try TeamName("acme")
            let bob = try await api.invite("bob", [InvitedRole(role: .teamAdmin, team: team)], by: alice)
            let _: FleetBody = try await api.ask(
                .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
            let _: FleetBody = try await api.ask(
                .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: team), as: alice)
            _ = try await api.makeRoot(of: "demo", as: alice)
            try await publish(api, as: alice)
            let before = clock.now()

            clock.advance(seconds: 100)
            let root = try await TestAPI.root()
            let change = try await add(root, api, by: alice, agreed: bob)
            #expect(try await trusted(api, at: clock.now(), as: alice).isEmpty)
            try await publish(api, as: alice)
            let during = clock.now()

            clock.advance(seconds: 100)
            let anchors: Page<AnchorBody> = try await api.ask(.get, "/v1/anchors?team=acme", as: alice)
            let _: ChangeBody = try await api.ask(
                .post, "/v1/changes",
                ChangeRequest(
                    team: team, operations: [.other(.removeAnchor(id: try #require(anchors.items.first).id))],
                    justification: "not used any more"), as: alice)
            try await publish(api, as: alice)
            clock.advance(seconds: 100)

            #expect(try await trusted(api, at: before, as: alice).isEmpty)
            let then = try await trusted(api, at: during, as: alice)
            #expect(then.map(\.certificateSHA256) == [root.sha256])
            #expect(then.first?.change == change.number && then.first?.author == "alice" && then.first?.denial == nil)
            #expect(then.first?.approvers == ["bob"] && then.first?.release == 2)
            #expect(try await trusted(api, at: clock.now(), as: alice).isEmpty)
            #expect(try await trusted(api, at: during, "&certificate=\(root.sha256)", as: alice) == then)
            #expect(try await trusted(api, at: during, "&team=other", as: alice).isEmpty)
            #expect(try await trusted(api, at: during, as: bob) == then)
            let fleets: Page<FleetAtBody> = try await api.ask(
                .get, "/v1/reports/fleets?at=\(during)", as: alice)
            #expect(fleets.items.map(\.release) == [2] && fleets.items.first?.hosts == 0)
        }
    }

    @Test func `a denied anchor is shown with the denial that took it away`() async throws {
        let clock = TestClock()
        try await TestAPI.withServer(clock: clock.now) { api in
            let alice = try await api.bootstrap()
            try await api.makeTeam(as: alice)
            let team = try TeamName("acme")
            let bob = try await api.invite("bob", [InvitedRole(role: .teamAdmin, team: team)], by: alice)
            let _: FleetBody = try await api.ask(
                .post, "/v1/fleets", FleetRequest(name: try FleetName("demo")), as: alice)
            let _: FleetBody = try await api.ask(
                .post, "/v1/fleets/demo/teams", FleetTeamRequest(team: team), as: alice)
            _ = try await api.makeRoot(of: "demo", as: alice)
            let root = try await TestAPI.root()
            _ = try await add(root, api, by: alice, agreed: bob)
            try await publish(api, as: alice)
            let good = clock.now()
            clock.advance(seconds: 100)
            let _: DenialBody = try await api.ask(
                .post, "/v1/denials", DenialRequest(kind: .certificate, value: root.sha256, reason: "stolen"), as: alice
            )
            try await publish(api, as: alice)
            #expect(try await trusted(api, at: good, as: alice).map(\.denial) == [nil])
            #expect(try await trusted(api, at: clock.now(), as: alice).map(\.denial) == ["D-1"])
        }
    }

    @Test func `a fleet trusts what was promoted to it, and nothing of a team that left`() async throws {
        let clock = TestClock()
        try await TestAPI.withServer(clock: clock.now) { api in
            let scene = try await PromotionScene(api, clock)
            try await scene.team("acme")
            try await scene.fleet("canary", teams: ["acme"])
            try await scene.fleet("prod", teams: ["acme"])
            try await scene.source("canary", of: "prod")
            try await scene.addRoot(to: "acme")
            func fleets() async throws -> [String] {
                for name in ["canary", "prod"] {
                    try await scene.publisher.publishNow(try FleetName(name), now: clock.now())
                }
                return try await trusted(api, at: clock.now(), as: scene.alice).map(\.fleet.rawValue)
            }
            #expect(try await fleets() == ["canary"])
            clock.advance(seconds: 10)
            try await scene.promote("canary", "prod")
            #expect(try await fleets() == ["canary", "prod"])
            clock.advance(seconds: 10)
            try await api.govern(.delete, "/v1/fleets/canary/teams/acme", as: scene.alice)
            #expect(try await fleets() == ["prod"])
        }
    }
}
