package import Codecs
import SigningKeys

/// One entry of the audit log: who did what, bound to the entry before it by a hash.
package struct AuditEntry: Sendable, Equatable {
    package let sequence: Int64
    package let at: UTCDate
    /// `person:N`, `host:N`, `publisher` or `server`.
    package let actor: String
    package let credential: Int64?
    package let requestID: String?
    package let action: String
    package let team: String?
    package let fleet: String?
    package let object: String
    /// Canonical JSON.
    package let detail: String
    package let previousHash: [UInt8]
    package let hash: [UInt8]

    package init(
        sequence: Int64, at: UTCDate, actor: String, credential: Int64?, requestID: String?, action: String,
        team: String?, fleet: String?, object: String, detail: String, previousHash: [UInt8], hash: [UInt8]
    ) {
        self.sequence = sequence
        self.at = at
        self.actor = actor
        self.credential = credential
        self.requestID = requestID
        self.action = action
        self.team = team
        self.fleet = fleet
        self.object = object
        self.detail = detail
        self.previousHash = previousHash
        self.hash = hash
    }

    package var head: AuditHead { AuditHead(sequence: sequence, hash: hash) }

    /// The hash that the entry must have after another: the same fields in the same form as the database hashes them.
    package func expectedHash(after previous: [UInt8]) -> [UInt8] {
        var bytes = Array("roadstead-audit-v1".utf8) + previous + Self.bigEndian(sequence) + Self.bigEndian(at.seconds)
        let fields = [actor, credential.map(String.init), requestID, action, team, fleet, object, detail]
        for field in fields {
            guard let field else {
                bytes += Self.bigEndian(Int32(-1))
                continue
            }
            bytes += Self.bigEndian(Int32(clamping: field.utf8.count)) + Array(field.utf8)
        }
        return HashAlgorithm.sha256.digest(of: bytes)
    }

    private static func bigEndian<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
        stride(from: Number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> Number($0)) }
    }
}
