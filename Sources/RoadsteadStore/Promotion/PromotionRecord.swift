package import TrustModel

/// What was, or would be, promoted of one team.
package struct PromotedTeam: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
        /// The same signed bytes go in.
        case sameBytes
        /// The server signs the content under a new version, for this reason.
        case signedAnew(reason: String)
        /// The fleet takes it already.
        case unchanged
        case refused(reason: String, hint: String?)
    }

    package let team: TeamName
    /// The content that the fleet took before.
    package let before: Int64
    /// The content that it is to take; nil when there is none.
    package let content: Int64?
    /// The version of the role that the source publishes; nil when it publishes none.
    package let version: Int64?
    /// How the content differs from the one before, a line each.
    package let difference: [String]
    package let outcome: Outcome
}

/// A team's role as the source publishes it, to be judged for the fleet that it goes into.
package struct PromotionCandidate: Sendable {
    package let team: TeamName
    package let custody: Custody
    package let version: Int64
    package let bytes: [UInt8]
}

/// Whether something is done or only shown.
package enum Rehearsal: Sendable { case real, dryRun }

/// What was, or would be, a hot fix.
package struct HotFixRecord: Sendable, Equatable {
    package let team: TeamName
    /// The content that the fleet took before.
    package let before: Int64
    /// The content made for the fleet; nil in a dry run.
    package let content: Int64?
    /// How it differs from the one before, a line each.
    package let difference: [String]
}
