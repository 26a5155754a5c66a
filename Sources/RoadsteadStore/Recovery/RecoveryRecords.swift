package import Codecs
package import TrustModel

/// Why nothing of a fleet is published at the moment: something that was published is not known here.
package struct HaltRecord: Sendable, Equatable {
    /// Who showed it.
    package enum Source: String, Sendable { case disk, host }

    package let fleet: FleetName
    package let source: Source
    package let reason: String
    package let noticed: UTCDate
}

/// Versions of a fleet's files as the database holds them.
package struct VersionRecords: Sendable, Equatable {
    /// Digests by role and version; more than one where two histories were settled.
    package let digests: [String: [Int64: Set<String>]]
    /// The highest version of each role.
    package let highest: [String: Int64]
}

/// What a host showed of its fleet, as the host signed it; its metadata verified when it came.
package struct HostEvidenceRecord: Sendable, Equatable {
    package let host: String
    package let bytes: [UInt8]
    package let timestampVersion: Int64
}

/// How the database stands to a fleet's name.
package enum FleetStanding: Sendable, Equatable {
    /// No such fleet was ever made, as far as the database knows.
    case unknown
    case removed
    case present(FleetID)
}
