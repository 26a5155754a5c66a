package import Codecs
package import TrustModel

/// `POST /v1/requests`: asks for what the rules refuse.
package struct RequestAsk: Codable, Sendable, Equatable {
    package let team: TeamName
    package let kind: TrustRequest.Kind
    /// Of an anchor: the kind of its store.
    package let storeKind: TrustStoreKind?
    package let origin: AnchorOrigin?
    /// PEM of the anchor.
    package let certificate: String?
    package let vendor: VendorName?
    /// Where the vendor's anchors can be had.
    package let source: String?
    package let reason: String
    package let ticket: String?

    package init(
        team: TeamName, kind: TrustRequest.Kind, storeKind: TrustStoreKind? = nil, origin: AnchorOrigin? = nil,
        certificate: String? = nil, vendor: VendorName? = nil, source: String? = nil, reason: String,
        ticket: String? = nil
    ) {
        self.team = team
        self.kind = kind
        self.storeKind = storeKind
        self.origin = origin
        self.certificate = certificate
        self.vendor = vendor
        self.source = source
        self.reason = reason
        self.ticket = ticket
    }
}

/// `POST /v1/requests/{number}/accept` and `/decline`
package struct RequestAnswer: Codable, Sendable, Equatable {
    package let answer: String
    /// The change that grants it.
    package let change: Int64?

    package init(answer: String, change: Int64? = nil) {
        self.answer = answer
        self.change = change
    }
}

/// What a team asked for, and what became of it.
package struct RequestBody: Codable, Sendable, Equatable {
    package let number: Int64
    package let team: TeamName
    package let kind: TrustRequest.Kind
    package let storeKind: TrustStoreKind?
    package let origin: AnchorOrigin?
    /// PEM.
    package let certificate: String?
    package let vendor: VendorName?
    package let source: String?
    package let reason: String
    package let ticket: String?
    package let state: TrustRequest.State
    /// Login name.
    package let author: String
    package let created: UTCDate
    package let answeredBy: String?
    package let answered: UTCDate?
    package let answer: String?
    package let change: Int64?

    package init(
        number: Int64, team: TeamName, kind: TrustRequest.Kind, storeKind: TrustStoreKind? = nil,
        origin: AnchorOrigin? = nil, certificate: String? = nil, vendor: VendorName? = nil, source: String? = nil,
        reason: String, ticket: String? = nil, state: TrustRequest.State, author: String, created: UTCDate,
        answeredBy: String? = nil, answered: UTCDate? = nil, answer: String? = nil, change: Int64? = nil
    ) {
        self.number = number
        self.team = team
        self.kind = kind
        self.storeKind = storeKind
        self.origin = origin
        self.certificate = certificate
        self.vendor = vendor
        self.source = source
        self.reason = reason
        self.ticket = ticket
        self.state = state
        self.author = author
        self.created = created
        self.answeredBy = answeredBy
        self.answered = answered
        self.answer = answer
        self.change = change
    }
}
