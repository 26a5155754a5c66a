import Codecs
import Testing
import TrustModel

@Suite struct AdministrationOperationsTests {
    private static let team = try? TeamName("acme")
    private static let prod = try? FleetName("prod")

    private static func operations() throws -> [any GovernedOperation] {
        let (team, prod) = (try #require(team), try #require(prod))
        let scope = try RegistryScope("registry.example.com/acme")
        return [
            RemoveTeam(team: team), AddScope(team: team, scope: scope), RemoveScope(team: team, scope: scope),
            SetRule(rule: try rule(.allow(.one))), SetRule(rule: try rule(.deny(reason: "no"))),
            SetRule(rule: try rule(.deny(reason: "no")), replaces: false), try RemoveRule(rule: "own/default"),
            try GrantRole(person: "bob", try RoleBinding(.teamAdmin, .team(team))),
            try GrantRole(person: "4711", issuer: "https://id.example.com", try RoleBinding(.auditor, .everything)),
            RevokeRole(binding: 7), SetMode(fleet: prod, mode: .enforce, enforcer: .notation),
            SetMode(fleet: prod, mode: .observe), AddFleetTeam(fleet: prod, team: team),
            RemoveFleetTeam(fleet: prod, team: team),
            SetFleetSettings(
                fleet: prod,
                options: try FleetOptions(
                    rejectAfterSeconds: 3_600, inexpressible: .reportUnenforced, localScopes: [scope])),
        ]
    }

    private static func rule(_ effect: RootRule.Effect) throws -> RootRule {
        try RootRule(
            name: "own/default", team: team, conditions: .init(origins: [.own], minimumRSABits: 3_072), effect: effect)
    }

    private func change(_ operations: [any GovernedOperation]) throws -> ChangeContent {
        try ChangeContent(
            team: nil, operations: operations.map { .governed(GovernedStep($0)) }, justification: "needed")
    }

    @Test func `what is stored of an operation is read as the same operation`() throws {
        for operation in try Self.operations() {
            let step = ChangeOperation.governed(GovernedStep(operation))
            let json = try JSON(encoding: step)
            #expect(try json.decode(ChangeOperation.self, place: "op", unknownMembers: .refused) == step)
        }
    }

    @Test func `only taking a role away and a new rule that refuses take nobody else`() throws {
        let alone = try Self.operations().filter { !$0.adds }
        #expect(
            alone.map(\.summary) == [
                "makes the root rule own/default of team acme: refuses (no)", "takes the role binding 7 away",
            ])
        for operation in alone { #expect(operation.alone(in: nil) == .administer) }
        for operation in try Self.operations() where operation.adds {
            #expect(try change([operation]).alone == nil, "\(operation.summary)")
        }
    }

    @Test(arguments: [
        #"{"op":"grant-role","person":"bob","role":"trust-admin","reach":"team:acme"}"#,
        #"{"op":"grant-role","person":"b b","role":"auditor","reach":"everything"}"#,
        #"{"op":"grant-role","person":"","role":"auditor","reach":"everything"}"#,
        #"{"op":"grant-role","person":"bob","role":"auditor","reach":"all"}"#,
        #"{"op":"remove-rule","rule":"No Name"}"#,
        #"{"op":"set-rule","rule":{"name":"x","conditions":{}}}"#,
        #"{"op":"set-rule","rule":{"name":"x","conditions":{},"allow":{"count":0}}}"#,
        #"{"op":"set-fleet-settings","fleet":"prod","rejectAfterSeconds":3599}"#,
        #"{"op":"set-mode","fleet":"prod","mode":"off"}"#,
        #"{"op":"add-scope","team":"acme","scope":"registry.example.com/*"}"#,
        #"{"op":"add-scope","team":"root","scope":"registry.example.com"}"#,
        #"{"op":"add-team","team":"acme","displayName":"Acme","custody":"team"}"#,
    ])
    func `an operation that means nothing is refused when it is read`(_ text: String) throws {
        let json = try JSON(parsing: Array(text.utf8))
        #expect(throws: (any Error).self) {
            try json.decode(ChangeOperation.self, place: "op", unknownMembers: .refused)
        }
    }

    @Test func `a change is about one fleet, and about fleets or administration`() throws {
        let (team, prod) = (try #require(Self.team), try #require(Self.prod))
        let lab = try FleetName("lab")
        #expect(throws: TrustModelError.self) {
            try change([SetMode(fleet: prod, mode: .enforce), SetMode(fleet: lab, mode: .enforce)])
        }
        #expect(throws: TrustModelError.self) {
            try change([AddTeam(team: team, displayName: "Acme"), AddFleetTeam(fleet: prod, team: team)])
        }
        #expect(try change([SetMode(fleet: prod, mode: .enforce)]).fleet == prod)
        #expect(try change([RemoveTeam(team: team)]).fleet == nil)
    }

    @Test func `a fleet's operator proposes for that fleet and agrees to nothing`() throws {
        let prod = try #require(Self.prod)
        let steward = [try RoleBinding(.fleetOperator, .fleet(prod))]
        let officer = [try RoleBinding(.securityOfficer, .everything)]
        let content = try change([SetMode(fleet: prod, mode: .enforce)])
        #expect(content.proposal.allSatisfy { Authorization.holds($0, bindings: steward) })
        #expect(!Authorization.holds(content.approval, bindings: steward))
        #expect(Authorization.holds(content.approval, bindings: officer))
        #expect(!content.proposal.allSatisfy { Authorization.holds($0, bindings: officer) })
        let other = try change([SetMode(fleet: try FleetName("lab"), mode: .enforce)])
        #expect(!other.proposal.allSatisfy { Authorization.holds($0, bindings: steward) })
    }

    @Test func `settings that are left out are those of a new fleet`() throws {
        let json = try JSON(parsing: Array(#"{"op":"set-fleet-settings","fleet":"prod"}"#.utf8))
        let operation = try json.decode(ChangeOperation.self, place: "op", unknownMembers: .refused)
        #expect(operation == .governed(SetFleetSettings(fleet: try #require(Self.prod), options: .standard)))
        #expect(throws: TrustModelError.self) {
            try FleetOptions(
                rejectAfterSeconds: nil,
                localScopes: (0...FleetOptions.maximumLocalScopes).map { try RegistryScope("r.example.com/x\($0)") })
        }
    }
}
