package import Codecs
package import TrustModel

/// `POST /v1/teams/{team}/keys`: registers the caller's own key.
package struct TeamKeyRequest: Codable, Sendable, Equatable {
    /// TUF key object.
    package let key: JSON
    /// The key's signature over the registration statement, lower-case hexadecimal.
    package let proof: String

    package init(key: JSON, proof: String) {
        self.key = key
        self.proof = proof
    }
}

/// A key that a member of a team holds.
package struct TeamKeyBody: Codable, Sendable, Equatable {
    package let keyID: String
    package let key: JSON
    package let team: TeamName
    /// Login name.
    package let holder: String
    package let registered: UTCDate
    package let retired: UTCDate?

    package init(
        keyID: String, key: JSON, team: TeamName, holder: String, registered: UTCDate, retired: UTCDate? = nil
    ) {
        self.keyID = keyID
        self.key = key
        self.team = team
        self.holder = holder
        self.registered = registered
        self.retired = retired
    }
}

/// Who signs a team's role.
package struct CustodyBody: Codable, Sendable, Equatable {
    package let team: TeamName
    package let custody: Custody
    /// Counts the settings; 0 before the first.
    package let epoch: Int64
    /// How many of the keys must sign; 0 in the server's custody.
    package let threshold: Int
    package let keys: [TeamKeyBody]
    /// The change that set it.
    package let change: Int64?
    package let since: UTCDate?
    /// Says "not protected from the server" while the targets key of one of the team's fleets is online.
    package let note: String?
    /// The fleets meant by the note.
    package let onlineFleets: [FleetName]

    package init(
        team: TeamName, custody: Custody, epoch: Int64, threshold: Int, keys: [TeamKeyBody], change: Int64? = nil,
        since: UTCDate? = nil, note: String? = nil, onlineFleets: [FleetName]
    ) {
        self.team = team
        self.custody = custody
        self.epoch = epoch
        self.threshold = threshold
        self.keys = keys
        self.change = change
        self.since = since
        self.note = note
        self.onlineFleets = onlineFleets
    }
}
