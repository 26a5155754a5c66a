/// What a change is about, which decides who proposes it and who agrees; one change has one concern.
package enum ChangeConcern: String, Sendable, Hashable, CaseIterable {
    /// What a team trusts: its anchors, statements and the vendors that it uses.
    case anchors
    case denials, custody, renewal
    /// Teams, registry scopes, root rules, people and their roles.
    case administration
    /// What a fleet's hosts do: modes, members, settings.
    case fleets
    case vendors, exceptions

    /// Whether a change of it is about one team.
    var needsTeam: Bool { [.anchors, .custody, .renewal].contains(self) }
}

extension ChangeOperation {
    package var concern: ChangeConcern {
        switch self {
        case .addAnchor, .removeAnchor: .anchors
        case .liftDenial: .denials
        case .setCustody: .custody
        case .renewRole: .renewal
        case .governed(let step): type(of: step.operation).concern
        }
    }

    /// What its author must hold, all of it.
    fileprivate func proposal(in team: TeamName?) -> [Permission] {
        if case .governed(let step) = self { return step.operation.proposal(in: team) }
        guard let team, concern != .denials else { return [.proposeLiftingDenial(team)] }
        return switch self {
        case .setCustody: [.proposeCustody(team)]
        case .removeAnchor: [.proposeRemoval(team)]
        default: [.propose(team)]
        }
    }

    /// What an approver of it must hold.
    fileprivate func approval(in team: TeamName?) -> Permission {
        if case .governed(let step) = self { return step.operation.approval(in: team) }
        guard let team, concern != .denials else { return .approveLiftingDenial(team) }
        return switch self {
        case .setCustody: .approveCustody(team)
        case .removeAnchor: .remove(team)
        default: .approveAdditions(team)
        }
    }

    /// The team that asks for it.
    fileprivate var asking: TeamName? {
        if case .governed(let step) = self { step.operation.asking } else { nil }
    }

    /// What lets somebody do it alone; nil where nobody may.
    fileprivate func alone(in team: TeamName?) -> Permission? {
        switch self {
        case .removeAnchor: team.map { .remove($0) }
        case .governed(let step) where !step.operation.adds: step.operation.alone(in: team)
        default: nil
        }
    }
}

extension ChangeContent {
    package var concern: ChangeConcern { operations.first?.concern ?? .anchors }

    /// The one fleet that it is about; nil for others.
    package var fleet: FleetName? {
        for case .governed(let step) in operations { if let fleet = step.operation.concernedFleet { return fleet } }
        return nil
    }

    /// What the author must hold, all of it.
    package var proposal: [Permission] {
        operations.flatMap { $0.proposal(in: team) }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// What an approver must hold: that of what adds, else of who could have done it alone.
    package var approval: Permission {
        if breakGlass != nil, let team { return .approveBreakGlass(team) }
        let deciding = operations.first(where: \.adds) ?? operations[0]
        return deciding.approval(in: team)
    }

    /// The team whose people are no outsiders to it.
    package var asking: TeamName? { team ?? operations.lazy.compactMap(\.asking).first }

    /// What lets the author do it without anybody else, all of it; nil where nobody may.
    package var alone: [Permission]? {
        if adds { return nil }
        let permissions = operations.map { $0.alone(in: team) }
        return permissions.contains(nil) ? nil : permissions.compactMap(\.self)
    }

    static func checkConcern(of operations: [ChangeOperation], _ team: TeamName?) throws(TrustModelError) {
        let concerns = Set(operations.map(\.concern))
        guard concerns.count == 1, let concern = concerns.first else {
            throw TrustModelError(
                .document, "a change mixes \(concerns.map(\.rawValue).sorted().joined(separator: " and "))",
                hint: "propose them apart: different people agree to them")
        }
        guard Set(operations.filter(\.adds).map { $0.approval(in: team) }).count <= 1 else {
            throw TrustModelError(
                .document, "a change holds operations that different people agree to", hint: "propose them apart")
        }
        guard Set(operations.compactMap(\.asking)).count <= 1 else {
            throw TrustModelError(
                .document, "a change holds what several teams ask for", hint: "propose it apart for each")
        }
        guard team != nil || !concern.needsTeam else {
            throw TrustModelError(.document, "a change of \(concern.rawValue) names no team", hint: "say which one")
        }
        guard team == nil || concern.needsTeam || concern == .denials else {
            throw TrustModelError(
                .document, "a change of \(concern.rawValue) is made for a team", hint: "leave the team out")
        }
        guard operations.count == 1 || ![.custody, .renewal].contains(concern) else {
            throw TrustModelError(.document, "a change sets or renews one thing twice", hint: "leave one of them out")
        }
    }
}
