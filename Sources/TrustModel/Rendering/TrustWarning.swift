/// What a person has to know about a generation although it was made: some trust is missing, old or not enforced.
package struct TrustWarning: Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// A team's new content could not be used; its last good content stays.
        case keptBack = "kept-back"
        /// A team has no content that can be used; its scopes reject.
        case noContent = "no-content"
        /// A scope that two teams claim rejects.
        case contestedScope = "contested-scope"
        /// A statement or a part of one that was not taken in.
        case statement
        /// An anchor that was not taken in.
        case anchor
        /// A denial of a kind that this program does not know: it does not take effect.
        case unknownDenial = "unknown-denial"
        /// Denials take away most of what the fleet trusts.
        case massDenial = "mass-denial"
        /// An enforcer cannot do what the trust says.
        case notEnforced = "not-enforced"
        /// A team's statement asks less than the fleet's floor and is held to that.
        case floor
        /// Something is let pass until a moment.
        case exception
        /// Content that may be used but is not there.
        case missing
    }

    package let kind: Kind
    package let team: TeamName?
    /// A sentence without a full stop that says what was found and what it means.
    package let text: String

    package init(_ kind: Kind, team: TeamName? = nil, _ text: String) {
        self.kind = kind
        self.team = team
        self.text = text
    }

    package var description: String { team.map { "team \($0): \(text)" } ?? text }
}
