import Codecs
import SigningKeys
import Testing
import TrustModel

/// The table of roles for every kind of operation: who proposes it, who agrees to it, and who does it alone.
///
/// A kind without a row fails; so does any cell that is not as the table says, and any role that reaches elsewhere.
@Suite struct OperationMatrixTests {
    /// A role, and whether it reaches everything or only what the operation is about.
    enum Holder: String, Sendable, CaseIterable {
        case trustAdmin, officer, teamOfficer, teamAdmin, teamMember, fleetSteward, oneFleetSteward
        case auditor, teamAuditor, fleetAuditor

        func binding(_ team: TeamName, _ fleet: FleetName) throws -> RoleBinding {
            switch self {
            case .trustAdmin: try RoleBinding(.trustAdmin, .everything)
            case .officer: try RoleBinding(.securityOfficer, .everything)
            case .teamOfficer: try RoleBinding(.securityOfficer, .team(team))
            case .teamAdmin: try RoleBinding(.teamAdmin, .team(team))
            case .teamMember: try RoleBinding(.teamMember, .team(team))
            case .fleetSteward: try RoleBinding(.fleetOperator, .everything)
            case .oneFleetSteward: try RoleBinding(.fleetOperator, .fleet(fleet))
            case .auditor: try RoleBinding(.auditor, .everything)
            case .teamAuditor: try RoleBinding(.auditor, .team(team))
            case .fleetAuditor: try RoleBinding(.auditor, .fleet(fleet))
            }
        }
    }

    struct Entry {
        let operation: ChangeOperation
        /// Whether its change is made for a team.
        let ofTeam: Bool
        let propose: Set<Holder>
        let approve: Set<Holder>
        let alone: Set<Holder>

        init(
            _ operation: ChangeOperation, ofTeam: Bool = false, propose: Set<Holder>, approve: Set<Holder>,
            alone: Set<Holder> = []
        ) {
            self.operation = operation
            self.ofTeam = ofTeam
            self.propose = propose
            self.approve = approve
            self.alone = alone
        }

        init(
            _ operation: some GovernedOperation, ofTeam: Bool = false, propose: Set<Holder>, approve: Set<Holder>,
            alone: Set<Holder> = []
        ) {
            self.init(.governed(operation), ofTeam: ofTeam, propose: propose, approve: approve, alone: alone)
        }

        func content(_ team: TeamName) throws -> ChangeContent {
            try ChangeContent(team: ofTeam ? team : nil, operations: [operation], justification: "needed")
        }
    }

    static let everybody = Set(Holder.allCases)
    static let ownTeam: Set<Holder> = [.trustAdmin, .teamAdmin, .teamMember]
    static let additions: Set<Holder> = [.trustAdmin, .officer, .teamOfficer, .teamAdmin]
    static let central: Set<Holder> = [.trustAdmin, .officer]
    static let centralOrTeamOfficer: Set<Holder> = [.trustAdmin, .officer, .teamOfficer]
    static let stewards: Set<Holder> = [.trustAdmin, .fleetSteward, .oneFleetSteward]
    static let pausers: Set<Holder> = [.trustAdmin, .officer, .fleetSteward, .oneFleetSteward]

    private let acme = TeamName.sample("acme")
    private let prod = FleetName.sample("prod")

    /// The table, in the order of the kinds.
    private func table() throws -> [Entry] {
        try ofAnchors() + ofDenialsAndCustody() + ofAdministration() + ofFleets() + ofVendorsAndExceptions()
    }

    private func ofAnchors() throws -> [Entry] {
        let addition = AnchorAddition(
            kind: .ca, store: try TrustStoreName("prod"), certificate: [0x30, 0x00], origin: .own, owner: "acme")
        let store = TeamPolicy.StoreReference(kind: .ca, name: try TrustStoreName("prod"))
        return [
            Entry(.addAnchor(addition), ofTeam: true, propose: Self.ownTeam, approve: Self.additions),
            Entry(
                .removeAnchor(id: 1), ofTeam: true, propose: Self.additions.union(Self.ownTeam),
                approve: Self.additions, alone: Self.additions),
            Entry(
                SetPolicy(statements: nil), ofTeam: true, propose: Self.ownTeam, approve: Self.additions),
            Entry(
                UseVendor(vendor: vendorName(), store: store), ofTeam: true, propose: Self.ownTeam,
                approve: Self.additions),
            Entry(
                StopVendor(vendor: vendorName(), store: store), ofTeam: true,
                propose: Self.additions.union(Self.ownTeam), approve: Self.additions, alone: Self.additions),
        ]
    }

