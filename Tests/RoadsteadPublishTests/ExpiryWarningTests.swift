import Codecs
import Testing
import TrustModel

@testable import RoadsteadPublish

@Suite struct ExpiryWarningTests {
    private let end = noon.adding(days: 400)

    private func warning(daysBefore days: Int64, plus seconds: Int64 = 0) -> ExpiryWarning? {
        ExpiryWarning(role: "root", expires: end, now: end.adding(seconds: -days * 86_400 - seconds))
    }

    @Test func `nothing is said while there is time`() {
        #expect(warning(daysBefore: 120, plus: 1) == nil)
        #expect(warning(daysBefore: 399) == nil)
    }

    @Test(arguments: zip(ExpiryWarning.stages, ExpiryWarning.stages.dropFirst() + [0]))
    func `each stage is reached on its day and lasts until the next`(stage: Int, next: Int) throws {
        let first = try #require(warning(daysBefore: Int64(stage)))
        #expect(first.stage == stage && first.daysLeft == Int64(stage))
        let last = try #require(warning(daysBefore: Int64(next), plus: 1))
        #expect(last.stage == stage && last.daysLeft == Int64(next))
    }

    @Test func `what has expired is at stage 0`() throws {
        let first = try #require(warning(daysBefore: 0))
        #expect(first.stage == 0 && first.daysLeft == 0)
        #expect(try #require(warning(daysBefore: -30)).stage == 0)
    }

    @Test func `the worst comes first`() {
        let expiries = [("root", 100), ("acme", 2), ("targets", 300), ("beta", 2)].map {
            FleetNote.Expiry(role: $0.0, expires: noon.adding(days: Int64($0.1)))
        }
        let warnings = ExpiryWarning.all(of: expiries, now: noon)
        #expect(warnings.map(\.role) == ["acme", "beta", "root"])
        #expect(warnings.map(\.stage) == [3, 3, 120])
    }

    @Test func `only what people sign is watched: root always, the others where their keys are off the server`()
        async throws
    {
        let server = try TestServer()
        let fleet = try await TestFleet("demo", server, teams: [try team("acme", [anchor(1)])])
        try await fleet.publish()
        let acme = try TeamName("acme")
        let online = fleet.state.offlineExpiries(targetsOnline: true, teams: [], now: noon)
        #expect(online.map(\.role) == ["root"])
        let later = noon.adding(days: 300)
        let offline = fleet.state.offlineExpiries(targetsOnline: false, teams: [acme], now: later)
        #expect(offline.map(\.role) == ["root", "targets", "acme"])
        #expect(offline.map(\.stage) == [120, 120, 0])
        #expect(offline[0].expires == noon.adding(days: 400))
    }
}
