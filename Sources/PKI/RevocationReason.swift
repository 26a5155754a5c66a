/// Why a certificate was revoked, by the standard's words. [RFC 5280 §5.3.1]
package enum RevocationReason: String, Sendable, Hashable, Codable, CaseIterable {
    case unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation
    /// Revoked for the time being.
    case certificateHold
    /// No longer on hold; belongs in a list of changes only.
    case removeFromCRL
    case privilegeWithdrawn, aACompromise

    var code: UInt8 {
        switch self {
        case .unspecified: 0
        case .keyCompromise: 1
        case .cACompromise: 2
        case .affiliationChanged: 3
        case .superseded: 4
        case .cessationOfOperation: 5
        case .certificateHold: 6
        case .removeFromCRL: 8
        case .privilegeWithdrawn: 9
        case .aACompromise: 10
        }
    }

    init?(code: Int) {
        guard let reason = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = reason
    }
}
