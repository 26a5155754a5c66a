import Codecs
import Declarations
import PKI
import Problems
import RoadsteadWire
import SigningKeys
import Testing
import TrustModel

@Suite struct DeclarationPlans {
    private static let now = UTCDate(seconds: 1_790_000_000)

    private func team(_ scopes: [String] = [], stores: [String] = []) throws -> TeamBody {
        let name = try TeamName("acme")
        return TeamBody(
            name: name, displayName: "Acme", custody: .server, scopes: try scopes.map { try RegistryScope($0) },
            stores: try stores.map { StoreBody(team: name, kind: .ca, name: try TrustStoreName($0), anchors: 0) },
            created: Self.now)
    }

    private func fleet(_ teams: [String], _ mode: EnforcementMode = .observe) throws -> FleetBody {
        FleetBody(
            name: try FleetName("demo"), id: try FleetID(String(repeating: "0", count: 32)), displayName: "demo",
            profile: .standard, mode: mode, teams: try teams.map { try TeamName($0) }, rootVersion: 0, release: 0,
            targetsOnline: true, hosts: 0, hostsBehind: 0, warnings: [])
    }

    private func rule(_ name: String, approvals: Int = 1, subject: String? = nil, types: [String]? = nil) throws
        -> RootRuleBody
    {
        RootRuleBody(
            id: 7, name: name, team: try TeamName("acme"), origin: .own, effect: .allow, approvals: approvals,
            conditions: RuleConditions(subject: subject, keyTypes: types))
    }

    private func anchor(_ certificate: String, id: Int64 = 3) throws -> AnchorBody {
        let der = try Certificate(pemOrDER: Array(certificate.utf8)).der
        return AnchorBody(
            id: id, team: try TeamName("acme"), kind: .ca, store: try TrustStoreName("prod"), origin: .own,
            subject: "CN=x", sha256: Hex.encode(HashAlgorithm.sha256.digest(of: der)), keySHA256: "",
            notBefore: Self.now, notAfter: Self.now, justification: "", owner: "alice", change: 1, added: Self.now,
            certificate: certificate)
    }

    private func root(_ name: String) async throws -> String {
        let key = try PrivateKey.generate(.ec(.p256))
        return try await CertificateBuilder.root(
            subject: try DistinguishedName("CN=\(name)"), signer: key,
            validity: .init(from: Self.now, days: 3_650)
        ).pem
    }

    private func read(_ document: JSON) throws -> Declaration { try Declaration(document, place: "x.yaml:1") }

    private func signs(_ plan: DeclarationPlan) -> [String] {
        plan.differences.map { "\($0.sign.rawValue) \($0.what)" }
    }

    private func everything() async throws -> PresentState {
        PresentState(
            teams: [try team(["registry.example.com/acme", "a.example"], stores: ["prod", "dev"])],
            rules: [
                try rule("own", subject: "O=Acme\\, Inc., C=US", types: ["rsa", "ec"]),
                RootRuleBody(
                    id: 8, name: "no-third", origin: .thirdParty, effect: .deny, approvals: 0,
                    conditions: RuleConditions()),
            ],
            anchors: [try anchor(try await root("one"))],
            policies: [
                PolicyBody(
                    team: try TeamName("acme"), standard: false,
                    statements: [
                        TeamPolicy.Statement(
                            name: "all", registryScopes: [try RegistryScope("a.example")], level: "strict",
                            stores: [.init(kind: .ca, name: try TrustStoreName("prod"))], trustedIdentities: ["*"])
                    ])
            ],
            fleets: [try fleet(["acme"], .enforce)],
            fleetPolicies: [
                FleetPolicyBody(
                    fleet: try FleetName("demo"),
                    policy: FleetPolicy(
                        statements: [
                            FleetPolicy.Statement(
                                name: "infra", registryScopes: [try RegistryScope("infra.example")], level: "strict",
                                stores: [
                                    TrustStoreID(
                                        team: try TeamName("acme"), kind: .ca, name: try TrustStoreName("prod"))
                                ], trustedIdentities: ["*"])
                        ], standardLevel: .audit, floor: .audit))
            ],
            bindings: [
                RoleBindingBody(id: 1, person: "alice", role: .trustAdmin),
                RoleBindingBody(id: 2, person: "bob", role: .teamAdmin, team: try TeamName("acme")),
            ])
    }

