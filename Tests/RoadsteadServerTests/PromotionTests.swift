import Codecs
import HTTPTypes
import Migrations
import PostgresTesting
import PythonEnvironment
import RoadsteadStore
import RoadsteadWire
import Testing
import TrustModel

@testable import RoadsteadServer

/// Promotion as hosts see it: real roles, real signatures, our client and python-tuf behind every step.
@Suite(.postgres, .enabled("python-tuf is needed") { try await PythonEnvironment.isAvailable() })
struct PromotionStory {
    private func withScene(_ body: @Sendable (PromotionScene) async throws -> Void) async throws {
        let clock = TestClock()
        try await TestAPI.withServer(clock: { clock.now() }) { api in
            try await body(try await PromotionScene(api, clock))
        }
    }

    /// Canary and production at version 1 of acme, production bound to canary.
    private func begin(_ scene: PromotionScene) async throws {
        try await scene.team("acme")
        try await scene.addRoot(to: "acme")
        try await scene.fleet("canary", teams: ["acme"])
        try await scene.fleet("prod", teams: ["acme"])
        try await scene.settle("the first releases")
        try await scene.source("canary", of: "prod")
        try await scene.settle("binding production to canary")
    }

    @Test func `the same signed bytes go from canary to production, when somebody says so`() async throws {
        try await withScene { scene in
            try await begin(scene)
            let first = try #require(try scene.version("prod"))
            try await scene.addRoot(to: "acme")
            try await scene.settle("a root for canary alone")
            let next = try #require(try scene.version("canary"))
            #expect(next > first)
            #expect(try scene.version("prod") == first)
            let shown = try await scene.promote("canary", "prod", dryRun: true)
            #expect(shown.dryRun && shown.teams.map(\.outcome) == [.promoted])
            #expect(shown.teams.first?.difference.count == 1)
            try await scene.settle("a rehearsal")
            #expect(try scene.version("prod") == first)
            try await scene.promote("canary", "prod")
            try await scene.settle("the promotion", leftBehind: false)
            #expect(try scene.version("prod") == next)
            let path = "metadata/\(next).acme.json"
            #expect(try scene["prod"].bytes(path) == scene["canary"].bytes(path))
            let again = try await scene.promote("canary", "prod")
            #expect(again.teams.map(\.outcome) == [.unchanged])
            try await scene.settle("nothing new")
        }
    }

    @Test func `a hot fix reaches production past what canary tries out, and canary is promoted after it`()
        async throws
    {
        try await withScene { scene in
            try await begin(scene)
            for _ in 0..<3 {
                try await scene.addRoot(to: "acme")
                try await scene.settle("canary goes ahead", leftBehind: false)
            }
            let urgent = try await scene.addRoot(to: "acme")
            try await scene.settle("the urgent change", leftBehind: false)
            let ahead = try #require(try scene.version("canary"))
            let fix = try await scene.hotFix("prod", urgent)
            #expect(fix.difference.count == 1)
            try await scene.settle("the hot fix", leftBehind: false)
            try await scene.settle("canary's next role", leftBehind: false)
            let fixed = try #require(try scene.version("prod"))
            let moved = try #require(try scene.version("canary"))
            #expect(fixed > ahead && moved > fixed)
            let promotion = try await scene.promote("canary", "prod")
            #expect(promotion.teams.map(\.outcome) == [.promoted])
            #expect(promotion.teams.first?.difference.count == 3)
            try await scene.settle("the promotion after it")
            #expect(try scene.version("prod") == moved)
        }
    }

    @Test func `a role that is too old for the destination is signed anew under one counter`() async throws {
        try await withScene { scene in
            try await begin(scene)
            try await scene.addRoot(to: "acme")
            try await scene.settle("canary goes ahead")
            // Production takes the newest for a while, signs a later version of its own, and comes back.
            try await scene.source(nil, of: "prod")
            try await scene.settle("production takes the newest")
            try await scene.source("canary", of: "prod")
            scene.clock.advance(seconds: 20 * 86_400)
            try await scene.settle("three weeks without a change", leftBehind: false)
            #expect(try await scene.promote("canary", "prod").teams.map(\.outcome) == [.unchanged])
        }
    }

    @Test func `a removal reaches production at once, though nobody promoted anything`() async throws {
        try await withScene { scene in
            try await begin(scene)
            let anchor = try await scene.api.anchor(as: scene.bob)
            let removal = ChangeRequest(
                team: try TeamName("acme"), operations: [.other(.removeAnchor(id: anchor))],
                justification: "stolen")
            let change: ChangeBody = try await scene.api.ask(.post, "/v1/changes", removal, as: scene.bob)
            try await scene.settle("the removal")
            let denials = try await Governance.published(scene.api, "prod")
            #expect(denials.map(\.reason) == ["removed by C-\(change.number)"])
        }
    }

