import Problems
import TrustModel

/// Why the store refused, in words fit for the person who asked.
package struct StoreError: Problem {
    package enum Code: String, Sendable, CaseIterable {
        /// The token is unknown, expired, revoked or used up, or its person is disabled.
        case unauthenticated
        /// The caller holds no role for this.
        case forbidden
        /// There is no such thing, or it was removed.
        case notFound = "not-found"
        /// Something of that name is there already, or things stand otherwise than the request takes for granted.
        case conflict
        /// The value means nothing here.
        case invalid
        /// The root rules, or what no rule can allow, refuse a certificate.
        case refusedByRule = "refused-by-rule"
        /// The guards refuse what an addition or edit would do to a fleet's hosts.
        case refusedByGuard = "refused-by-guard"
        /// Nobody approves their own proposal.
        case ownProposal = "own-proposal"
        /// The decision is about another content than the change has now.
        case staleApproval = "stale-approval"
        /// The change, invitation, token or draft is past its end.
        case expired
        /// The change is in a state in which this cannot be done to it.
        case notOpen = "not-open"
        /// The change was edited since it was read.
        case versionMismatch = "version-mismatch"
        /// A receipt's sequence number is not above the last one.
        case replay
        /// A host reports what was published and is not known here: the database was restored from a backup.
        case hostAhead = "host-ahead"
        /// The join token has no uses left.
        case usedUp = "used-up"
        /// An `Idempotency-Key` was used for another request, or its first request is still running.
        case idempotency
        /// Another publisher wrote first, or what is to be written does not follow what is there.
        case fence
        /// The database does not hold what it must: it was changed by hand, or restored.
        case damaged
    }

    package static let module = "store"
    package let code: Code
    package let reason: String
    package let hint: String?

    package init(_ code: Code, _ reason: String, hint: String? = nil) {
        self.code = code
        self.reason = reason
        self.hint = hint
    }

    init(_ refusal: ChangeRefusal) {
        let code: Code =
            switch refusal.kind {
            case .ownProposal: .ownProposal
            case .forbidden: .forbidden
            case .stale: .staleApproval
            case .expired: .expired
            case .notOpen, .alreadyDecided: .notOpen
            }
        self.init(code, refusal.reason, hint: refusal.hint)
    }

    static func noSuch(_ what: String, _ name: some CustomStringConvertible) -> StoreError {
        StoreError(.notFound, "there is no \(what) \"\(name)\"")
    }
}
