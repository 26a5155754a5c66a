import Codecs
import Testing
import TrustModel

@Suite struct ChangeRulesTests {
    private let author = PersonID(rawValue: 1)
    private let second = PersonID(rawValue: 2)
    private let third = PersonID(rawValue: 3)
    private let digest = String(repeating: "11", count: 32)

    private func change(
        state: ChangeState = .submitted, expires: UTCDate = now.adding(days: 14), adds: Bool = true
    ) throws -> ChangeRules.Facts {
        ChangeRules.Facts(
            number: 7, author: author, team: try team(), state: state, digest: digest, expires: expires,
            approval: adds ? .approveAdditions(try team()) : .remove(try team()))
    }

    private func refusal(
        of person: PersonID, roles: [RoleBinding], on change: ChangeRules.Facts, limits: TokenLimits = .unlimited,
        approves: Bool = true, digest: String? = nil, at time: UTCDate = now
    ) -> ChangeRefusal.Kind? {
        ChangeRules.refusal(
            of: person, bindings: roles, limits: limits, approves: approves, digest: digest ?? self.digest,
            on: change, now: time)?.kind
    }

    private func decision(
        _ person: PersonID, _ roles: [RoleBinding], approves: Bool = true, digest: String? = nil
    ) -> ChangeDecision {
        ChangeDecision(person: person, approves: approves, digest: digest ?? self.digest, bindings: roles)
    }

    @Test func `another person with the role may approve`() throws {
        let roles = try bindings((.teamAdmin, .team(try team())))
        #expect(refusal(of: second, roles: roles, on: try change()) == nil)
    }

    @Test func `nobody approves their own proposal, not even a trust administrator`() throws {
        let roles = try bindings((.trustAdmin, .everything), (.securityOfficer, .everything))
        #expect(refusal(of: author, roles: roles, on: try change()) == .ownProposal)
    }

    @Test func `a machine decides on nothing, neither additions nor removals`() throws {
        let roles = try bindings((.trustAdmin, .everything))
        let limits = TokenLimits(access: .write, holder: .machine)
        #expect(refusal(of: second, roles: roles, on: try change(), limits: limits) == .forbidden)
        #expect(refusal(of: second, roles: roles, on: try change(adds: false), limits: limits) == .forbidden)
    }

    @Test func `a team member may not approve`() throws {
        let roles = try bindings((.teamMember, .team(try team())))
        #expect(refusal(of: second, roles: roles, on: try change()) == .forbidden)
    }

    @Test func `an administrator of another team may not approve`() throws {
        let roles = try bindings((.teamAdmin, .team(try team("other"))))
        #expect(refusal(of: second, roles: roles, on: try change()) == .forbidden)
    }

    @Test func `an approval names what was looked at`() throws {
        let roles = try bindings((.securityOfficer, .everything))
        let other = String(repeating: "22", count: 32)
        #expect(refusal(of: second, roles: roles, on: try change(), digest: other) == .stale)
    }

    @Test func `an expired change takes no decision, from the very second on`() throws {
        let roles = try bindings((.securityOfficer, .everything))
        let change = try change(expires: now)
        #expect(refusal(of: second, roles: roles, on: change) == .expired)
        #expect(refusal(of: second, roles: roles, on: change, at: now.adding(seconds: -1)) == nil)
    }

    @Test(arguments: [ChangeState.draft, .rejected, .withdrawn])
    func `a change that is not submitted takes no decision`(_ state: ChangeState) throws {
        let roles = try bindings((.securityOfficer, .everything))
        #expect(refusal(of: second, roles: roles, on: try change(state: state)) == .notOpen)
    }

    @Test func `an approved change takes no second approval`() throws {
        let roles = try bindings((.securityOfficer, .everything))
        #expect(refusal(of: second, roles: roles, on: try change(state: .approved)) == .alreadyDecided)
    }

    @Test func `enough approvals of different people agree`() throws {
        let roles = try bindings((.teamAdmin, .team(try team())))
        let needed = try ApprovalsNeeded(count: 2)
        let one = [decision(second, roles)]
        #expect(ChangeRules.standing(of: try change(), decisions: one, needed: needed) == .waiting(missing: .one))
        let both = one + [decision(third, roles)]
        #expect(ChangeRules.standing(of: try change(), decisions: both, needed: needed) == .agreed)
    }

    @Test func `one person's approval counts once`() throws {
        let roles = try bindings((.teamAdmin, .team(try team())))
        let twice = [decision(second, roles), decision(second, roles)]
        let standing = ChangeRules.standing(of: try change(), decisions: twice, needed: try ApprovalsNeeded(count: 2))
        #expect(standing == .waiting(missing: .one))
    }

    @Test func `the author's approval never counts, should it ever be stored`() throws {
        let roles = try bindings((.trustAdmin, .everything))
        let standing = ChangeRules.standing(of: try change(), decisions: [decision(author, roles)], needed: .one)
        #expect(standing == .waiting(missing: .one))
    }

    @Test func `an approval of an earlier edit does not count`() throws {
        let roles = try bindings((.trustAdmin, .everything))
        let old = decision(second, roles, digest: String(repeating: "22", count: 32))
        #expect(ChangeRules.standing(of: try change(), decisions: [old], needed: .one) == .waiting(missing: .one))
    }

