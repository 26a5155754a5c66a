/// One thing that somebody wants to do, with what it is done to.
package enum Permission: Sendable, Hashable, CustomStringConvertible {
    /// Teams, registry scopes, root rules, people and their roles: see them.
    case readGovernance
    /// Teams, registry scopes, root rules, people and their roles: change them.
    case administer
    /// Agree to what others want changed there.
    case approveAdministration
    case readTeam(TeamName)
    case createStore(TeamName)
    case propose(TeamName)
    case approveAdditions(TeamName)
    /// Agree to an addition that cannot wait for the approvals that the rules ask for.
    case approveBreakGlass(TeamName)
    /// Look afterwards at what went in so.
    case reviewBreakGlass(TeamName)
    /// Propose a removal that somebody else approves.
    case proposeRemoval(TeamName)
    /// Remove an anchor, or deny within the team's scopes, at once and alone.
    case remove(TeamName)
    case denyEverywhere
    /// Agree to a third party that a team asks for.
    case approveVendor(TeamName)
    /// Take a third party, or one of its anchors, from every team at once.
    case removeVendor
    /// A denial in one team's scopes, or one everywhere.
    case proposeLiftingDenial(TeamName?)
    case approveLiftingDenial(TeamName?)
    /// Say who signs a team's role.
    case proposeCustody(TeamName)
    case approveCustody(TeamName)
    /// Hold a key that signs for a team, and sign with it.
    case holdKey(TeamName)
    case readFleet(FleetName)
    /// What a fleet's hosts do: modes, members, settings.
    case proposeFleet(FleetName)
    case approveFleet(FleetName)
    case createFleet
    case operateFleet(FleetName)
    case endException(FleetName)
    case readAudit(RoleReach)
    case exportAudit(RoleReach)

    static let teamReaders: [PersonRole] = [.trustAdmin, .securityOfficer, .teamAdmin, .teamMember, .auditor]
    static let fleetReaders: [PersonRole] = [.trustAdmin, .securityOfficer, .fleetOperator, .auditor]

    /// The roles that hold it, as in the table of roles.
    package var roles: [PersonRole] {
        switch self {
        case .readGovernance: [.trustAdmin, .securityOfficer, .auditor]
        case .administer: [.trustAdmin]
        case .approveAdministration: [.trustAdmin, .securityOfficer]
        case .readTeam: Self.teamReaders
        case .createStore: [.trustAdmin, .teamAdmin]
        case .propose: [.trustAdmin, .teamAdmin, .teamMember]
        case .approveAdditions: [.trustAdmin, .securityOfficer, .teamAdmin]
        case .proposeRemoval: [.trustAdmin, .securityOfficer, .teamAdmin, .teamMember]
        case .remove: [.trustAdmin, .securityOfficer, .teamAdmin]
        case .denyEverywhere, .removeVendor: [.trustAdmin, .securityOfficer]
        case .approveVendor: [.trustAdmin, .securityOfficer, .teamAdmin]
        case .proposeLiftingDenial: [.securityOfficer, .teamAdmin]
        case .approveLiftingDenial, .approveCustody, .approveBreakGlass, .reviewBreakGlass:
            [.trustAdmin, .securityOfficer]
        case .proposeCustody: [.trustAdmin, .securityOfficer, .teamAdmin]
        case .holdKey: [.trustAdmin, .securityOfficer, .teamAdmin, .teamMember]
        case .readFleet: Self.fleetReaders
        case .proposeFleet: [.trustAdmin, .fleetOperator]
        case .approveFleet: [.trustAdmin, .securityOfficer]
        case .createFleet: [.trustAdmin, .fleetOperator]
        case .operateFleet: [.trustAdmin, .fleetOperator]
        case .endException: [.trustAdmin, .securityOfficer, .fleetOperator]
        case .readAudit(.everything): [.trustAdmin, .securityOfficer, .auditor]
        case .readAudit(.team): Self.teamReaders
        case .readAudit(.fleet): Self.fleetReaders
        case .exportAudit: [.auditor]
        }
    }

    /// What it is done to; a role must reach at least this far.
    package var target: RoleReach {
        switch self {
        case .readGovernance, .administer, .approveAdministration, .denyEverywhere, .createFleet,
            .approveBreakGlass, .reviewBreakGlass, .removeVendor:
            .everything
        case .readTeam(let team), .createStore(let team), .propose(let team), .approveAdditions(let team),
            .proposeRemoval(let team), .remove(let team), .proposeCustody(let team), .approveCustody(let team),
            .holdKey(let team), .approveVendor(let team):
            .team(team)
        case .proposeLiftingDenial(let team), .approveLiftingDenial(let team): team.map { .team($0) } ?? .everything
        case .readFleet(let fleet), .proposeFleet(let fleet), .approveFleet(let fleet), .operateFleet(let fleet),
            .endException(let fleet):
            .fleet(fleet)
        case .readAudit(let reach), .exportAudit(let reach): reach
        }
    }

    package var isRead: Bool {
        switch self {
        case .readGovernance, .readTeam, .readFleet, .readAudit, .exportAudit: true
        default: false
        }
    }

    /// Whether it is a person's consent, which no machine gives.
    package var isApproval: Bool {
        switch self {
        case .approveAdditions, .approveVendor, .approveBreakGlass, .reviewBreakGlass, .approveLiftingDenial,
            .approveCustody, .approveAdministration, .approveFleet, .holdKey:
            true
        default: false
        }
    }

    package var description: String {
        switch self {
        case .readGovernance: "see teams, scopes, rules and roles"
        case .administer: "change teams, scopes, rules and roles"
        case .approveAdministration: "approve changes of teams, scopes, rules and roles"
        case .readTeam(let team): "see team \(team)"
        case .createStore(let team): "create trust stores of team \(team)"
        case .propose(let team): "propose trust anchors of team \(team)"
        case .approveAdditions(let team): "approve additions of team \(team)"
        case .approveBreakGlass(let team): "approve additions of team \(team) by break-glass"
        case .reviewBreakGlass(let team): "review what team \(team) added by break-glass"
        case .proposeRemoval(let team): "propose the removal of trust anchors of team \(team)"
        case .remove(let team): "remove trust anchors of team \(team)"
        case .denyEverywhere: "deny everywhere"
        case .approveVendor(let team): "approve vendors that team \(team) asks for"
        case .removeVendor: "remove vendors and their anchors from every team"
        case .proposeLiftingDenial(let team?): "propose to lift a denial of team \(team)"
        case .proposeLiftingDenial(nil): "propose to lift a denial that holds everywhere"
        case .approveLiftingDenial(let team?): "approve lifting a denial of team \(team)"
        case .approveLiftingDenial(nil): "approve lifting a denial that holds everywhere"
        case .proposeCustody(let team): "propose who signs for team \(team)"
        case .approveCustody(let team): "approve who signs for team \(team)"
        case .holdKey(let team): "hold a key of team \(team)"
        case .readFleet(let fleet): "see fleet \(fleet)"
        case .proposeFleet(let fleet): "propose what the hosts of fleet \(fleet) do"
        case .approveFleet(let fleet): "approve what the hosts of fleet \(fleet) do"
        case .createFleet: "create fleets"
        case .operateFleet(let fleet): "operate fleet \(fleet)"
        case .endException(let fleet): "end what fleet \(fleet) lets pass by exception"
        case .readAudit(let reach): "read the audit log of \(reach)"
        case .exportAudit(let reach): "export the audit log of \(reach)"
        }
    }
}
