package import Codecs

/// How far the audit log had come: the number and the hash of an entry. Every release carries one, so that whoever
/// rewrites the log has to disagree with what fleets have signed.
package struct AuditHead: Sendable, Equatable {
    package let sequence: Int64
    package let hash: [UInt8]

    /// Before the first entry.
    package static let beginning = AuditHead(sequence: 0, hash: [UInt8](repeating: 0, count: hashBytes))
    package static let hashBytes = 32
    /// Its name in the member `x-roadstead` of a snapshot.
    package static let member = "audit"

    package init(sequence: Int64, hash: [UInt8]) {
        self.sequence = sequence
        self.hash = hash
    }

    /// - Throws: `TrustModelError(.document)` unless it is what `json` writes.
    package init(_ json: JSON) throws {
        let object = try json.object(Self.member)
        let hash = try Hex.decode(try object.string("hash", in: Self.member))
        guard let sequence = object["sequence"]?.integerOrNil, sequence >= 0, hash.count == Self.hashBytes else {
            throw TrustModelError(.document, "the head of an audit log is no number and SHA-256")
        }
        self.init(sequence: sequence, hash: hash)
    }

    package var json: JSON { ["hash": .string(Hex.encode(hash)), "sequence": .integer(sequence)] }
}

/// A head as a release of a fleet has signed it.
package struct SignedAuditHead: Sendable, Equatable {
    package let head: AuditHead
    package let fleet: FleetName
    package let release: Int64
    package let issued: UTCDate

    package init(head: AuditHead, fleet: FleetName, release: Int64, issued: UTCDate) {
        self.head = head
        self.fleet = fleet
        self.release = release
        self.issued = issued
    }
}
