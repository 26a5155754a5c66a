import Testing
import TrustModel

@Suite struct AuthorizationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let permission: Permission
        let allowed: Set<PersonRole>
        var testDescription: String { "\(permission)" }
    }

    /// The table of roles, each bound to what the permission is about.
    static func table() throws -> [Case] {
        let (team, fleet) = (try TeamName("acme"), try FleetName("prod"))
        return [
            Case(permission: .administer, allowed: [.trustAdmin]),
            Case(permission: .propose(team), allowed: [.trustAdmin, .teamAdmin, .teamMember]),
            Case(permission: .approveAdditions(team), allowed: [.trustAdmin, .securityOfficer, .teamAdmin]),
            Case(permission: .remove(team), allowed: [.trustAdmin, .securityOfficer, .teamAdmin]),
            Case(
                permission: .proposeRemoval(team), allowed: [.trustAdmin, .securityOfficer, .teamAdmin, .teamMember]),
            Case(permission: .denyEverywhere, allowed: [.trustAdmin, .securityOfficer]),
            Case(permission: .approveLiftingDenial(team), allowed: [.trustAdmin, .securityOfficer]),
            Case(permission: .proposeLiftingDenial(team), allowed: [.securityOfficer, .teamAdmin]),
            Case(permission: .operateFleet(fleet), allowed: [.trustAdmin, .fleetOperator]),
            Case(permission: .endException(fleet), allowed: [.trustAdmin, .securityOfficer, .fleetOperator]),
            Case(permission: .exportAudit(.everything), allowed: [.auditor]),
        ]
    }

    /// The widest binding that a role may have for what the permission is about.
    private func binding(_ role: PersonRole, _ permission: Permission) -> RoleBinding? {
        (try? RoleBinding(role, .everything)) ?? (try? RoleBinding(role, permission.target))
    }

    @Test func `the table of roles is what is decided, cell by cell`() throws {
        for entry in try Self.table() {
            for role in PersonRole.allCases {
                guard let binding = binding(role, entry.permission) else { continue }
                let isAllowed = Authorization.decide(entry.permission, bindings: [binding]).isAllowed
                #expect(isAllowed == entry.allowed.contains(role), "\(role): \(entry.permission)")
            }
        }
    }

    @Test func `a role on one team does nothing for another`() throws {
        let mine = try bindings((.teamAdmin, .team(try team())))
        #expect(Authorization.decide(.approveAdditions(try team()), bindings: mine).isAllowed)
        #expect(!Authorization.decide(.approveAdditions(try team("other")), bindings: mine).isAllowed)
        #expect(!Authorization.decide(.administer, bindings: mine).isAllowed)
    }

    @Test func `nobody without a role may do anything`() throws {
        for entry in try Self.table() { #expect(!Authorization.decide(entry.permission, bindings: []).isAllowed) }
    }

    @Test func `a token that reads writes nothing, whatever the roles of its person`() throws {
        let all = try bindings((.trustAdmin, .everything))
        let limits = TokenLimits(access: .read, holder: .person)
        #expect(!Authorization.decide(.administer, bindings: all, limits: limits).isAllowed)
        #expect(Authorization.decide(.readGovernance, bindings: all, limits: limits).isAllowed)
    }

    @Test func `a token limited to a team does nothing elsewhere`() throws {
        let all = try bindings((.trustAdmin, .everything))
        let limits = TokenLimits(access: .write, holder: .person, team: try team())
        #expect(Authorization.decide(.propose(try team()), bindings: all, limits: limits).isAllowed)
        #expect(!Authorization.decide(.propose(try team("other")), bindings: all, limits: limits).isAllowed)
        #expect(!Authorization.decide(.administer, bindings: all, limits: limits).isAllowed)
    }

    @Test func `a machine proposes but never approves`() throws {
        let all = try bindings((.trustAdmin, .everything))
        let limits = TokenLimits(access: .write, holder: .machine)
        #expect(Authorization.decide(.propose(try team()), bindings: all, limits: limits).isAllowed)
        #expect(!Authorization.decide(.approveAdditions(try team()), bindings: all, limits: limits).isAllowed)
    }

    @Test func `a role cannot be bound where it means nothing`() throws {
        #expect(throws: TrustModelError(.name, "")) { try RoleBinding(.trustAdmin, .team(try team())) }
        #expect(throws: TrustModelError(.name, "")) { try RoleBinding(.teamAdmin, .everything) }
        #expect(throws: TrustModelError(.name, "")) { try RoleBinding(.fleetOperator, .team(try team())) }
    }

    @Test func `a refusal names the roles that would do`() throws {
        let decision = Authorization.decide(.administer, bindings: [])
        #expect(
            decision
                == .denied(
                    reason: "none of your roles lets you change teams, scopes, rules and roles",
                    hint: "it takes one of: trust administrator, on everything"))
    }
}
