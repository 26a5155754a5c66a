/// Where a private key can live, by the scheme of the URI that names it.
package enum KeyScheme: String, Sendable, CaseIterable {
    case file
    case pkcs12
    case sshAgent = "ssh-agent"
    case pkcs11
    case hashivault
    case awskms
    case azurekms
    case gcpkms
    case roadstead

    /// What the URIs of this scheme begin with.
    package var prefix: String {
        switch self {
        case .file, .pkcs12, .sshAgent, .pkcs11: "\(rawValue):"
        case .hashivault, .awskms, .azurekms, .gcpkms, .roadstead: "\(rawValue)://"
        }
    }
}

/// A private key's URI. What comes after its scheme is read by that scheme's backend.
///
/// A URI may carry a secret by mistake, so it prints without its query.
package struct KeyName: Sendable, Hashable {
    package let scheme: KeyScheme
    /// The whole URI, as it was given.
    package let text: String

    package static let maximumBytes = 4_096

    /// - Throws: `KeyError(.name)` for an unknown scheme, control characters, or more than 4,096 bytes.
    package init(_ text: String) throws(KeyError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw KeyError(.name, "a key's URI has \(text.utf8.count) bytes, at most \(Self.maximumBytes) are read")
        }
        guard let scheme = KeyScheme.allCases.first(where: { text.hasPrefix($0.prefix) }),
            text.utf8.count > scheme.prefix.utf8.count || scheme == .sshAgent
        else { throw KeyError(.name, "a key is not named by a URI that is known", hint: Self.hint) }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }) else {
            throw KeyError(.name, "a key's URI has a control character")
        }
        self.scheme = scheme
        self.text = text
    }

    /// What stands after the scheme.
    package var rest: Substring { text.dropFirst(scheme.prefix.count) }

    private static let hint =
        "such as file:team.key, pkcs12:team.p12, ssh-agent:COMMENT, pkcs11:token=LABEL;object=LABEL, "
        + "hashivault://transit/KEY, awskms:///alias/KEY, azurekms://VAULT/KEY, gcpkms://projects/…, roadstead://HOST/KEY"
}

extension KeyName: CustomStringConvertible {
    package var description: String { String(text.prefix { $0 != "?" }) }
}
