package import Codecs
package import TrustModel

/// A trust anchor that a fleet's hosts were told to believe at a moment.
package struct TrustedAnchorBody: Codable, Sendable, Equatable {
    package let fleet: FleetName
    /// The release that was out.
    package let release: Int64
    package let published: UTCDate
    package let team: TeamName
    /// Number of the team's content that the release carried.
    package let content: Int64
    package let kind: TrustStoreKind
    package let store: TrustStoreName
    package let certificateSHA256: String
    package let anchor: Int64?
    package let subject: String?
    package let origin: String?
    package let owner: String?
    package let justification: String?
    package let evidence: String?
    package let added: UTCDate?
    /// The change that added it, its author and those who agreed.
    package let change: Int64?
    package let author: String?
    package let approvers: [String]
    /// The denial that took it away in the same release; absent when it counted.
    package let denial: String?

    package init(
        fleet: FleetName, release: Int64, published: UTCDate, team: TeamName, content: Int64, kind: TrustStoreKind,
        store: TrustStoreName, certificateSHA256: String, anchor: Int64? = nil, subject: String? = nil,
        origin: String? = nil, owner: String? = nil, justification: String? = nil, evidence: String? = nil,
        added: UTCDate? = nil, change: Int64? = nil, author: String? = nil, approvers: [String] = [],
        denial: String? = nil
    ) {
        self.fleet = fleet
        self.release = release
        self.published = published
        self.team = team
        self.content = content
        self.kind = kind
        self.store = store
        self.certificateSHA256 = certificateSHA256
        self.anchor = anchor
        self.subject = subject
        self.origin = origin
        self.owner = owner
        self.justification = justification
        self.evidence = evidence
        self.added = added
        self.change = change
        self.author = author
        self.approvers = approvers
        self.denial = denial
    }
}

/// What a fleet had published at a moment.
package struct FleetAtBody: Codable, Sendable, Equatable {
    package let fleet: FleetName
    package let release: Int64
    package let published: UTCDate
    package let snapshotSHA256: String?
    package let hosts: Int
    /// Hosts whose last receipt up to then was of that release or a later one.
    package let applied: Int
    /// Hosts that had sent none.
    package let silent: Int
    package let denials: Int

    package init(
        fleet: FleetName, release: Int64, published: UTCDate, snapshotSHA256: String? = nil, hosts: Int, applied: Int,
        silent: Int, denials: Int
    ) {
        self.fleet = fleet
        self.release = release
        self.published = published
        self.snapshotSHA256 = snapshotSHA256
        self.hosts = hosts
        self.applied = applied
        self.silent = silent
        self.denials = denials
    }
}
