import Codecs
import Testing
import TrustModel

@Suite struct ChangeConcernTests {
    private let key = String(repeating: "ab", count: 32)

    private func content(_ operations: [ChangeOperation], of team: TeamName?) throws -> ChangeContent {
        try ChangeContent(team: team, operations: operations, justification: "because")
    }

    @Test func `one change has one concern, since different people agree to each`() throws {
        let acme = try team()
        let custody = ChangeOperation.setCustody(try CustodySetting(.team, keys: [key], threshold: 1))
        for operations in [
            [ChangeOperation.liftDenial(id: 1), .removeAnchor(id: 1)], [custody, .renewRole],
            [.renewRole, .liftDenial(id: 1)],
            [custody, .setCustody(try CustodySetting(.server))],
        ] {
            #expect(throws: TrustModelError(.document, "")) { try content(operations, of: acme) }
        }
        #expect(try content([.liftDenial(id: 1), .liftDenial(id: 2)], of: acme).concern == .denials)
    }

    @Test func `only denials are lifted without naming a team`() throws {
        #expect(throws: TrustModelError(.document, "")) { try content([.removeAnchor(id: 1)], of: nil) }
        #expect(throws: TrustModelError(.document, "")) { try content([.renewRole], of: nil) }
        let lifting = try content([.liftDenial(id: 1)], of: nil)
        #expect(lifting.proposal == [.proposeLiftingDenial(nil)])
        #expect(lifting.approval == .approveLiftingDenial(nil) && lifting.approval.target == .everything)
    }

    @Test func `everything but a removal needs somebody else, whatever roles the author has`() throws {
        let acme = try team()
        let all = try bindings((.trustAdmin, .everything), (.securityOfficer, .everything), (.teamAdmin, .team(acme)))
        let custody = ChangeOperation.setCustody(try CustodySetting(.server))
        for operation in [ChangeOperation.liftDenial(id: 1), custody, .renewRole] {
            let content = try content([operation], of: acme)
            #expect(content.adds)
            #expect(!ChangeRules.needsNobodyElse(content, bindings: all, limits: .unlimited))
        }
    }

    @Test func `a team's administrator proposes custody and lifting, and agrees to neither`() throws {
        let acme = try team()
        let admin = try bindings((.teamAdmin, .team(acme)))
        let officer = try bindings((.securityOfficer, .team(acme)))
        for operation in [ChangeOperation.liftDenial(id: 1), .setCustody(try CustodySetting(.server))] {
            let content = try content([operation], of: acme)
            #expect(content.proposal.allSatisfy { Authorization.holds($0, bindings: admin) })
            #expect(!Authorization.holds(content.approval, bindings: admin))
            #expect(Authorization.holds(content.approval, bindings: officer))
            #expect(content.approval.isApproval)
        }
        #expect(!Authorization.holds(.approveLiftingDenial(nil), bindings: officer))
    }

    @Test func `an operation is written and read again as the same`() throws {
        let setting = try CustodySetting(.team, keys: [key], threshold: 1, formerLost: true)
        for operation in [ChangeOperation.liftDenial(id: 7), .setCustody(setting), .renewRole] {
            let content = try content([operation], of: try team())
            #expect(try JSON(parsing: try content.canonicalBytes).decode(ChangeContent.self) == content)
        }
    }

    @Test func `keys and threshold fit each other`() throws {
        let other = String(repeating: "cd", count: 32)
        for (keys, threshold) in [([], 1), ([key], 0), ([key], 2), ([key, key], 1), (["AB"], 1), ([key, other], 3)] {
            #expect(throws: TrustModelError(.document, "")) {
                try CustodySetting(.team, keys: keys, threshold: threshold)
            }
        }
        #expect(throws: TrustModelError(.document, "")) { try CustodySetting(.server, keys: [key], threshold: 1) }
        #expect(try CustodySetting(.team, keys: [other, key], threshold: 2).keys == [key, other])
    }
}
