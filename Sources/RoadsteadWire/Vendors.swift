package import Codecs
package import TrustModel

/// A third party as it is registered.
package struct VendorBody: Codable, Sendable, Equatable {
    package let name: VendorName
    /// Counts registrations and removals; what the next change is made from.
    package let version: Int64
    package let details: VendorDetails
    /// The team that asked for it last.
    package let askedBy: TeamName
    /// Login name of who proposed what is said of it now.
    package let registeredBy: String
    package let registered: UTCDate
    package let reviewBy: UTCDate
    package let reviewDue: Bool
    package let anchors: [VendorAnchorBody]
    package let uses: [VendorUseBody]
    package let removed: UTCDate?

    package init(
        name: VendorName, version: Int64, details: VendorDetails, askedBy: TeamName, registeredBy: String,
        registered: UTCDate, reviewBy: UTCDate, reviewDue: Bool, anchors: [VendorAnchorBody], uses: [VendorUseBody],
        removed: UTCDate? = nil
    ) {
        self.name = name
        self.version = version
        self.details = details
        self.askedBy = askedBy
        self.registeredBy = registeredBy
        self.registered = registered
        self.reviewBy = reviewBy
        self.reviewDue = reviewDue
        self.anchors = anchors
        self.uses = uses
        self.removed = removed
    }
}

/// One anchor that a vendor has.
package struct VendorAnchorBody: Codable, Sendable, Equatable {
    package let kind: TrustStoreKind
    package let subject: String
    package let sha256: String
    package let notAfter: UTCDate
    /// The change that brought it.
    package let change: Int64
    /// PEM.
    package let certificate: String

    package init(
        kind: TrustStoreKind, subject: String, sha256: String, notAfter: UTCDate, change: Int64, certificate: String
    ) {
        self.kind = kind
        self.subject = subject
        self.sha256 = sha256
        self.notAfter = notAfter
        self.change = change
        self.certificate = certificate
    }
}

/// A store that follows a vendor's anchors.
package struct VendorUseBody: Codable, Sendable, Equatable {
    package let team: TeamName
    package let kind: TrustStoreKind
    package let store: TrustStoreName
    package let fleets: [FleetName]
    /// The change by which the team began to use it.
    package let change: Int64

    package init(team: TeamName, kind: TrustStoreKind, store: TrustStoreName, fleets: [FleetName], change: Int64) {
        self.team = team
        self.kind = kind
        self.store = store
        self.fleets = fleets
        self.change = change
    }
}
