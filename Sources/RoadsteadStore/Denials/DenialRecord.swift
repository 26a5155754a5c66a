package import Codecs
package import TrustModel

/// A denial as it is stored; rows stay, also when they are lifted.
package struct DenialRecord: Sendable, Equatable {
    /// Shown as `D-7`.
    package let id: Int64
    package let subject: DenialSubject
    /// The team whose scopes it holds for; nil for everywhere.
    package let team: TeamName?
    package let reason: String
    package let author: PersonID
    /// The removal that it makes hold at once.
    package let change: Int64?
    package let issued: UTCDate
    package let liftedByChange: Int64?
    package let lifted: UTCDate?

    /// The form in which hosts get it, with the beginning of a long reason: every host loads all denials of its fleet.
    package var published: DenyDocument.Denial {
        DenyDocument.Denial(id: "D-\(id)", subject: subject, team: team, reason: publishedReason, issued: issued)
    }

    /// Bytes of a reason that hosts get at most.
    package static let publishedReasonBytes = 256

    private var publishedReason: String {
        guard reason.utf8.count > Self.publishedReasonBytes else { return reason }
        var (short, room) = ("", Self.publishedReasonBytes - "…".utf8.count)
        for character in reason {
            room -= character.utf8.count
            guard room >= 0 else { break }
            short.append(character)
        }
        return short + "…"
    }
}

/// Which denials a list is to hold; what is nil does not matter.
package struct DenialFilter: Sendable {
    /// Those that hold in this team's scopes, the ones that hold everywhere among them.
    package var team: TeamName?
    /// Those that this fleet publishes.
    package var fleet: FleetName?
    /// Whether lifted ones are listed too.
    package var includesLifted: Bool

    package init(team: TeamName? = nil, fleet: FleetName? = nil, includesLifted: Bool = false) {
        self.team = team
        self.fleet = fleet
        self.includesLifted = includesLifted
    }
}
