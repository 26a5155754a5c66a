import SigningKeys

/// The types of keys by the names that people type.
package enum KeyTypeName: String, Sendable, CaseIterable {
    case p256 = "ec-p256"
    case p384 = "ec-p384"
    case p521 = "ec-p521"
    case rsa2048 = "rsa-2048"
    case rsa3072 = "rsa-3072"
    case rsa4096 = "rsa-4096"
    case ed25519

    var type: KeyType {
        switch self {
        case .p256: .ec(.p256)
        case .p384: .ec(.p384)
        case .p521: .ec(.p521)
        case .rsa2048: .rsa(bits: 2_048)
        case .rsa3072: .rsa(bits: 3_072)
        case .rsa4096: .rsa(bits: 4_096)
        case .ed25519: .ed25519
        }
    }

    static let list = allCases.map(\.rawValue).joined(separator: "|")

    static func option(_ standard: KeyTypeName) -> Option {
        .value("key-type", "TYPE", "\(list) (default: \(standard.rawValue))")
    }
}
