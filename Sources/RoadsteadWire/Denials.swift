package import Codecs
package import TrustModel

/// `POST /v1/denials`: takes trust away, at once.
package struct DenialRequest: Codable, Sendable, Equatable {
    package let kind: DenialKind
    /// What the kind says: a SHA-256, a serial number, an artifact's digest or an identity.
    package let value: String
    /// RFC 4514, with a serial number only.
    package let issuer: String?
    /// The team in whose scopes it holds; absent for everywhere.
    package let team: TeamName?
    package let reason: String

    package init(kind: DenialKind, value: String, issuer: String? = nil, team: TeamName? = nil, reason: String) {
        self.kind = kind
        self.value = value
        self.issuer = issuer
        self.team = team
        self.reason = reason
    }
}

/// Something that is never to be trusted, or was.
package struct DenialBody: Codable, Sendable, Equatable {
    /// Shown as `D-7`.
    package let id: Int64
    package let kind: DenialKind
    package let value: String
    package let issuer: String?
    /// Absent for everywhere.
    package let team: TeamName?
    package let reason: String
    package let author: String
    package let issued: UTCDate
    /// The removal that it came with.
    package let change: Int64?
    package let lifted: UTCDate?
    package let liftedByChange: Int64?

    package init(
        id: Int64, kind: DenialKind, value: String, issuer: String? = nil, team: TeamName? = nil, reason: String,
        author: String, issued: UTCDate, change: Int64? = nil, lifted: UTCDate? = nil, liftedByChange: Int64? = nil
    ) {
        self.id = id
        self.kind = kind
        self.value = value
        self.issuer = issuer
        self.team = team
        self.reason = reason
        self.author = author
        self.issued = issued
        self.change = change
        self.lifted = lifted
        self.liftedByChange = liftedByChange
    }
}
