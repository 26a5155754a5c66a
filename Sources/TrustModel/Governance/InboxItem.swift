package import Codecs

/// Something that waits for one person, and the command that deals with it.
package struct InboxItem: Codable, Sendable, Equatable {
    /// Why it is there. Programs skip kinds that they do not know.
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// A change that the person may approve and has not decided on.
        case approval
        /// A change that the person approved, and that was edited since.
        case voidApproval = "void-approval"
        /// The person's own change, which an approver's lost role or a stricter rule has sent back.
        case sentBack = "sent-back"
        /// The person's own change that ends within days.
        case expiring
        /// A draft of a team's role that lacks the signature of the person's key.
        case roleDraft = "role-draft"
        case ceremony
        /// An addition by break-glass that nobody has looked at since.
        case breakGlassReview = "break-glass-review"
        /// An exception that ends within days.
        case exceptionEnds = "exception-ends"
        /// What a team was refused and asks for.
        case request
        /// An anchor or a vendor that somebody should have looked at again.
        case review
        /// Something that is trusted, and whose owner is to say whether it is still needed.
        case recertification
    }

    package let kind: Kind
    /// Such as C-12.
    package let object: String
    package let text: String
    /// When it ends, or should have been done.
    package let due: UTCDate?
    package let overdue: Bool
    package let command: String

    package init(
        _ kind: Kind, _ object: String, _ text: String, due: UTCDate? = nil, overdue: Bool = false, command: String
    ) {
        self.kind = kind
        self.object = object
        self.text = text
        self.due = due
        self.overdue = overdue
        self.command = command
    }
}
