import Codecs

/// What a team was refused and asks for.
package enum TrustRequest: Sendable, Equatable {
    /// A rule that lets it register this root.
    case anchor(kind: TrustStoreKind, origin: AnchorOrigin, certificate: [UInt8])
    /// A third party that is not registered, or that no rule lets it use.
    case vendor(VendorName, source: String?)

    package enum Kind: String, Sendable, Codable, CaseIterable { case anchor, vendor }
    package enum State: String, Sendable, Codable, CaseIterable { case open, accepted, declined }

    /// Open ones of one person; more is not asking but noise.
    package static let maximumOpen = 50
    /// Larger than the certificate of any honest CA.
    package static let maximumCertificateBytes = 65_536

    package var kind: Kind {
        switch self {
        case .anchor: .anchor
        case .vendor: .vendor
        }
    }
}

extension TrustRequest: Codable {
    private enum CodingKeys: String, CodingKey { case request, kind, origin, certificate, vendor, source }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Kind.self, forKey: .request) {
        case .anchor:
            self = .anchor(
                kind: try container.decode(TrustStoreKind.self, forKey: .kind),
                origin: try container.decode(AnchorOrigin.self, forKey: .origin),
                certificate: try Base64.decode(try container.decode(String.self, forKey: .certificate), .standard))
        case .vendor:
            self = .vendor(
                try container.decode(VendorName.self, forKey: .vendor),
                source: try container.decodeIfPresent(String.self, forKey: .source))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .request)
        switch self {
        case .anchor(let kind, let origin, let certificate):
            try container.encode(kind, forKey: .kind)
            try container.encode(origin, forKey: .origin)
            try container.encode(Base64.encode(certificate, .standard), forKey: .certificate)
        case .vendor(let name, let source):
            try container.encode(name, forKey: .vendor)
            try container.encodeIfPresent(source, forKey: .source)
        }
    }
}
