package import Codecs
import PostgresKit
package import TrustModel

/// Which part of what was trusted is asked for.
package struct TrustFilter: Sendable, Equatable {
    package let fleet: FleetName?
    package let team: TeamName?
    /// SHA-256 of a certificate, lower-case hexadecimal.
    package let certificate: String?

    package init(fleet: FleetName? = nil, team: TeamName? = nil, certificate: String? = nil) {
        self.fleet = fleet
        self.team = team
        self.certificate = certificate
    }
}

/// A trust anchor that a fleet's hosts were told to believe at a moment.
package struct TrustedAnchorRecord: Sendable, Equatable {
    /// Its place in the report.
    package let key: String
    package let fleet: FleetName
    /// The release that was out, and since when.
    package let release: Int64
    package let published: UTCDate
    package let team: TeamName
    /// The number of the team's content that the release carried.
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
    package let change: Int64?
    package let author: String?
    package let approvers: [String]
    /// The denial that took it away in the same release; nil when it counted.
    package let denial: String?
}

/// What a fleet had published at a moment.
package struct FleetAtRecord: Sendable, Equatable {
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
}

extension ApiStore {
    /// Who trusted what at a moment: read off the files that were published, so that what was only decided does not count.
    package func trust(
        at: UTCDate, _ filter: TrustFilter, _ page: PageRequest
    ) async throws -> KeysetPage<TrustedAnchorRecord> {
        let query = ListTrustAt(
            at: at, filter: filter, readable: reader.audit, after: page.textAfter, limit: page.fetched)
        return KeysetPage(fetched: try await pool.fetchAll(query), limit: page.limit, key: \.key)
    }

    /// The fleets of that moment, whether or not they trusted anything.
    package func fleets(
        at: UTCDate, _ filter: TrustFilter
    ) async throws -> [FleetAtRecord] {
        try await pool.fetchAll(ListFleetsAt(at: at, filter: filter, readable: reader.audit))
    }
}
