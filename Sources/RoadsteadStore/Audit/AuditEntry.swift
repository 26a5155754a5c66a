package import Codecs
import SigningKeys

/// One entry of the audit log as it is stored.
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

    package static let firstPreviousHash = [UInt8](repeating: 0, count: 32)

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

/// Whether the audit log is whole.
package struct AuditChain: Sendable, Equatable {
    /// Entries that were looked at.
    package let entries: Int64
    /// Hash of the last good entry, lower-case hexadecimal.
    package let head: String
    /// The first entry that is missing, changed or not bound to the one before; nil when all is well.
    package let firstBroken: Int64?

    package var isIntact: Bool { firstBroken == nil }
}
