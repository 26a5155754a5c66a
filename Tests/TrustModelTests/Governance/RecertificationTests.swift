import Codecs
import Testing
import TrustModel

@Suite struct RecertificationTests {
    struct Moment: Sendable, CustomTestStringConvertible {
        let secondsBefore: Int64
        let level: Recertification.Level
        var testDescription: String { "\(secondsBefore) s before the end: \(level)" }
    }

    @Test(arguments: [
        Moment(secondsBefore: 7 * 86_400 + 1, level: .owner), Moment(secondsBefore: 7 * 86_400, level: .team),
        Moment(secondsBefore: 3 * 86_400 + 1, level: .team), Moment(secondsBefore: 3 * 86_400, level: .teamAdmins),
        Moment(secondsBefore: 1, level: .teamAdmins), Moment(secondsBefore: 0, level: .trustAdmins),
        Moment(secondsBefore: -86_400, level: .trustAdmins),
    ])
    func `an item goes up as the end comes nearer`(_ moment: Moment) {
        let due = now.adding(seconds: moment.secondsBefore)
        #expect(Recertification.level(due: due, now: now) == moment.level)
    }

    @Test func `an item is shown to its owner always, to others from their level on`() throws {
        let team = try team()
        let member = try bindings((.teamMember, .team(team)))
        let admin = try bindings((.trustAdmin, .everything))
        let shown = { (level: Recertification.Level, roles: [RoleBinding]) in
            Recertification.concerns(level, isOwner: false, bindings: roles, team: team)
        }
        #expect(Recertification.concerns(.owner, isOwner: true, bindings: [], team: team))
        #expect(!shown(.owner, member))
        #expect(shown(.team, member))
        #expect(!shown(.teamAdmins, admin))
        #expect(shown(.trustAdmins, admin))
        #expect(!shown(.trustAdmins, try bindings((.teamAdmin, .team(try self.team("other"))))))
    }

    private func team(_ name: String = "acme") throws -> TeamName { try TeamName(name) }
}
