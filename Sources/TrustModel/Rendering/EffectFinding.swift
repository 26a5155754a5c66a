/// What somebody has to know of a change's effect on a fleet before it is published.
package struct EffectFinding: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Hosts would take nothing new of a team.
        case unusable
        /// A team's targets would be larger than hosts take.
        case oversize
        /// A statement that Notation would fail on, or a scope of it that is not the team's.
        case statement
        /// A statement asks less than the fleet's floor.
        case floor
        /// A scope that two teams would claim.
        case contested
        /// A statement refers to stores that hold nothing, so that its scopes reject.
        case emptyStore = "empty-store"
        /// More repositories than enforcers with exact names are given.
        case repositories
        /// Images that one team spoke for fall to another.
        case handover
        /// An anchor that has expired.
        case expired
        /// An anchor that expires within 30 days.
        case expiring
        /// An anchor in two stores of a team.
        case twice
        /// An anchor that hosts leave out.
        case anchor
        /// Something that an enforcer cannot do, or a statement that reaches no known repository.
        case notEnforced = "not-enforced"
        case other
    }

    package let kind: Kind
    package let team: TeamName?
    /// Lower case start, no full stop.
    package let text: String
    package let hint: String?

    package init(_ kind: Kind, team: TeamName? = nil, _ text: String, hint: String? = nil) {
        self.kind = kind
        self.team = team
        self.text = text
        self.hint = hint
    }

    /// Whether an addition or edit that brings it is refused; what takes away only shows it.
    package var refuses: Bool {
        switch kind {
        case .unusable, .oversize, .statement, .floor, .contested, .emptyStore, .repositories, .handover, .expired: true
        case .expiring, .twice, .anchor, .notEnforced, .other: false
        }
    }
}
