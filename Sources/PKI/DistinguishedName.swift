package import Codecs

/// The name of a subject or an issuer.
///
/// Two names are equal when they differ in nothing but string types, the case of ASCII letters and the amount of white
/// space, as OpenSSL compares them. [RFC 5280 §7.1]
package struct DistinguishedName: Sendable {
    /// Parts in the order in which they are encoded, the most significant (country) usually first; nearly always
    /// one attribute each.
    package let parts: [[NameAttribute]]
    /// The name as it is encoded.
    package let der: [UInt8]
    private let canonical: [UInt8]

    /// More attributes than any honest name has, and few enough to compare in no time.
    package static let maximumAttributes = 4_096

    /// Builds a name of one attribute per part, the most significant first.
    package init(_ attributes: [(NameAttributeType, String)]) throws(PKIError) {
        var parts: [[NameAttribute]] = []
        for (type, value) in attributes { parts.append([try NameAttribute(type, value)]) }
        try self.init(parts: parts)
    }

    init(parts: [[NameAttribute]]) throws(PKIError) {
        guard parts.reduce(0, { $0 + $1.count }) <= Self.maximumAttributes else {
            throw PKIError(.limit, "a name has more than \(Self.maximumAttributes) attributes")
        }
        do {
            var encoded: [[UInt8]] = []
            for part in parts {
                var attributes: [[UInt8]] = []
                for attribute in part {
                    attributes.append(
                        DER.sequence(try DER.objectIdentifier(attribute.type.identifier), attribute.encodedValue))
                }
                encoded.append(DER.set(of: attributes))
            }
            der = DER.sequence(of: encoded)
        } catch {
            throw PKIError(.name, "a name cannot be encoded: \(error.reason)")
        }
        self.parts = parts
        canonical = Self.canonical(parts)
    }

    /// Takes the element `Name` of a certificate. [RFC 5280 §4.1.2.4]
    package init(_ element: DERElement) throws(PKIError) {
        var parts: [[NameAttribute]] = []
        var count = 0
        do {
            var names = try DERReader(inside: element)
            while !names.isAtEnd {
                var attributes = try DERReader(inside: names.read(.set))
                var part: [NameAttribute] = []
                repeat {
                    count += 1
                    guard count <= Self.maximumAttributes else {
                        throw PKIError(.limit, "a name has more than \(Self.maximumAttributes) attributes")
                    }
                    var attribute = try DERReader(inside: attributes.read(.sequence))
                    let type = try attribute.read(.objectIdentifier).objectIdentifier()
                    part.append(try NameAttribute(NameAttributeType(identifier: type), attribute.next()))
                    try attribute.end()
                } while !attributes.isAtEnd
                parts.append(part)
            }
        } catch let error as PKIError {
            throw error
        } catch let error as CodecError {
            throw PKIError(.malformed, "a name is malformed: \(error.reason)")
        } catch {
            throw PKIError(.malformed, "a name is malformed")
        }
        self.parts = parts
        der = Array(element.encoded)
        canonical = Self.canonical(parts)
    }

    package var isEmpty: Bool { parts.isEmpty }

    /// All attributes, the most significant first.
    package var attributes: [NameAttribute] { parts.flatMap(\.self) }

    /// Whether a part holds more than one attribute, which trusted identities do not allow.
    package var hasMultiValuedPart: Bool { parts.contains { $0.count > 1 } }

    /// The texts of all attributes of a type, the most significant first.
    package func values(of type: NameAttributeType) -> [String] {
        attributes.filter { $0.type == type }.compactMap(\.value)
    }

    private static func canonical(_ parts: [[NameAttribute]]) -> [UInt8] {
        parts.flatMap { DER.set(of: $0.map(\.canonical)) }
    }
}

extension DistinguishedName: Hashable {
    package static func == (lhs: DistinguishedName, rhs: DistinguishedName) -> Bool { lhs.canonical == rhs.canonical }
    package func hash(into hasher: inout Hasher) { hasher.combine(canonical) }
}
