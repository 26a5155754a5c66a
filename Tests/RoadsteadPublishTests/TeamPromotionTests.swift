import Codecs
import SigningKeys
import TUF
import Testing
import TrustModel

@testable import RoadsteadPublish

/// Whether the signed bytes of one fleet may go into another.
@Suite struct TeamPromotionTests {
    private let acme = Result { try TeamName("acme") }

    private func fleets() async throws -> (canary: TestFleet, prod: TestFleet) {
        let server = try TestServer()
        let teams = [try team("acme", [anchor(1)])]
        let (canary, prod) = (
            try await TestFleet("canary", server, teams: teams), try await TestFleet("prod", server, teams: teams)
        )
        try await prod.publish()
        try await canary.publish()
        return (canary, prod)
    }

    private func change(_ fleet: TestFleet, to seed: UInt8) async throws {
        fleet.change(teams: [try team("acme", [anchor(seed)])])
        try await fleet.publish()
    }

    private func verdict(
        _ role: [UInt8]?, to fleet: TestFleet, custody: Custody = .server, desired: TeamQuorum? = nil,
        now: UTCDate = noon
    ) throws -> TeamPromotion.Verdict {
        TeamPromotion(
            of: try acme.get(), in: custody, role: role ?? [], to: fleet.state, desired: desired
        ).verdict(now: now)
    }

    private func problem(_ verdict: TeamPromotion.Verdict) -> String {
        switch verdict {
        case .sameBytes: ""
        case .signedAnew(let reason): reason
        case .refused(let reason, _): reason
        }
    }

    @Test func `a newer role that the fleet believes goes in as it is`() async throws {
        let (canary, prod) = try await fleets()
        try await change(canary, to: 2)
        let role = canary.state.delegated["acme"]
        #expect(try verdict(role, to: prod) == .sameBytes)
        #expect(try verdict(role, to: prod, custody: .team) == .sameBytes)
    }

    @Test func `a role that is not above what the fleet lists is signed anew, or refused where only the team could`()
        async throws
    {
        let (canary, prod) = try await fleets()
        let old = canary.state.delegated["acme"]
        try await change(prod, to: 2)
        #expect(problem(try verdict(old, to: prod)).contains("lists version 2"))
        guard case .refused(_, let hint) = try verdict(old, to: prod, custody: .team) else {
            Issue.record("an older version was let in")
            return
        }
        #expect(hint.contains("roadstead team renew acme"))
    }

    @Test func `a role with fewer than 30 days of life stays out`() async throws {
        let (canary, prod) = try await fleets()
        try await change(canary, to: 2)
        let role = try #require(canary.state.delegated["acme"])
        let end = try UnverifiedMetadata<Targets>(role, maximumBytes: 1 << 20).unverifiedContent.expires
        #expect(try verdict(role, to: prod, custody: .team, now: end.adding(days: -30)) == .sameBytes)
        let late = try verdict(role, to: prod, custody: .team, now: end.adding(seconds: -30 * 86_400 + 1))
        #expect(problem(late).contains("in less than 30 days"))
    }

    @Test func `a role of another key stays out, unless that key is to speak for the team here too`() async throws {
        let (canary, prod) = try await fleets()
        let other = try await TestFleet("other", try TestServer(), teams: [try team("acme", [anchor(3)])])
        try await other.publish()
        try await change(other, to: 4)
        let role = other.state.delegated["acme"]
        #expect(problem(try verdict(role, to: prod, custody: .team)).contains("not signed by whom"))
        let key = try other.server.key(of: try acme.get()).open(under: other.server.master).key
        #expect(try verdict(role, to: prod, custody: .team, desired: try TeamQuorum(key)) == .sameBytes)
        withExtendedLifetime(canary) {}
    }

    @Test func `what cannot be read stays out`() async throws {
        let (_, prod) = try await fleets()
        #expect(problem(try verdict(Array("{}".utf8), to: prod, custody: .team)).contains("cannot be read"))
    }
}
