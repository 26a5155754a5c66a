package import Codecs
package import TrustModel

/// `add-anchor` as people write it: a PEM file, and the author is its owner.
package struct AddAnchorBody: Codable, Sendable, Hashable {
    package let op: OperationKind
    package let kind: TrustStoreKind
    package let store: TrustStoreName
    /// PEM of the anchor to add.
    package let certificate: String
    package let origin: AnchorOrigin
    package let reviewBy: UTCDate?

    package init(
        kind: TrustStoreKind, store: TrustStoreName, certificate: String, origin: AnchorOrigin,
        reviewBy: UTCDate? = nil
    ) {
        op = .addAnchor
        self.kind = kind
        self.store = store
        self.certificate = certificate
        self.origin = origin
        self.reviewBy = reviewBy
    }
}

/// One operation of a change; `op` says which members it has.
package enum OperationBody: Codable, Sendable, Hashable {
    case addAnchor(AddAnchorBody)
    /// Any other, in the form in which it is stored.
    case other(ChangeOperation)

    package static func governed(_ operation: some GovernedOperation) -> Self { .other(.governed(operation)) }

    package init(from decoder: any Decoder) throws {
        self =
            try ChangeOperation.kind(in: decoder) == .addAnchor
            ? .addAnchor(try AddAnchorBody(from: decoder)) : .other(try ChangeOperation(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .addAnchor(let body): try body.encode(to: encoder)
        case .other(let operation): try operation.encode(to: encoder)
        }
    }

    package var kind: OperationKind {
        switch self {
        case .addAnchor: .addAnchor
        case .other(let operation): operation.kind
        }
    }
}

/// `POST /v1/changes`: proposes operations in one team.
package struct ChangeRequest: Codable, Sendable, Equatable {
    /// Absent for lifting denials that hold everywhere.
    package let team: TeamName?
    /// 1 to 1,000.
    package let operations: [OperationBody]
    package let justification: String
    package let ticket: String?
    /// True keeps it a draft; it is submitted otherwise.
    package let draft: Bool?
    /// For what cannot wait for the approvals that the rules ask for.
    package let breakGlass: BreakGlass?

    package init(
        team: TeamName?, operations: [OperationBody], justification: String, ticket: String? = nil, draft: Bool? = nil,
        breakGlass: BreakGlass? = nil
    ) {
        self.team = team
        self.operations = operations
        self.justification = justification
        self.ticket = ticket
        self.draft = draft
        self.breakGlass = breakGlass
    }
}

/// `PUT /v1/changes/{number}`: edits a change, which voids its approvals.
package struct ChangeEdit: Codable, Sendable, Equatable {
    package let operations: [OperationBody]
    package let justification: String
    package let ticket: String?
    package let breakGlass: BreakGlass?

    package init(
        operations: [OperationBody], justification: String, ticket: String? = nil, breakGlass: BreakGlass? = nil
    ) {
        self.operations = operations
        self.justification = justification
        self.ticket = ticket
        self.breakGlass = breakGlass
    }
}

/// An approval or rejection, bound to the digest of what was looked at.
package struct DecisionRequest: Codable, Sendable, Equatable {
    package let digest: String
    package let comment: String?

    package init(digest: String, comment: String? = nil) {
        self.digest = digest
        self.comment = comment
    }
}

/// One person's decision.
package struct DecisionBody: Codable, Sendable, Equatable {
    package let person: String
    package let approves: Bool
    package let digest: String
    package let at: UTCDate
    /// True after an edit.
    package let void: Bool
    package let comment: String?

    package init(person: String, approves: Bool, digest: String, at: UTCDate, void: Bool, comment: String? = nil) {
        self.person = person
        self.approves = approves
        self.digest = digest
        self.at = at
        self.void = void
        self.comment = comment
    }
}

/// A change with what it needs.
package struct ChangeBody: Codable, Sendable, Equatable {
    package let number: Int64
    /// Absent for everything.
    package let team: TeamName?
    package let author: String
    package let state: ChangeState
    /// Counts edits; sent back as `If-Match`.
    package let version: Int64
    /// The team's version that it was made from.
    package let baseVersion: Int64
    /// SHA-256 of the exact operations, which approvals bind to.
    package let digest: String
    package let operations: [OperationBody]
    /// What it does, a line each.
    package let effect: [String]
    package let justification: String
    package let ticket: String?
    package let breakGlass: BreakGlass?
    package let created: UTCDate
    package let expires: UTCDate?
    package let approvalsNeeded: Int
    /// What is still missing; absent unless it waits for approvals.
    package let missing: ApprovalsBody?
    package let approvals: [DecisionBody]
    /// Login names.
    package let canApprove: [String]
    /// Fleets and release numbers in which it was published, as `fleet/12`.
    package let release: [String]
    /// Of what went in by break-glass.
    package let review: BreakGlassReviewBody?
    /// What happened last, for people.
    package let note: String?
    /// True where it came into force because nobody else could agree yet.
    package let founding: Bool?

    package init(
        number: Int64, team: TeamName?, author: String, state: ChangeState, version: Int64, baseVersion: Int64,
        digest: String, operations: [OperationBody], effect: [String], justification: String, ticket: String? = nil,
        breakGlass: BreakGlass? = nil, created: UTCDate, expires: UTCDate? = nil, approvalsNeeded: Int,
        missing: ApprovalsBody? = nil,
        approvals: [DecisionBody], canApprove: [String], release: [String], review: BreakGlassReviewBody? = nil,
        note: String? = nil, founding: Bool = false
    ) {
        self.number = number
        self.team = team
        self.author = author
        self.state = state
        self.version = version
        self.baseVersion = baseVersion
        self.digest = digest
        self.operations = operations
        self.effect = effect
        self.justification = justification
        self.ticket = ticket
        self.breakGlass = breakGlass
        self.created = created
        self.expires = expires
        self.approvalsNeeded = approvalsNeeded
        self.missing = missing
        self.approvals = approvals
        self.canApprove = canApprove
        self.release = release
        self.review = review
        self.note = note
        self.founding = founding ? true : nil
    }
}
