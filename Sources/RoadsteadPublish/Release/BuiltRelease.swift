package import TrustModel

/// One file of a fleet's repository, under the path it is served at below `/fleets/<fleet>/`.
package struct BuiltFile: Sendable, Equatable {
    package enum Kind: String, Sendable { case root, timestamp, snapshot, targets, delegated, target }

    package let kind: Kind
    /// Such as `metadata/3.snapshot.json` or `targets/acme/<sha256>.ca.prod.pem`; ASCII.
    package let path: String
    package let bytes: [UInt8]
    /// The role's name; nil for target files.
    package let role: String?
    /// The role's version; nil for target files.
    package let version: Int64?
    /// Lower-case hexadecimal.
    package let sha256: String

    /// The timestamp is the only file that is ever replaced.
    package var isImmutable: Bool { kind != .timestamp }
}

/// A team's role as it was signed, for every fleet that includes the team.
package struct SignedTeamRole: Sendable, Equatable {
    package let team: TeamName
    package let version: Int64
    package let bytes: [UInt8]

    package init(team: TeamName, version: Int64, bytes: [UInt8]) {
        self.team = team
        self.version = version
        self.bytes = bytes
    }
}

/// A release that is signed and that our own client has accepted: what is new, in the order it has to be published.
package struct BuiltRelease: Sendable {
    package enum Kind: String, Sendable {
        /// Something that hosts go by has changed.
        case release
        /// The same content, signed again before it expires or with other keys.
        case renewal
        /// Only the timestamp was signed again; the release stays what it is.
        case timestamp
    }

    package let kind: Kind
    package let fleet: FleetName
    /// The release's number: the version of its snapshot.
    package let number: Int64
    package let timestampVersion: Int64
    /// A new root first, the timestamp last. Target files may have been published before: storing one again changes nothing.
    package let files: [BuiltFile]
    /// Team roles that were signed just now, to be kept for the other fleets.
    package let teamRoles: [SignedTeamRole]
    /// Teams that stay as they were published, or out of the release, and why.
    package let held: [HeldTeam]
    /// What hosts will not learn before people have held a ceremony, a line each.
    package let waiting: [String]
    /// What changed, a line each.
    package let difference: [String]
    /// Of the snapshot that is current now, lower-case hexadecimal.
    package let snapshotSHA256: String
    /// The fleet's state once all files are published.
    package let state: PublishedState
}