    @Test func `an approval of somebody who lost the role no longer counts`() throws {
        let standing = ChangeRules.standing(of: try change(), decisions: [decision(second, [])], needed: .one)
        #expect(standing == .waiting(missing: .one))
    }

    @Test func `one rejection outweighs every approval`() throws {
        let roles = try bindings((.trustAdmin, .everything))
        let decisions = [decision(second, roles), decision(third, roles, approves: false)]
        #expect(ChangeRules.standing(of: try change(), decisions: decisions, needed: .one) == .rejected)
    }

    @Test func `a security officer is needed where the rule says so`() throws {
        let admin = try bindings((.teamAdmin, .team(try team())))
        let officer = try bindings((.securityOfficer, .everything))
        let needed = try ApprovalsNeeded(count: 2, securityOfficers: 1)
        let admins = [decision(second, admin), decision(third, admin)]
        let missing = try ApprovalsNeeded(count: 1, securityOfficers: 1)
        #expect(ChangeRules.standing(of: try change(), decisions: admins, needed: needed) == .waiting(missing: missing))
        let mixed = [decision(second, admin), decision(third, officer)]
        #expect(ChangeRules.standing(of: try change(), decisions: mixed, needed: needed) == .agreed)
    }

    @Test func `an approver with a role in the team that asks is no outsider, whatever else they hold`() throws {
        let inside = try bindings((.teamAdmin, .team(try team())))
        let both = try bindings((.trustAdmin, .everything), (.teamMember, .team(try team())))
        let outside = try bindings((.trustAdmin, .everything), (.teamAdmin, .team(try team("other"))))
        let missing = try ApprovalsNeeded(count: 1, outsiders: 1)
        let insiders = [decision(second, inside), decision(third, both)]
        let standing = { (decisions: [ChangeDecision]) in
            ChangeRules.standing(of: try change(), decisions: decisions, needed: .twoWithAnOutsider)
        }
        #expect(try standing(insiders) == .waiting(missing: missing))
        #expect(try standing([decision(second, inside), decision(third, outside)]) == .agreed)
        #expect(try standing([decision(third, outside)]) == .waiting(missing: .one))
    }

    @Test func `who may remove alone needs nobody, and never for what adds`() throws {
        let roles = try bindings((.teamAdmin, .team(try team())))
        let removal = try ChangeContent(
            team: try team(), operations: [.removeAnchor(id: 3)], justification: "stolen")
        #expect(ChangeRules.needsNobodyElse(removal, bindings: roles, limits: .unlimited))
        let member = try bindings((.teamMember, .team(try team())))
        #expect(!ChangeRules.needsNobodyElse(removal, bindings: member, limits: .unlimited))
        let addition = AnchorAddition(
            kind: .ca, store: try TrustStoreName("prod"), certificate: [1], origin: .own, owner: "acme")
        let mixed = try ChangeContent(
            team: try team(), operations: [.removeAnchor(id: 3), .addAnchor(addition)], justification: "swap")
        #expect(!ChangeRules.needsNobodyElse(mixed, bindings: roles, limits: .unlimited))
    }

    @Test func `a digest binds number, edit, base and content`() throws {
        let content = try ChangeContent(team: try team(), operations: [.removeAnchor(id: 3)], justification: "a")
        let other = try ChangeContent(team: try team(), operations: [.removeAnchor(id: 3)], justification: "b")
        let digests = [
            try content.digest(number: 1, version: 1, baseVersion: 1),
            try content.digest(number: 2, version: 1, baseVersion: 1),
            try content.digest(number: 1, version: 2, baseVersion: 1),
            try content.digest(number: 1, version: 1, baseVersion: 2),
            try other.digest(number: 1, version: 1, baseVersion: 1),
        ]
        #expect(Set(digests).count == digests.count)
        #expect(try content.digest(number: 1, version: 1, baseVersion: 1) == digests[0])
    }

    @Test func `content comes back from its canonical bytes as it was`() throws {
        let addition = AnchorAddition(
            kind: .tsa, store: try TrustStoreName("stamps"), certificate: [48, 0], origin: .thirdParty, owner: "ops",
            evidence: "https://example.com/cps", reviewBy: now)
        let content = try ChangeContent(
            team: try team(), operations: [.addAnchor(addition), .removeAnchor(id: 9)], justification: "why",
            ticket: "T-1")
        #expect(try JSON(parsing: content.canonicalBytes).decode(ChangeContent.self) == content)
    }

    @Test func `a change without operations, justification or with one twice cannot be made`() throws {
        let team = try team()
        #expect(throws: TrustModelError(.document, "")) {
            try ChangeContent(team: team, operations: [], justification: "x")
        }
        #expect(throws: TrustModelError(.document, "")) {
            try ChangeContent(team: team, operations: [.removeAnchor(id: 1)], justification: "  ")
        }
        #expect(throws: TrustModelError(.document, "")) {
            try ChangeContent(
                team: team, operations: [.removeAnchor(id: 1), .removeAnchor(id: 1)], justification: "x")
        }
    }
}