    @Test func `what is exported and read again differs in nothing, with pruning or without`() async throws {
        let present = try await everything()
        let written = try present.declarations.map { try $0.document }
        #expect(written.count == 9)
        for prunes in [false, true] {
            let plan = try DeclarationPlan(try written.map(read), present: present, prunes: prunes)
            #expect(signs(plan) == [])
            #expect(plan.summary == "0 to add, 0 to change, 0 to remove")
        }
    }

    @Test func `on an empty server everything is to be made, and nothing that needs a team comes before it`()
        async throws
    {
        let declared = try await everything().declarations
        let plan = try DeclarationPlan(declared, present: PresentState())
        #expect(plan.differences.allSatisfy { $0.sign != .remove })
        let stores = plan.differences.filter { if case .makeStore = $0.step { true } else { false } }
        #expect(stores.map(\.needs) == [["team acme"], ["team acme"]])
        let anchors = plan.differences.filter { $0.what.hasPrefix("anchor") || $0.what.hasPrefix("policy") }
        #expect(anchors.map(\.needs) == [["team acme"], ["team acme"], ["team acme"]])
        let changes = try plan.changes
        #expect(changes.map(\.isAdministration) == [true, false, false])
        let kinds = try changes.map { try $0.operations.map { try $0.object("o").string("op", in: "o") } }
        #expect(
            kinds == [
                ["add-team", "add-scope", "add-scope", "set-rule", "set-rule", "grant-role", "grant-role"],
                ["add-anchor", "set-policy"], ["add-fleet-team", "set-mode", "set-fleet-policy"],
            ])
    }

    @Test func `a fleet's policy that was changed by somebody is a difference, and so is one that is to be as new`()
        throws
    {
        let demo = try FleetName("demo")
        let present = PresentState(
            fleets: [try fleet([])],
            fleetPolicies: [FleetPolicyBody(fleet: demo, policy: FleetPolicy(floor: .audit))])
        for (document, differs): (JSON, Bool) in [
            (["kind": "FleetPolicy", "fleet": "demo", "floor": "audit"], false),
            (["kind": "FleetPolicy", "fleet": "demo", "floor": "permissive"], true),
            (["kind": "FleetPolicy", "fleet": "demo"], true),
        ] {
            let plan = try DeclarationPlan([try read(document)], present: present)
            #expect(signs(plan) == (differs ? ["~ policy of fleet demo"] : []), "\(document)")
        }
        let fresh = PresentState(fleets: [try fleet([])], fleetPolicies: [FleetPolicyBody(fleet: demo, policy: .none)])
        #expect(try fresh.declarations.count == 1)
    }

    @Test func `a second document about the same thing is refused`() throws {
        let team = try read(["kind": "Team", "name": "acme"])
        let error = try #require(throws: DeclarationError.self) {
            _ = try DeclarationPlan([team, team], present: PresentState())
        }
        #expect(error.code == .twice)
        #expect(error.reason.contains("team acme"))
    }

    struct Misread: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let document: JSON
        let says: String
    }

    @Test(arguments: [
        Misread(
            testDescription: "a kind that is none", document: ["kind": "Teem", "name": "acme"], says: "no kind \"Teem\""
        ),
        Misread(testDescription: "no kind", document: ["name": "acme"], says: "kind"),
        Misread(
            testDescription: "a member too many", document: ["kind": "Team", "name": "acme", "scope": []],
            says: "\"scope\""),
        Misread(testDescription: "a wrong type", document: ["kind": "Team", "name": 3], says: "x.yaml:1: Team.name"),
        Misread(testDescription: "a wrong name", document: ["kind": "Team", "name": "Acme"], says: "Acme"),
        Misread(
            testDescription: "a wrong word", document: ["kind": "Fleet", "name": "demo", "mode": "enforced"],
            says: "x.yaml:1: Fleet.mode is \"enforced\""),
        Misread(
            testDescription: "no store", document: ["kind": "Team", "name": "acme", "stores": ["prod"]],
            says: "\"prod\" is no store"),
    ])
    func `a document that is not of its form is refused with its place`(misread: Misread) throws {
        let error = try #require(throws: (any Error).self) { _ = try read(misread.document) }
        let text = (error as? any Problem).map { "\($0.reason) \($0.hint ?? "")" } ?? "\(error)"
        #expect(text.contains(misread.says), "\(text)")
    }

    @Test func `what a file does not mention is left alone, and pruning takes only what a declared thing owns`() throws
    {
        let present = PresentState(
            teams: [try team(["a.example", "b.example"], stores: ["prod"])], rules: [try rule("own")],
            fleets: [try fleet(["acme"])], bindings: [RoleBindingBody(id: 1, person: "alice", role: .trustAdmin)])
        let silent = try read(["kind": "Team", "name": "acme"])
        #expect(signs(try DeclarationPlan([silent], present: present, prunes: true)) == [])
        let one = try read(["kind": "Team", "name": "acme", "scopes": ["a.example"], "stores": []])
        #expect(signs(try DeclarationPlan([one], present: present)) == [])
        #expect(
            signs(try DeclarationPlan([one], present: present, prunes: true)) == ["- scope b.example of team acme"])
        let empty = try read(["kind": "Fleet", "name": "demo", "teams": []])
        #expect(signs(try DeclarationPlan([empty], present: present, prunes: true)) == ["- team acme in fleet demo"])
    }

    @Test func `a rule in another spelling is the same rule, and another number of approvals is not`() throws {
        let present = PresentState(rules: [try rule("own", subject: "C=US,O=Acme", types: ["ec", "rsa"])])
        var document = JSONObject([
            ("kind", "Rule"), ("name", "own"), ("team", "acme"), ("origins", ["own"]), ("effect", "allow"),
            ("conditions", ["subject": "C=US, O=Acme", "keyTypes": ["rsa", "ec", "ec"]]),
        ])
        #expect(signs(try DeclarationPlan([try read(.object(document))], present: present)) == [])
        document["approvals"] = 2
        let plan = try DeclarationPlan([try read(.object(document))], present: present)
        #expect(signs(plan) == ["~ rule own"])
        guard case .propose(let operation, nil, _)? = plan.differences.first?.step else {
            Issue.record("no proposal")
            return
        }
        #expect(try operation.object("o").bool("replaces", in: "o"))
    }

    @Test func `additions and removals of one team are different changes, and a waiting one is recognised`()
        async throws
    {
        let (old, new) = (try await root("old"), try await root("new"))
        let present = PresentState(teams: [try team(stores: ["prod"])], anchors: [try anchor(old)])
        let declared = try read([
            "kind": "Anchor", "team": "acme", "store": "ca/prod", "certificate": .string(new),
        ])
        let plan = try DeclarationPlan([declared], present: present, prunes: true)
        let changes = try plan.changes
        #expect(changes.map(\.operations.count) == [1, 1])
        let shown = try JSON(
            encoding: AddAnchorBody(
                kind: .ca, store: try TrustStoreName("prod"), certificate: "\n" + new, origin: .own))
        let acme = try TeamName("acme")
        let isWaiting = try changes[0].isAskedFor(by: acme, [shown])
        #expect(isWaiting)
        let isOther = try changes[0].isAskedFor(by: nil, [shown])
        #expect(!isOther)
        let isLess = try changes[0].isAskedFor(by: acme, [])
        #expect(!isLess)
    }

    @Test func `what cannot be changed is said, not proposed`() throws {
        let present = PresentState(fleets: [try fleet([])])
        let declared = try read(["kind": "Fleet", "name": "demo", "profile": "high"])
        let plan = try DeclarationPlan([declared], present: present)
        #expect(plan.differences.map(\.step) == [.impossible("a fleet keeps the profile that it was made with")])
        #expect(try plan.changes.isEmpty)
    }
}
