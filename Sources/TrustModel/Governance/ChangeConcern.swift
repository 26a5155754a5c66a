/// What a change is about, which decides who proposes it and who agrees; one change has one concern.
package enum ChangeConcern: String, Sendable, Hashable {
    case anchors, denials, custody, renewal
}

extension ChangeOperation {
    package var concern: ChangeConcern {
        switch self {
        case .addAnchor, .removeAnchor: .anchors
        case .liftDenial: .denials
        case .setCustody: .custody
        case .renewRole: .renewal
        }
    }
}

extension ChangeContent {
    package var concern: ChangeConcern { operations.first?.concern ?? .anchors }

    /// What the author must hold, all of it.
    package var proposal: [Permission] {
        guard let team, concern != .denials else { return [.proposeLiftingDenial(team)] }
        switch concern {
        case .custody: return [.proposeCustody(team)]
        case .renewal: return [.propose(team)]
        case .anchors, .denials:
            let removes = operations.contains { !$0.adds }
            return (adds ? [.propose(team)] : []) + (removes ? [.proposeRemoval(team)] : [])
        }
    }

    /// What an approver must hold; a removal that was proposed is agreed to by who could have made it alone.
    package var approval: Permission {
        guard let team, concern != .denials else { return .approveLiftingDenial(team) }
        if concern == .custody { return .approveCustody(team) }
        return adds ? .approveAdditions(team) : .remove(team)
    }

    static func checkConcern(of operations: [ChangeOperation], _ team: TeamName?) throws(TrustModelError) {
        let concerns = Set(operations.map(\.concern))
        guard concerns.count == 1, let concern = concerns.first else {
            throw TrustModelError(
                .document, "a change mixes \(concerns.map(\.rawValue).sorted().joined(separator: " and "))",
                hint: "propose them apart: different people agree to them")
        }
        guard team != nil || concern == .denials else {
            throw TrustModelError(.document, "a change of \(concern.rawValue) names no team", hint: "say which one")
        }
        guard operations.count == 1 || ![.custody, .renewal].contains(concern) else {
            throw TrustModelError(.document, "a change sets or renews one thing twice", hint: "leave one of them out")
        }
    }
}
