package import Codecs
package import TrustModel

/// A third party as it is registered now.
package struct VendorRecord: Sendable, Equatable {
    package let name: VendorName
    package let version: Int64
    package let details: VendorDetails
    package let askedBy: TeamName
    package let registeredBy: PersonID
    package let anchors: [VendorAnchorRecord]
    package let uses: [VendorUseRecord]
    /// How many stores follow it, those that the reader may not see too.
    package let useCount: Int
    package let reviewBy: UTCDate
    package let registered: UTCDate
    package let removed: UTCDate?

    /// The same with other uses shown.
    func using(_ uses: [VendorUseRecord]) -> VendorRecord {
        VendorRecord(
            name: name, version: version, details: details, askedBy: askedBy, registeredBy: registeredBy,
            anchors: anchors, uses: uses, useCount: useCount, reviewBy: reviewBy, registered: registered,
            removed: removed)
    }
}

/// One anchor that a vendor has.
package struct VendorAnchorRecord: Sendable, Equatable {
    package let id: Int64
    package let kind: TrustStoreKind
    /// DER.
    package let certificate: [UInt8]
    package let sha256: String
    package let subject: String
    package let notAfter: UTCDate
    package let change: Int64
    package let added: UTCDate
}

/// A store that follows a vendor's anchors.
package struct VendorUseRecord: Sendable, Equatable {
    package let id: Int64
    package let store: TrustStoreID
    package let change: Int64
    package let added: UTCDate
    /// The fleets that the team is in and that take its newest content at once.
    package let fleets: [FleetName]
}

/// A vendor without what belongs to it.
struct VendorRow: Sendable {
    let id: Int64
    let name: VendorName
    let version: Int64
    let reviewBy: UTCDate
    let created: UTCDate
    let removed: UTCDate?
    /// How many stores follow it.
    let uses: Int
}

/// A store that follows a vendor, as other statements need it.
struct VendorUseRow: Sendable {
    let id: Int64
    let teamID: Int64
    let storeID: Int64
    let store: TrustStoreID
    let change: Int64
    let added: UTCDate
}
