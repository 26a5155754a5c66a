package import Codecs

/// One person's answer to a change, with the roles that the person holds now.
package struct ChangeDecision: Sendable, Equatable {
    package let person: PersonID
    package let approves: Bool
    /// The digest of what the person saw.
    package let digest: String
    package let bindings: [RoleBinding]
    /// Teams that the person is of, also by groups whose word has ended: losing a role never adds weight.
    package let teams: Set<TeamName>

    package init(
        person: PersonID, approves: Bool, digest: String, bindings: [RoleBinding], teams: Set<TeamName> = []
    ) {
        self.person = person
        self.approves = approves
        self.digest = digest
        self.bindings = bindings
        self.teams = teams
    }
}

/// Why a change cannot go on.
package struct ChangeRefusal: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case ownProposal = "own-proposal"
        case forbidden
        case stale
        case expired
        case notOpen = "not-open"
        case alreadyDecided = "already-decided"
    }

    package let kind: Kind
    package let reason: String
    package let hint: String?
}

/// What a change still needs before it may be published.
package enum ChangeStanding: Sendable, Equatable {
    case waiting(missing: ApprovalsNeeded)
    case agreed
    case rejected
}

/// The rules of approval that nothing bends. Pure: the store asks them inside the transaction that acts on the answer.
package enum ChangeRules {
    package static let submittedLifetimeDays: Int64 = 14
    package static let draftLifetimeDays: Int64 = 90

    /// A change as these rules see it.
    package struct Facts: Sendable {
        package let number: Int64
        package let author: PersonID
        /// Absent for everything.
        package let team: TeamName?
        package let state: ChangeState
        package let digest: String
        package let expires: UTCDate
        /// What an approver must hold.
        package let approval: Permission
        /// The team that asks, whose people are no outsiders; nil where there is none.
        package let asking: TeamName?

        package init(
            number: Int64, author: PersonID, team: TeamName?, state: ChangeState, digest: String, expires: UTCDate,
            approval: Permission, asking: TeamName? = nil
        ) {
            self.number = number
            self.author = author
            self.team = team
            self.state = state
            self.digest = digest
            self.expires = expires
            self.approval = approval
            self.asking = asking ?? team
        }
    }

    /// Whether the author may publish it without anybody else: never what adds, else who may do all of it alone.
    package static func needsNobodyElse(
        _ content: ChangeContent, bindings: [RoleBinding], limits: TokenLimits
    ) -> Bool {
        guard let permissions = content.alone else { return false }
        return permissions.allSatisfy { Authorization.decide($0, bindings: bindings, limits: limits).isAllowed }
    }

    /// Whether the person may answer now; `digest` is of what the person saw.
    package static func refusal(
        of person: PersonID, bindings: [RoleBinding], limits: TokenLimits, approves: Bool, digest: String,
        on change: Facts, now: UTCDate
    ) -> ChangeRefusal? {
        if let refusal = refusalOfState(change, now: now) { return refusal }
        if approves, person == change.author {
            return ChangeRefusal(
                kind: .ownProposal, reason: "C-\(change.number) is your own proposal, and nobody approves their own",
                hint: "ask somebody else who may approve; the token that is used makes no difference")
        }
        guard limits.holder == .person else {
            return ChangeRefusal(
                kind: .forbidden, reason: "this token belongs to a machine, and machines never decide on changes",
                hint: "decide with a person's own token")
        }
        // Taking a proposal back is the author's too, by rejecting it.
        if case .denied(let reason, let hint) = Authorization.decide(
            change.approval, bindings: bindings, limits: limits)
        {
            return ChangeRefusal(kind: .forbidden, reason: reason, hint: hint)
        }
        guard digest == change.digest else {
            return ChangeRefusal(
                kind: .stale,
                reason: "C-\(change.number) is not what you looked at: it was edited since, or the digest "
                    + "is that of another change",
                hint: "see what changed: roadstead change show C-\(change.number)")
        }
        return nil
    }

    /// Where the change stands, counting only people who hold the role now, are not its author, and saw this content.
    package static func standing(
        of change: Facts, decisions: [ChangeDecision], needed: ApprovalsNeeded
    ) -> ChangeStanding {
        let counting = decisions.filter { $0.digest == change.digest }
        if counting.contains(where: { !$0.approves }) { return .rejected }
        let approvers = counting.filter {
            $0.person != change.author && Authorization.holds(change.approval, bindings: $0.bindings)
        }
        let people = Set(approvers.map(\.person))
        let officers = Set(approvers.filter { isOfficer($0.bindings, change.team) }.map(\.person))
        let missingOfficers = max(0, needed.securityOfficers - officers.count)
        let outsiders = Set(approvers.filter { isOutsider($0, change.asking) }.map(\.person))
        let missingOutsiders = max(0, needed.outsiders - outsiders.count)
        let missing = max(needed.count - people.count, missingOfficers, missingOutsiders)
        guard missing > 0,
            let rest = try? ApprovalsNeeded(
                count: missing, securityOfficers: missingOfficers, outsiders: missingOutsiders)
        else { return .agreed }
        return .waiting(missing: rest)
    }

    /// When the change ends by itself unless something becomes of it.
    package static func expiry(of state: ChangeState, from now: UTCDate) -> UTCDate {
        now.adding(days: state == .draft ? draftLifetimeDays : submittedLifetimeDays)
    }

    private static func isOfficer(_ bindings: [RoleBinding], _ team: TeamName?) -> Bool {
        let reach: RoleReach = team.map { .team($0) } ?? .everything
        return bindings.contains { $0.role == .securityOfficer && $0.reach.covers(reach) }
    }

    /// Whether none of the roles is one of the team that asks: what decides comes from elsewhere.
    private static func isOutsider(_ decision: ChangeDecision, _ team: TeamName?) -> Bool {
        guard let team else { return true }
        return !decision.teams.contains(team) && !decision.bindings.contains { $0.reach == .team(team) }
    }

    private static func refusalOfState(_ change: Facts, now: UTCDate) -> ChangeRefusal? {
        guard change.state != .expired, now < change.expires || !change.state.isOpen else {
            return ChangeRefusal(
                kind: .expired, reason: "C-\(change.number) expired at \(change.expires)",
                hint: "propose it again; what was agreed then no longer counts")
        }
        switch change.state {
        case .submitted: return nil
        case .approved, .published:
            return ChangeRefusal(
                kind: .alreadyDecided, reason: "C-\(change.number) is already \(change.state.rawValue)", hint: nil)
        default:
            return ChangeRefusal(
                kind: .notOpen, reason: "C-\(change.number) is \(change.state.rawValue), so nobody can decide on it",
                hint: change.state == .draft ? "its author submits it first" : "propose it again")
        }
    }
}
