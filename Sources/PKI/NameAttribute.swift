package import Codecs

/// What a part of a distinguished name says: country, organisation, and so on.
package struct NameAttributeType: Sendable, Hashable {
    /// Dotted object identifier.
    package let identifier: String

    package init(identifier: String) { self.identifier = identifier }

    package static let commonName = NameAttributeType(identifier: "2.5.4.3")
    package static let locality = NameAttributeType(identifier: "2.5.4.7")
    package static let stateOrProvince = NameAttributeType(identifier: "2.5.4.8")
    package static let organization = NameAttributeType(identifier: "2.5.4.10")
    package static let organizationalUnit = NameAttributeType(identifier: "2.5.4.11")
    package static let country = NameAttributeType(identifier: "2.5.4.6")
    package static let street = NameAttributeType(identifier: "2.5.4.9")
    package static let domainComponent = NameAttributeType(identifier: "0.9.2342.19200300.100.1.25")
    package static let userID = NameAttributeType(identifier: "0.9.2342.19200300.100.1.1")

    /// The short name of RFC 4514 §3, or nil where only the dotted form is to be used.
    package var shortName: String? { Self.names.first { $0.1 == self }?.0 }

    /// Short name or dotted form.
    package var text: String { shortName ?? identifier }

    /// `S` is understood as `ST`, as the Notary Project's tools do; upper case only.
    init?(shortName: String) {
        guard let found = Self.names.first(where: { $0.0 == (shortName == "S" ? "ST" : shortName) }) else { return nil }
        self = found.1
    }

    private static let names: [(String, NameAttributeType)] = [
        ("CN", .commonName), ("L", .locality), ("ST", .stateOrProvince), ("O", .organization),
        ("OU", .organizationalUnit), ("C", .country), ("STREET", .street), ("DC", .domainComponent), ("UID", .userID),
    ]
}

/// One type and its value inside a distinguished name. [RFC 5280 §4.1.2.4]
package struct NameAttribute: Sendable {
    package let type: NameAttributeType
    /// The text of the value; nil for a value of a type that is no directory string.
    package let value: String?
    /// The value's whole element.
    package let encodedValue: [UInt8]
    /// What takes part in comparing: type and value, the value's case and spaces evened out.
    let canonical: [UInt8]

    /// Encodes a text: country as PrintableString, domain components as IA5String, the rest as UTF8String.
    package init(_ type: NameAttributeType, _ value: String) throws(PKIError) {
        let tag: DERTag =
            switch type {
            case .country: .printableString
            case .domainComponent: .ia5String
            default: .utf8String
            }
        guard !value.isEmpty, value.utf8.count <= 256, tag == .utf8String || value.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw PKIError(.name, "the value of \(type.text) is empty, too long or not in its alphabet")
        }
        do {
            try self.init(type, DERReader.single(DER.element(tag, Array(value.utf8)), tag))
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError(.name, "the value of \(type.text) cannot be encoded")
        }
    }

    /// Takes a value as it stands in a certificate.
    package init(_ type: NameAttributeType, _ element: DERElement) throws(PKIError) {
        self.type = type
        encodedValue = Array(element.encoded)
        value = element.text
        if value == nil, Self.directoryStrings.contains(element.tag) {
            throw PKIError(.name, "the value of \(type.text) in a name is not text of its type")
        }
        do {
            let evened = value.map { DER.element(.utf8String, Self.evened($0)) } ?? encodedValue
            canonical = DER.sequence(try DER.objectIdentifier(type.identifier), evened)
        } catch {
            throw PKIError(.name, "\"\(type.identifier)\" is not an object identifier")
        }
    }

    /// ASCII in lower case, runs of spaces as one, none at the ends: names that differ only so are one name. [RFC 5280 §7.1]
    private static func evened(_ text: String) -> [UInt8] {
        let words = text.utf8.split { $0 == 0x20 || (0x09...0x0D).contains($0) }
        return Array(words.joined(separator: [0x20])).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }

    private static let directoryStrings: Set<DERTag> = [
        .utf8String, .printableString, .ia5String, .teletexString, .bmpString, .universalString, .visibleString,
    ]
}
