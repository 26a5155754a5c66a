package import Codecs
import SigningKeys

/// One anchor of a vendor, with the fingerprint that the author read somewhere else and typed.
package struct VendorAnchor: Sendable, Hashable, Codable {
    package let kind: TrustStoreKind
    /// DER.
    package let certificate: [UInt8]
    /// SHA-256 of the certificate, lower-case hexadecimal; compared with the certificate.
    package let fingerprint: String

    /// - Parameter typed: hexadecimal digits, with or without colons and spaces.
    /// - Throws: `TrustModelError(.document)` when the certificate has another fingerprint.
    package init(kind: TrustStoreKind, certificate: [UInt8], typed: String) throws(TrustModelError) {
        let digits = typed.lowercased().filter { $0 != ":" && $0 != " " }
        let found = Hex.encode(HashAlgorithm.sha256.digest(of: certificate))
        guard digits == found else {
            throw TrustModelError(
                .document, "the fingerprint \(typed.prefix(100)) is not the certificate's, which is \(found)",
                hint: "take the fingerprint from the vendor by another way than the certificate, and look again")
        }
        self.kind = kind
        self.certificate = certificate
        fingerprint = found
    }

    private enum CodingKeys: String, CodingKey { case kind, certificate, fingerprint }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            kind: try container.decodeIfPresent(TrustStoreKind.self, forKey: .kind) ?? .ca,
            certificate: try Base64.decode(try container.decode(String.self, forKey: .certificate), .standard),
            typed: try container.decode(String.self, forKey: .fingerprint))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encode(Base64.encode(certificate, .standard), forKey: .certificate)
        try container.encode(fingerprint, forKey: .fingerprint)
    }
}

/// Who a vendor is, and where that can be looked up.
package struct VendorDetails: Sendable, Hashable, Codable {
    package let displayName: String
    /// Whom to call when something is wrong with its signatures.
    package let contact: String
    /// Where the anchors were taken from.
    package let source: String
    /// The policy under which the vendor signs.
    package let policyDocument: String?
    /// What an auditor says of the vendor's keys.
    package let auditStatement: String?
    /// Registry scopes under which the vendor itself publishes.
    package let scopes: [RegistryScope]
    /// Trusted identities in Notation's form that the vendor signs as.
    package let identities: [String]
    /// When somebody must look at it again.
    package let reviewBy: UTCDate

    package static let maximumTextLength = 2_000
    package static let maximumEntries = 50

    /// - Throws: `TrustModelError(.document)` for texts that are empty or too long, addresses that are not https, and too many entries.
    package init(
        displayName: String, contact: String, source: String, policyDocument: String? = nil,
        auditStatement: String? = nil, scopes: [RegistryScope] = [], identities: [String] = [], reviewBy: UTCDate
    ) throws(TrustModelError) {
        try Self.check(displayName, "display name", maximum: 200)
        try Self.check(contact, "contact")
        try Self.check(source, "source")
        for (text, name) in [
            (source, "source"), (policyDocument, "policy document"), (auditStatement, "audit statement"),
        ] {
            guard let text else { continue }
            try Self.check(text, name)
            guard text.hasPrefix("https://"), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw TrustModelError(.document, "the \(name) of a vendor is no https address", hint: "https://…")
            }
        }
        guard scopes.count <= Self.maximumEntries, identities.count <= Self.maximumEntries else {
            throw TrustModelError(
                .document, "a vendor has \(scopes.count) scopes and \(identities.count) identities",
                hint: "at most \(Self.maximumEntries) each")
        }
        for identity in identities {
            try Self.check(identity, "identity")
            _ = try TrustedIdentity(identity)
        }
        self.displayName = displayName
        self.contact = contact
        self.source = source
        self.policyDocument = policyDocument
        self.auditStatement = auditStatement
        self.scopes = scopes
        self.identities = identities
        self.reviewBy = reviewBy
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            displayName: try container.decode(String.self, forKey: .displayName),
            contact: try container.decode(String.self, forKey: .contact),
            source: try container.decode(String.self, forKey: .source),
            policyDocument: try container.decodeIfPresent(String.self, forKey: .policyDocument),
            auditStatement: try container.decodeIfPresent(String.self, forKey: .auditStatement),
            scopes: try container.decodeIfPresent([RegistryScope].self, forKey: .scopes) ?? [],
            identities: try container.decodeIfPresent([String].self, forKey: .identities) ?? [],
            reviewBy: try container.decode(UTCDate.self, forKey: .reviewBy))
    }

    private static func check(
        _ text: String, _ what: String, maximum: Int = maximumTextLength
    ) throws(TrustModelError) {
        guard !text.allSatisfy(\.isWhitespace), text.utf8.count <= maximum, !text.utf8.contains(0) else {
            throw TrustModelError(
                .document, "the \(what) of a vendor is empty or too long", hint: "1 to \(maximum) bytes")
        }
    }
}

/// Registers a third party, or says anew who it is and which anchors it has.
///
/// It is agreed to by two people, one of them from outside the team that asks. The anchors are those that the vendor
/// has from then on: the teams that use it get what is new and lose what is gone.
package struct SetVendor: GovernedOperation {
    package static let kind = OperationKind.setVendor
    package static let concern = ChangeConcern.vendors

    package let vendor: VendorName
    package let askedBy: TeamName
    /// The version that it was made from, so that an anchor removed meanwhile does not come back; 0 for a new vendor.
    package let version: Int64
    package let details: VendorDetails
    package let anchors: [VendorAnchor]

    /// More than any third party signs with at one time.
    package static let maximumAnchors = 20

    /// - Throws: `TrustModelError(.document)` for no or too many anchors, or one twice.
    package init(
        vendor: VendorName, askedBy: TeamName, version: Int64 = 0, details: VendorDetails, anchors: [VendorAnchor]
    ) throws(TrustModelError) {
        guard (1...Self.maximumAnchors).contains(anchors.count) else {
            throw TrustModelError(
                .document, "vendor \(vendor) has \(anchors.count) anchors", hint: "1 to \(Self.maximumAnchors)")
        }
        guard Set(anchors.map { [$0.kind.rawValue, $0.fingerprint] }).count == anchors.count else {
            throw TrustModelError(.document, "vendor \(vendor) has one anchor twice", hint: "leave the second one out")
        }
        guard version >= 0 else { throw TrustModelError(.document, "vendor \(vendor) has no version \(version)") }
        self.vendor = vendor
        self.askedBy = askedBy
        self.version = version
        self.details = details
        self.anchors = anchors
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let anchors = try container.decode([VendorAnchor].self, forKey: .anchors)
        try self.init(
            vendor: try container.decode(VendorName.self, forKey: .vendor),
            askedBy: try container.decode(TeamName.self, forKey: .askedBy),
            version: try container.decodeIfPresent(Int64.self, forKey: .version) ?? 0,
            details: try container.decode(VendorDetails.self, forKey: .details), anchors: anchors)
    }

    package var asking: TeamName? { askedBy }
    package func proposal(in team: TeamName?) -> [Permission] { [.propose(askedBy)] }
    package func approval(in team: TeamName?) -> Permission { .approveVendor(askedBy) }

    package var summary: String {
        let verb = version == 0 ? "registers" : "changes"
        let prints = anchors.map { "\($0.kind.rawValue) \($0.fingerprint)" }.joined(separator: ", ")
        return "\(verb) the vendor \(vendor) (\(details.displayName)), asked for by team \(askedBy), "
            + "with the anchors \(prints)"
    }
}
