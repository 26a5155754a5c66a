package import Codecs
package import TrustModel

/// One entry of the audit log, with all that its hash is made of: a line of an export.
package struct AuditEventBody: Codable, Sendable, Equatable {
    package let sequence: Int64
    package let at: UTCDate
    package let actor: String
    package let credential: Int64?
    package let action: String
    package let object: String
    package let team: String?
    package let fleet: String?
    package let detail: JSON
    package let requestID: String?
    /// Hash of the entry before.
    package let previous: String
    package let hash: String

    package init(
        sequence: Int64, at: UTCDate, actor: String, credential: Int64? = nil, action: String, object: String,
        team: String? = nil, fleet: String? = nil, detail: JSON, requestID: String? = nil, previous: String,
        hash: String
    ) {
        self.sequence = sequence
        self.at = at
        self.actor = actor
        self.credential = credential
        self.action = action
        self.object = object
        self.team = team
        self.fleet = fleet
        self.detail = detail
        self.requestID = requestID
        self.previous = previous
        self.hash = hash
    }

    /// The entry, for computing its hash anew.
    package var entry: AuditEntry {
        get throws {
            AuditEntry(
                sequence: sequence, at: at, actor: actor, credential: credential, requestID: requestID, action: action,
                team: team, fleet: fleet, object: object,
                detail: String(decoding: try detail.canonicalBytes(), as: UTF8.self),
                previousHash: try Hex.decode(previous), hash: try Hex.decode(hash))
        }
    }
}

/// `GET /v1/audit/verification`: whether the chain holds, by the server's own word.
package struct AuditVerification: Codable, Sendable, Equatable {
    /// Entries that were found good.
    package let entries: Int64
    /// Hash of the last good one.
    package let head: String
    package let intact: Bool
    package let firstBroken: Int64?
    /// What is wrong.
    package let reason: String?
    /// The last head in a fleet's signed release that the log agrees with.
    package let countersigned: CountersignedHead?

    package init(
        entries: Int64, head: String, intact: Bool, firstBroken: Int64? = nil, reason: String? = nil,
        countersigned: CountersignedHead? = nil
    ) {
        self.entries = entries
        self.head = head
        self.intact = intact
        self.firstBroken = firstBroken
        self.reason = reason
        self.countersigned = countersigned
    }
}

/// How far the log had come when a fleet signed a release.
package struct CountersignedHead: Codable, Sendable, Equatable {
    package let sequence: Int64
    package let hash: String
    package let fleet: FleetName
    package let release: Int64
    package let issued: UTCDate

    package init(sequence: Int64, hash: String, fleet: FleetName, release: Int64, issued: UTCDate) {
        self.sequence = sequence
        self.hash = hash
        self.fleet = fleet
        self.release = release
        self.issued = issued
    }
}
