package import Codecs
package import RoadsteadWire
package import TrustModel

/// One difference between the files and the server, and what ends it.
package struct PlannedDifference: Sendable, Equatable {
    package enum Sign: String, Sendable {
        case add = "+"
        case change = "~"
        case remove = "-"
    }

    /// What is done about it.
    package enum Step: Sendable, Equatable {
        /// A change that others may have to agree to; `reach` keeps apart what different people decide.
        case propose(JSON, team: TeamName?, reach: String)
        /// Done by the caller alone.
        case makeStore(TrustStoreID)
        case makeFleet(FleetRequest)
        /// The files ask for what cannot be; said to the caller.
        case impossible(String)
    }

    package let sign: Sign
    package let what: String
    package let step: Step
    /// Teams and fleets that must be there first and are not yet.
    package let needs: [String]

    package var isAdministration: Bool {
        if case .propose(_, nil, "administration") = step { true } else { false }
    }
}

/// What it takes to make a server as the files say. Pure: files and present state in, steps out.
package struct DeclarationPlan: Sendable, Equatable {
    package private(set) var differences: [PlannedDifference] = []

    private let present: PresentState
    private let prunes: Bool
    private let declared: [Declaration]

    package static func == (lhs: Self, rhs: Self) -> Bool { lhs.differences == rhs.differences }

    /// - Parameter prunes: also takes away what declared teams and fleets have beside what the files say, and rules and
    ///   role bindings that no file names where any file names one. Teams, stores and fleets as such always stay.
    package init(_ declared: [Declaration], present: PresentState, prunes: Bool = false) throws {
        (self.declared, self.present, self.prunes) = (declared, present, prunes)
        var seen: Set<String> = []
        for declaration in declared where !seen.insert(declaration.subject).inserted {
            throw DeclarationError(.twice, "two documents speak of \(declaration.subject)")
        }
        for declaration in declared {
            switch declaration {
            case .team(let team): add(team)
            case .rule(let rule): try add(rule)
            case .anchor(let anchor): add(anchor)
            case .policy(let policy): try add(policy)
            case .fleet(let fleet): add(fleet)
            case .fleetPolicy(let policy): try add(policy)
            case .roleBinding(let binding): add(binding)
            }
        }
        if prunes { pruneRules() }
        if prunes { pruneAnchors() }
        if prunes { pruneBindings() }
    }

    /// Such as `2 to add, 1 to change, 0 to remove`.
    package var summary: String {
        func count(_ sign: PlannedDifference.Sign) -> Int { differences.count { $0.sign == sign } }
        return "\(count(.add)) to add, \(count(.change)) to change, \(count(.remove)) to remove"
    }

    // MARK: Teams

    private mutating func add(_ team: DeclaredTeam) {
        let there = present.teams.first { $0.name == team.name }
        let name = JSON.string(team.name.rawValue)
        if let there, let displayName = team.displayName, displayName != there.displayName {
            note(
                .change, "team \(team.name): display name \(displayName)", .impossible("a team keeps its display name"))
        }
        if there == nil {
            administer(
                .add, "team \(team.name)",
                ["op": "add-team", "team": name, "displayName": .string(team.displayName ?? team.name.rawValue)])
        }
        let needs = there == nil ? ["team \(team.name)"] : []
        for scope in team.scopes ?? [] where there?.scopes.contains(scope) != true {
            administer(
                .add, "scope \(scope) of team \(team.name)",
                ["op": "add-scope", "team": name, "scope": .string(scope.rawValue)])
        }
        let stores = there?.stores.map { DeclaredStore(kind: $0.kind, name: $0.name) } ?? []
        for store in team.stores ?? [] where !stores.contains(store) {
            note(
                .add, "store \(store) of team \(team.name)",
                .makeStore(TrustStoreID(team: team.name, kind: store.kind, name: store.name)), needs: needs)
        }
        guard prunes, let scopes = team.scopes else { return }
        for scope in there?.scopes ?? [] where !scopes.contains(scope) {
            administer(
                .remove, "scope \(scope) of team \(team.name)",
                ["op": "remove-scope", "team": name, "scope": .string(scope.rawValue)])
        }
    }

    // MARK: Rules

    private mutating func add(_ rule: DeclaredRule) throws {
        let there = try present.rules.first { $0.name == rule.name }.map { try DeclaredRule($0) }
        guard there != rule else { return }
        administer(
            there == nil ? .add : .change, "rule \(rule.name)",
            ["op": "set-rule", "replaces": .bool(there != nil), "rule": try JSON(encoding: rule.rule)])
    }

    private mutating func pruneRules() {
        let names = declared.compactMap { if case .rule(let rule) = $0 { rule.name } else { nil } }
        guard !names.isEmpty else { return }
        for rule in present.rules where !names.contains(rule.name) {
            administer(.remove, "rule \(rule.name)", ["op": "remove-rule", "rule": .string(rule.name)])
        }
    }

    // MARK: Anchors and policies

    private mutating func add(_ anchor: DeclaredAnchor) {
        let isThere = present.anchors.contains { Self.isSame($0, anchor) }
        guard !isThere else { return }
        var operation = JSONObject([
            ("op", "add-anchor"), ("kind", .string(anchor.store.kind.rawValue)),
            ("store", .string(anchor.store.name.rawValue)), ("certificate", .string(anchor.certificate)),
            ("origin", .string(anchor.origin.rawValue)),
        ])
        if let review = anchor.reviewBy { operation["reviewBy"] = .string(review.description) }
        note(
            .add, "anchor \(anchor.sha256.prefix(16)) in \(anchor.team)/\(anchor.store)",
            .propose(.object(operation), team: anchor.team, reach: "additions of team \(anchor.team)"),
            needs: missing(anchor.team))
    }

    private static func isSame(_ body: AnchorBody, _ anchor: DeclaredAnchor) -> Bool {
        body.team == anchor.team && body.kind == anchor.store.kind && body.store == anchor.store.name
            && body.sha256 == anchor.sha256
    }

    /// Within teams of which the files name an anchor.
    private mutating func pruneAnchors() {
        let anchors = declared.compactMap { if case .anchor(let anchor) = $0 { anchor } else { nil } }
        let teams = Set(anchors.map(\.team))
        for body in present.anchors where teams.contains(body.team) {
            guard !anchors.contains(where: { Self.isSame(body, $0) }) else { continue }
            note(
                .remove, "anchor \(body.sha256.prefix(16)) in \(body.team)/\(body.kind.rawValue)/\(body.store)",
                .propose(
                    ["op": "remove-anchor", "anchor": .integer(body.id)], team: body.team,
                    reach: "removals of team \(body.team)"))
        }
    }

    private mutating func add(_ policy: DeclaredPolicy) throws {
        let there = present.policies.first { $0.team == policy.team && !$0.standard }?.statements
        guard there != policy.statements else { return }
        var operation = JSONObject([("op", "set-policy")])
        if let statements = policy.statements { operation["statements"] = try JSON(encoding: statements) }
        note(
            there == nil ? .add : .change, "policy of team \(policy.team)",
            .propose(.object(operation), team: policy.team, reach: "additions of team \(policy.team)"),
            needs: missing(policy.team))
    }

    // MARK: Fleets

    private mutating func add(_ fleet: DeclaredFleet) {
        let there = present.fleets.first { $0.name == fleet.name }
        let (name, reach) = (JSON.string(fleet.name.rawValue), "fleet \(fleet.name)")
        if there == nil {
            note(
                .add, "fleet \(fleet.name)",
                .makeFleet(FleetRequest(name: fleet.name, displayName: fleet.displayName, profile: fleet.profile)))
        }
        if let there, let profile = fleet.profile, profile != there.profile {
            note(
                .change, "fleet \(fleet.name): profile \(profile.rawValue)",
                .impossible("a fleet keeps the profile that it was made with"))
        }
        for team in fleet.teams ?? [] where there?.teams.contains(team) != true {
            propose(
                .add, "team \(team) in fleet \(fleet.name)",
                ["op": "add-fleet-team", "fleet": name, "team": .string(team.rawValue)], reach: reach,
                needs: missing(team))
        }
        if let mode = fleet.mode, mode != there?.mode ?? .observe {
            propose(
                .change, "fleet \(fleet.name): mode \(mode.rawValue)",
                ["op": "set-mode", "fleet": name, "mode": .string(mode.rawValue)], reach: reach)
        }
        guard prunes, let teams = fleet.teams else { return }
        for team in there?.teams ?? [] where !teams.contains(team) {
            propose(
                .remove, "team \(team) in fleet \(fleet.name)",
                ["op": "remove-fleet-team", "fleet": name, "team": .string(team.rawValue)], reach: reach)
        }
    }

    private mutating func add(_ declared: DeclaredFleetPolicy) throws {
        let body = present.fleetPolicies.first { $0.fleet == declared.fleet }
        let there = body.map { DeclaredFleetPolicy($0).policy } ?? FleetPolicy.none
        let policy = declared.policy
        guard there != policy else { return }
        let operation = ChangeOperation.governed(try SetFleetPolicy(fleet: declared.fleet, policy: policy))
        let teams = Set(policy.statements.flatMap(\.stores).map(\.team)).sorted()
        propose(
            there == FleetPolicy.none ? .add : .change, "policy of fleet \(declared.fleet)",
            try JSON(encoding: operation), reach: "fleet \(declared.fleet)", needs: teams.flatMap(missing))
    }

    // MARK: Roles

    private mutating func add(_ binding: DeclaredBinding) {
        guard !present.bindings.contains(where: { DeclaredBinding($0) == binding }) else { return }
        administer(
            .add, "role \(binding.subject)",
            [
                "op": "grant-role", "person": .string(binding.person), "role": .string(binding.role.rawValue),
                "reach": .string(binding.reach),
            ])
    }

    private mutating func pruneBindings() {
        let bindings = declared.compactMap { if case .roleBinding(let binding) = $0 { binding } else { nil } }
        guard !bindings.isEmpty else { return }
        for body in present.bindings where !bindings.contains(DeclaredBinding(body)) {
            guard let id = body.id else { continue }
            note(
                .remove, "role \(DeclaredBinding(body).subject)",
                .propose(["op": "revoke-role", "binding": .integer(id)], team: nil, reach: "revocations"))
        }
    }

    // MARK: Steps

    /// Teams are made in the same change as what is given to them, so that only other changes have to wait for them.
    private mutating func administer(_ sign: PlannedDifference.Sign, _ what: String, _ operation: JSON) {
        note(sign, what, .propose(operation, team: nil, reach: "administration"))
    }

    private mutating func propose(
        _ sign: PlannedDifference.Sign, _ what: String, _ operation: JSON, reach: String, needs: [String] = []
    ) {
        note(sign, what, .propose(operation, team: nil, reach: reach), needs: needs)
    }

    private mutating func note(
        _ sign: PlannedDifference.Sign, _ what: String, _ step: PlannedDifference.Step, needs: [String] = []
    ) {
        differences.append(PlannedDifference(sign: sign, what: what, step: step, needs: needs))
    }

    private func missing(_ team: TeamName?) -> [String] {
        guard let team, !present.teams.contains(where: { $0.name == team }) else { return [] }
        return ["team \(team)"]
    }
}