    private func ofDenialsAndCustody() throws -> [Entry] {
        [
            Entry(
                .liftDenial(id: 1), ofTeam: true, propose: [.officer, .teamOfficer, .teamAdmin],
                approve: Self.centralOrTeamOfficer),
            Entry(.liftDenial(id: 1), propose: [.officer], approve: Self.central),
            Entry(
                .setCustody(try CustodySetting(.server)), ofTeam: true, propose: Self.additions,
                approve: Self.centralOrTeamOfficer),
            Entry(.renewRole, ofTeam: true, propose: Self.ownTeam, approve: Self.additions),
        ]
    }

    private func ofAdministration() throws -> [Entry] {
        let scope = try RegistryScope("registry.example.com/acme")
        let binding = try RoleBinding(.teamAdmin, .team(acme))
        let issuer = try IssuerURL("https://id.example.com")
        let group = try GroupName("pki")
        let refusing = try RootRule(
            name: "own/no", team: acme, conditions: .init(origins: [.own]), effect: .deny(reason: "no"))
        let allowing = try RootRule(
            name: "own/yes", team: acme, conditions: .init(origins: [.own]), effect: .allow(.one))
        func governed(_ operation: some GovernedOperation, alone: Set<Holder> = []) -> Entry {
            Entry(operation, propose: [.trustAdmin], approve: Self.central, alone: alone)
        }
        return [
            governed(AddTeam(team: acme, displayName: "Acme")), governed(RemoveTeam(team: acme)),
            governed(AddScope(team: acme, scope: scope)), governed(RemoveScope(team: acme, scope: scope)),
            governed(SetRule(rule: allowing)), governed(SetRule(rule: refusing)),
            governed(SetRule(rule: allowing, replaces: false)),
            governed(SetRule(rule: refusing, replaces: false), alone: [.trustAdmin]),
            governed(try RemoveRule(rule: "own/yes")), governed(try GrantRole(person: "bob", binding)),
            governed(RevokeRole(binding: 1), alone: [.trustAdmin]),
            governed(SetAnchorLimit(team: acme, limit: .never)), governed(SetAnchorLimit(team: acme, limit: .always)),
            governed(SetGroupRole(issuer: issuer, group: group, binding: binding)),
            governed(RemoveGroupRole(issuer: issuer, group: group, binding: binding), alone: [.trustAdmin]),
            Entry(
                LinkIdentity(issuer: issuer, subject: try IdentitySubject("4711"), holder: .person),
                propose: Self.everybody, approve: Self.central),
        ]
    }

    private func ofFleets() throws -> [Entry] {
        func governed(_ operation: some FleetOperation) -> Entry {
            Entry(operation, propose: Self.stewards, approve: Self.central)
        }
        return [
            governed(SetMode(fleet: prod, mode: .observe)), governed(SetMode(fleet: prod, mode: .enforce)),
            governed(AddFleetTeam(fleet: prod, team: acme)), governed(RemoveFleetTeam(fleet: prod, team: acme)),
            governed(SetFleetSettings(fleet: prod, options: .standard)),
            governed(try SetFleetPolicy(fleet: prod, policy: FleetPolicy())),
        ]
    }

    private func ofVendorsAndExceptions() throws -> [Entry] {
        let certificate: [UInt8] = [0x30, 0x00]
        let digest = Hex.encode(HashAlgorithm.sha256.digest(of: certificate))
        let vendor = try SetVendor(
            vendor: vendorName(), askedBy: acme,
            details: VendorDetails(
                displayName: "Azure", contact: "pki@example.com", source: "https://example.com/pki", reviewBy: now),
            anchors: [VendorAnchor(kind: .ca, certificate: certificate, typed: digest)])
        let subject = try PolicyException.Subject(digest: "sha256:\(digest)", scope: nil)
        return [
            Entry(vendor, propose: Self.ownTeam, approve: Self.additions),
            Entry(
                RemoveVendor(vendor: vendorName()), propose: Self.central, approve: Self.central, alone: Self.central),
            Entry(
                RemoveVendorAnchor(vendor: vendorName(), fingerprint: digest), propose: Self.central,
                approve: Self.central, alone: Self.central),
            Entry(
                try AddException(fleet: prod, subject: subject, owner: "ops"), propose: Self.stewards,
                approve: Self.central),
            Entry(
                try AddException(fleet: prod, subject: subject, owner: "ops", team: acme), propose: Self.ownTeam,
                approve: Self.central),
            Entry(
                EndException(fleet: prod, exception: 1), propose: Self.pausers, approve: Self.pausers,
                alone: Self.pausers),
        ]
    }

    // MARK: The matrix

    @Test func `every kind of operation has a row`() throws {
        let rows = Set(try table().map(\.operation.kind))
        #expect(OperationKind.allCases.filter { !rows.contains($0) }.map(\.rawValue) == [])
    }

