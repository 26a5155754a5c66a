package import Codecs
package import TrustModel

/// `POST /v1/anchors/{id}/review` and `POST /v1/vendors/{vendor}/review`: it was looked at again.
package struct ReviewRequest: Codable, Sendable, Equatable {
    package let note: String
    /// When somebody must look again, within 400 days.
    package let nextBy: UTCDate

    package init(note: String, nextBy: UTCDate) {
        self.note = note
        self.nextBy = nextBy
    }
}

/// `POST /v1/campaigns`
package struct CampaignRequest: Codable, Sendable, Equatable {
    /// Absent for all teams.
    package let team: TeamName?
    package let due: UTCDate
    package let reason: String

    package init(team: TeamName? = nil, due: UTCDate, reason: String) {
        self.team = team
        self.due = due
        self.reason = reason
    }
}

/// A recertification campaign and how far it is; of a closed one, its report.
package struct CampaignBody: Codable, Sendable, Equatable {
    package let number: Int64
    package let team: TeamName?
    package let due: UTCDate
    package let reason: String
    /// Login name.
    package let openedBy: String
    package let opened: UTCDate
    package let closed: UTCDate?
    package let open: Int
    package let confirmed: Int
    package let removals: Int

    package init(
        number: Int64, team: TeamName? = nil, due: UTCDate, reason: String, openedBy: String, opened: UTCDate,
        closed: UTCDate? = nil, open: Int, confirmed: Int, removals: Int
    ) {
        self.number = number
        self.team = team
        self.due = due
        self.reason = reason
        self.openedBy = openedBy
        self.opened = opened
        self.closed = closed
        self.open = open
        self.confirmed = confirmed
        self.removals = removals
    }
}

/// One thing that is trusted, and what its owner says of it.
package struct CampaignItemBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let campaign: Int64
    package let team: TeamName
    /// The anchor; absent for a vendor in use.
    package let anchor: Int64?
    /// The vendor that is used; absent for an anchor.
    package let vendor: VendorName?
    package let subject: String
    /// As KIND/NAME.
    package let store: String
    /// Login name of who proposed it.
    package let owner: String
    package let state: Recertification.Answer
    package let answeredBy: String?
    package let answered: UTCDate?
    /// The change that removes it.
    package let change: Int64?

    package init(
        id: Int64, campaign: Int64, team: TeamName, anchor: Int64? = nil, vendor: VendorName? = nil, subject: String,
        store: String, owner: String,
        state: Recertification.Answer, answeredBy: String? = nil, answered: UTCDate? = nil, change: Int64? = nil
    ) {
        self.id = id
        self.campaign = campaign
        self.team = team
        self.anchor = anchor
        self.vendor = vendor
        self.subject = subject
        self.store = store
        self.owner = owner
        self.state = state
        self.answeredBy = answeredBy
        self.answered = answered
        self.change = change
    }
}

/// `POST /v1/campaign-items/{id}/answer`
package struct CampaignAnswer: Codable, Sendable, Equatable {
    /// The change that removes it; absent to confirm that it is still needed.
    package let removal: Int64?

    package init(removal: Int64? = nil) { self.removal = removal }
}
