import Codecs
package import RoadsteadWire
import TrustModel

/// What a server has now, as far as declarations speak of it.
package struct PresentState: Sendable {
    package let teams: [TeamBody]
    package let rules: [RootRuleBody]
    /// Those in force.
    package let anchors: [AnchorBody]
    package let policies: [PolicyBody]
    package let fleets: [FleetBody]
    package let fleetPolicies: [FleetPolicyBody]
    package let bindings: [RoleBindingBody]

    package init(
        teams: [TeamBody] = [], rules: [RootRuleBody] = [], anchors: [AnchorBody] = [], policies: [PolicyBody] = [],
        fleets: [FleetBody] = [], fleetPolicies: [FleetPolicyBody] = [], bindings: [RoleBindingBody] = []
    ) {
        self.teams = teams
        self.rules = rules
        // What comes through a vendor, or ends by itself, is not a team's to declare.
        self.anchors = anchors.filter { $0.removed == nil && $0.vendor == nil && $0.until == nil }
        self.policies = policies
        self.fleets = fleets
        self.fleetPolicies = fleetPolicies
        self.bindings = bindings
    }

    /// The documents that say all this, in the order in which a new server would need them.
    ///
    /// Anchors appear where their certificates were asked for.
    package var declarations: [Declaration] {
        get throws {
            teams.map { .team(DeclaredTeam($0)) }
                + (try rules.map { .rule(try DeclaredRule($0)) })
                + (try anchors.compactMap { try DeclaredAnchor($0).map(Declaration.anchor) })
                + policies.filter { !$0.standard }.map {
                    .policy(DeclaredPolicy(team: $0.team, statements: $0.statements))
                }
                + fleets.map { .fleet(DeclaredFleet($0)) }
                + fleetPolicies.map(DeclaredFleetPolicy.init).filter { $0.policy != .none }.map { .fleetPolicy($0) }
                + bindings.map { .roleBinding(DeclaredBinding($0)) }
        }
    }
}

extension DeclaredTeam {
    init(_ body: TeamBody) {
        self.init(
            name: body.name, displayName: body.displayName, scopes: body.scopes.sorted(),
            stores: body.stores.map { DeclaredStore(kind: $0.kind, name: $0.name) }
                .sorted { $0.description < $1.description })
    }
}

extension DeclaredAnchor {
    init?(_ body: AnchorBody) throws {
        guard let certificate = body.certificate else { return nil }
        try self.init(
            team: body.team, store: DeclaredStore(kind: body.kind, name: body.store), origin: body.origin,
            certificate: certificate, reviewBy: body.reviewBy)
    }
}

extension DeclaredFleet {
    init(_ body: FleetBody) {
        self.init(
            name: body.name, displayName: body.displayName, profile: body.profile, mode: body.mode,
            teams: body.teams.sorted())
    }
}

extension DeclaredFleetPolicy {
    init(_ body: FleetPolicyBody) {
        self.init(
            fleet: body.fleet, statements: body.statements, standardLevel: body.standardLevel, floor: body.floor)
    }
}

extension DeclaredBinding {
    init(_ body: RoleBindingBody) {
        self.init(person: body.person, role: body.role, team: body.team, fleet: body.fleet)
    }
}