    @Test func `who proposes, agrees and acts alone is as the table says, cell by cell`() throws {
        for entry in try table() {
            let content = try entry.content(acme)
            for holder in Holder.allCases {
                let cell = "\(holder): \(entry.operation.kind.rawValue)\(entry.ofTeam ? " of a team" : "")"
                let held = [try holder.binding(acme, prod)]
                #expect(proposes(content, held) == entry.propose.contains(holder), "\(cell), propose")
                #expect(approves(content, held) == entry.approve.contains(holder), "\(cell), approve")
                #expect(alone(content, held) == entry.alone.contains(holder), "\(cell), alone")
            }
        }
    }

    @Test func `a role on another team or fleet does nothing`() throws {
        let (other, lab) = (TeamName.sample("other"), FleetName.sample("lab"))
        for entry in try table() where entry.operation.kind != .linkIdentity {
            let content = try entry.content(acme)
            for holder in Holder.allCases {
                let held = [try holder.binding(other, lab)]
                guard held[0].reach != .everything else { continue }
                let cell = "\(holder) elsewhere: \(entry.operation.kind.rawValue)"
                #expect(!proposes(content, held), "\(cell), propose")
                #expect(!approves(content, held), "\(cell), approve")
                #expect(!alone(content, held), "\(cell), alone")
            }
        }
    }

    @Test func `nobody agrees to their own, and no machine agrees or acts by a token that reads`() throws {
        let all = try Holder.allCases.map { try $0.binding(acme, prod) }
        let reading = TokenLimits(access: .read, holder: .person)
        let machine = TokenLimits(access: .write, holder: .machine)
        for entry in try table() {
            let content = try entry.content(acme)
            let kind = entry.operation.kind.rawValue
            #expect(approves(content, all), "\(kind)")
            #expect(!approves(content, all, by: 1), "\(kind), own")
            #expect(!approves(content, all, limits: machine), "\(kind), machine")
            #expect(!approves(content, all, limits: reading), "\(kind), reading")
            #expect(!ChangeRules.needsNobodyElse(content, bindings: all, limits: reading), "\(kind), alone")
        }
    }

    @Test func `what adds is never done alone, whatever somebody holds`() throws {
        let all = try Holder.allCases.map { try $0.binding(acme, prod) }
        for entry in try table() where entry.operation.adds {
            #expect(!alone(try entry.content(acme), all), "\(entry.operation.kind.rawValue)")
        }
    }

    @Test func `break-glass takes a trust administrator or an officer on everything, for anchors alone`() throws {
        let breakGlass = BreakGlass(until: now.adding(days: 1), reason: "the CA is on fire")
        for entry in try table() {
            let content = try? ChangeContent(
                team: entry.ofTeam ? acme : nil, operations: [entry.operation], justification: "needed",
                breakGlass: breakGlass)
            #expect((content != nil) == (entry.operation.kind == .addAnchor), "\(entry.operation.kind.rawValue)")
            guard let content else { continue }
            for holder in Holder.allCases {
                let held = [try holder.binding(acme, prod)]
                #expect(approves(content, held) == Self.central.contains(holder), "\(holder)")
            }
        }
    }

    // MARK: What the server asks

    private func proposes(_ content: ChangeContent, _ bindings: [RoleBinding]) -> Bool {
        content.proposal.allSatisfy { Authorization.decide($0, bindings: bindings).isAllowed }
    }

    private func alone(_ content: ChangeContent, _ bindings: [RoleBinding]) -> Bool {
        ChangeRules.needsNobodyElse(content, bindings: bindings, limits: .unlimited)
    }

    /// Both when the approval is given and when it is counted, which never differ for an unlimited token.
    private func approves(
        _ content: ChangeContent, _ bindings: [RoleBinding], by person: Int64 = 2, limits: TokenLimits = .unlimited
    ) -> Bool {
        let person = PersonID(rawValue: person)
        let facts = ChangeRules.Facts(
            number: 7, author: PersonID(rawValue: 1), team: content.team, state: .submitted, digest: "d",
            expires: now.adding(days: 14), approval: content.approval, asking: content.asking)
        let isTaken =
            ChangeRules.refusal(
                of: person, bindings: bindings, limits: limits, approves: true, digest: "d", on: facts, now: now) == nil
        guard limits == .unlimited else { return isTaken }
        let decision = ChangeDecision(person: person, approves: true, digest: "d", bindings: bindings)
        let counts = ChangeRules.standing(of: facts, decisions: [decision], needed: .one) == .agreed
        #expect(counts == isTaken)
        return isTaken && counts
    }
}

extension TeamName {
    fileprivate static func sample(_ name: String) -> TeamName {
        guard let name = try? TeamName(name) else { preconditionFailure("\(name) is no team's name") }
        return name
    }
}

extension FleetName {
    fileprivate static func sample(_ name: String) -> FleetName {
        guard let name = try? FleetName(name) else { preconditionFailure("\(name) is no fleet's name") }
        return name
    }
}