    @Test func `who operates another fleet promotes nothing, and nothing comes from elsewhere`() async throws {
        try await withScene { scene in
            try await begin(scene)
            let carl = try await scene.api.invite(
                "carl", [InvitedRole(role: .fleetOperator, fleet: try FleetName("canary"))], by: scene.alice)
            let body = try JSON(encoding: PromotionRequest(from: try FleetName("canary")))
            let refused = try await scene.api.send(.post, "/v1/fleets/prod/promotions", json: body, as: carl)
            #expect(refused.status == .forbidden)
            let wrong = try JSON(encoding: PromotionRequest(from: try FleetName("prod")))
            let backwards = try await scene.api.send(
                .post, "/v1/fleets/canary/promotions", json: wrong, as: scene.alice)
            #expect(backwards.problem == "store.conflict")
        }
    }

    @Test(arguments: [7, 41] as [UInt64])
    func `in any order of operations no host ever sees an older version`(seed: UInt64) async throws {
        try await withScene { scene in
            try await scene.team("acme")
            try await scene.team("beta")
            try await scene.fleet("dev", teams: ["acme", "beta"])
            try await scene.fleet("canary", teams: ["acme"])
            try await scene.fleet("prod")
            try await scene.settle("the first releases")
            var walk = RandomWalk(scene, seed: seed)
            let end = ContinuousClock.now + .seconds(14)
            for step in 1...40 where ContinuousClock.now < end {
                let what = try await walk.step()
                try await scene.settle("step \(step) of seed \(seed): \(what)", leftBehind: step.isMultiple(of: 5))
            }
            try await scene.settle("the end of seed \(seed)")
        }
    }
}

/// Random operations on three fleets; what the server refuses for a reason is no step.
private struct RandomWalk {
    private let scene: PromotionScene
    private var state: UInt64
    private let fleets = ["dev", "canary", "prod"]
    private var teams = ["acme", "beta"]
    private var changes: [Int64] = []

    init(_ scene: PromotionScene, seed: UInt64) {
        self.scene = scene
        state = seed
    }

    /// - Returns: what was done.
    mutating func step() async throws -> String {
        let (team, to) = (pick(teams), next(3))
        let fleet = fleets[to]
        switch next(11) {
        case 0, 1:
            changes.append(try await scene.addRoot(to: team))
            return "add a root to \(team)"
        case 2:
            try await send(.delete, "/v1/fleets/\(fleet)/teams/\(team)")
            return "take \(team) out of \(fleet)"
        case 3, 4:
            try await send(.post, "/v1/fleets/\(fleet)/teams", ["team": .string(team)])
            return "take \(team) into \(fleet)"
        case 5:
            let source = to > 0 && next(4) > 0 ? fleets[to - 1] : nil
            try await send(
                .put, "/v1/fleets/\(fleet)/source", source.map { ["promotesFrom": .string($0)] } ?? [:])
            return "bind \(fleet) to \(source ?? "nothing")"
        case 6:
            guard to > 0 else { return "nothing" }
            try await send(.post, "/v1/fleets/\(fleet)/promotions", ["from": .string(fleets[to - 1])])
            return "promote to \(fleet)"
        case 7:
            guard let change = changes.isEmpty ? nil : pick(changes) else { return "nothing" }
            try await send(.post, "/v1/fleets/\(fleet)/hot-fixes", ["change": .integer(change)])
            return "hot fix C-\(change) in \(fleet)"
        case 8: return try await remove(from: team)
        case 9:
            let value = String(repeating: "\(next(10))", count: 64)
            try await send(
                .post, "/v1/denials",
                ["kind": "certificate", "value": .string(value), "team": .string(team), "reason": "stolen"])
            return "deny a certificate in \(team)"
        default:
            let days = Int64(next(4))
            scene.clock.advance(seconds: days * 86_400 + 3_700)
            return "\(days) days pass"
        }
    }

    private mutating func remove(from team: String) async throws -> String {
        let page: Page<AnchorBody> = try await scene.api.ask(
            .get, "/v1/anchors?team=\(team)&state=active", as: scene.bob)
        guard let anchor = page.items.isEmpty ? nil : pick(page.items) else { return "nothing" }
        let removal = ChangeRequest(
            team: try TeamName(team), operations: [OperationBody.other(.removeAnchor(id: anchor.id))],
            justification: "stolen")
        let change: ChangeBody = try await scene.api.ask(.post, "/v1/changes", removal, as: scene.bob)
        changes.append(change.number)
        return "remove anchor \(anchor.id) of \(team)"
    }

    private func send(_ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil) async throws {
        let reply = try await scene.api.send(method, path, json: body, as: scene.alice)
        let isFine = (200..<300).contains(reply.status.code) || [.conflict, .notFound].contains(reply.status)
        #expect(isFine, "\(method) \(path): \(reply.status) \(String(decoding: reply.body, as: UTF8.self))")
    }

    private mutating func pick<Element>(_ list: [Element]) -> Element { list[next(list.count)] }

    /// SplitMix64.
    private mutating func next(_ count: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(count))
    }
}
