package import Codecs
package import TrustModel

/// A change as it is stored.
package struct ChangeRow: Sendable, Equatable {
    package let number: Int64
    package let author: PersonID
    package let state: ChangeState
    /// Counts edits; an update names the one that it was made from.
    package let version: Int64
    /// The team's version that it was made from.
    package let baseVersion: Int64
    package let content: ChangeContent
    package let digest: String
    /// 0 and 0 where nobody else is needed.
    package let approvalsNeeded: Int
    package let officersNeeded: Int
    package let outsidersNeeded: Int
    package let created: UTCDate
    package let submitted: UTCDate?
    package let expires: UTCDate
    package let closed: UTCDate?
    /// When it was to take effect, and an approver did not count any more.
    package let sentBack: UTCDate?
    /// What happened last, for people.
    package let note: String?
    /// Whether it came into force because nobody else could agree yet.
    package let founding: Bool

    package var team: TeamName? { content.team }

    var facts: ChangeRules.Facts {
        ChangeRules.Facts(
            number: number, author: author, team: team, state: state, digest: digest, expires: expires,
            approval: content.approval, asking: content.asking)
    }
}

extension ChangeRow {
    var reach: String { content.reach }
}

extension ChangeContent {
    /// What it is about, in words.
    package var reach: String { team.map { "team \($0)" } ?? "everything" }
}

/// One person's answer to a change.
package struct DecisionRecord: Sendable, Equatable {
    package let person: PersonID
    package let approves: Bool
    package let digest: String
    package let comment: String?
    package let decided: UTCDate
}

/// A change with what it needs and who can help.
package struct ChangeRecord: Sendable, Equatable {
    package let change: ChangeRow
    package let decisions: [DecisionRecord]
    /// What is still missing; nil unless it waits for approvals.
    package let missing: ApprovalsNeeded?
    /// Who could approve now; empty unless it waits for approvals.
    package let canApprove: [PersonRecord]
    /// The releases in which it went out.
    package let releases: [ReleasedIn]
    /// Who looked afterwards at what it added by break-glass.
    package let review: ReviewRecord?

    package struct ReleasedIn: Sendable, Equatable {
        package let fleet: FleetName
        package let number: Int64
    }

    /// Whether a decision is about an earlier edit.
    package func isVoid(_ decision: DecisionRecord) -> Bool { decision.digest != change.digest }
}

/// Which changes a list is to hold; what is nil does not matter.
package struct ChangeFilter: Sendable {
    package var team: TeamName?
    package var state: ChangeState?
    package var author: PersonID?

    package init(team: TeamName? = nil, state: ChangeState? = nil, author: PersonID? = nil) {
        self.team = team
        self.state = state
        self.author = author
    }
}
