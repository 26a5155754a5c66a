package import Codecs
package import TrustModel

/// A trust store and how many anchors it holds now.
package struct StoreRecord: Sendable, Equatable {
    package let id: TrustStoreID
    package let anchors: Int
}

/// A team with what it owns.
package struct TeamRecord: Sendable, Equatable {
    package let name: TeamName
    package let displayName: String
    package let custody: Custody
    /// Counts what was published of its anchors.
    package let version: Int64
    package let scopes: [RegistryScope]
    package let stores: [StoreRecord]
    package let created: UTCDate
    /// Whether the server holds the targets key of a fleet that the team is in.
    package let targetsOnline: Bool
}

/// A root rule with the number to remove it by.
package struct RootRuleRecord: Sendable, Equatable {
    package let id: Int64
    package let rule: RootRule
    package let created: UTCDate
}

/// A trust anchor in its store, or one that was.
package struct AnchorRecord: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable { case active, removed }

    package let id: Int64
    package let store: TrustStoreID
    /// DER.
    package let certificate: [UInt8]
    package let sha256: String
    package let keySHA256: String
    package let subject: String
    package let notBefore: UTCDate
    package let notAfter: UTCDate
    package let origin: AnchorOrigin
    package let justification: String
    package let owner: String
    package let evidence: String?
    package let reviewBy: UTCDate?
    package let state: State
    package let addedByChange: Int64
    package let added: UTCDate
    package let removedByChange: Int64?
    package let removed: UTCDate?
    /// When it ends by itself; nil for what stays until it is removed.
    package let until: UTCDate?
    /// The vendor through whose registration it is there.
    package let vendor: VendorName?
}

/// A team as other statements need it.
struct TeamRow: Sendable {
    let id: Int64
    let name: TeamName
    let displayName: String
    let custody: Custody
    let version: Int64
    let created: UTCDate
}
