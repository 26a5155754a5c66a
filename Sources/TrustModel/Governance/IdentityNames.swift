/// The issuer of identities, exactly as its tokens name it. [OpenID Connect Core §2, `iss`]
package struct IssuerURL: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(TrustModelError) {
        let scheme = ["https://", "http://"].first { text.hasPrefix($0) }
        guard let scheme, text.utf8.count > scheme.utf8.count, text.utf8.count <= 512,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.contains("?"), !text.contains("#")
        else {
            throw TrustModelError(
                .name, "\"\(text.prefix(120))\" is no issuer",
                hint: "the address that the provider's tokens carry as iss, such as https://login.example.com")
        }
        self.text = text
    }

    package var description: String { text }
}

/// Whom an issuer means, in its own words. [OpenID Connect Core §2, `sub`]
package struct IdentitySubject: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(TrustModelError) {
        guard (1...255).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw TrustModelError(
                .name, "\"\(text.prefix(80))\" is no subject", hint: "1 to 255 bytes without control characters")
        }
        self.text = text
    }

    package var description: String { text }
}

/// A group as an issuer's tokens name it.
package struct GroupName: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(TrustModelError) {
        guard (1...256).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw TrustModelError(
                .name, "\"\(text.prefix(80))\" is no group", hint: "1 to 256 bytes without control characters")
        }
        self.text = text
    }

    package var description: String { text }
}

extension IssuerURL: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension IdentitySubject: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension GroupName: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
