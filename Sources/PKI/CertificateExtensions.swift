import Codecs

/// What a key may be used for. [RFC 5280 §4.2.1.3]
package enum KeyUsage: Int, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case digitalSignature, contentCommitment, keyEncipherment, dataEncipherment, keyAgreement, keyCertSign, cRLSign
    case encipherOnly, decipherOnly

    package var description: String {
        switch self {
        case .digitalSignature: "digitalSignature"
        case .contentCommitment: "contentCommitment"
        case .keyEncipherment: "keyEncipherment"
        case .dataEncipherment: "dataEncipherment"
        case .keyAgreement: "keyAgreement"
        case .keyCertSign: "keyCertSign"
        case .cRLSign: "cRLSign"
        case .encipherOnly: "encipherOnly"
        case .decipherOnly: "decipherOnly"
        }
    }
}

/// One extension as it stands in a certificate.
package struct CertificateExtension: Sendable, Hashable {
    package let identifier: String
    package let isCritical: Bool
    /// Content of the octet string.
    package let value: [UInt8]

    package init(identifier: String, isCritical: Bool, value: [UInt8]) {
        self.identifier = identifier
        self.isCritical = isCritical
        self.value = value
    }
}

extension CertificateExtension {
    /// More extensions than any honest certificate has.
    private static let maximumCount = 128

    /// Takes the element `Extensions` of something: at least one, no two of one kind. [RFC 5280 §4.1.2.9]
    static func list(_ element: DERElement, of holder: String) throws -> [CertificateExtension] {
        var reader = try DERReader(inside: element)
        var all: [CertificateExtension] = []
        repeat {
            let item = try CertificateExtension(reader.read(.sequence))
            guard !all.contains(where: { $0.identifier == item.identifier }) else {
                throw PKIError(.malformed, "\(holder) has two extensions \(item.identifier)")
            }
            guard all.count < maximumCount else {
                throw PKIError(.limit, "\(holder) has more than \(maximumCount) extensions")
            }
            all.append(item)
        } while !reader.isAtEnd
        return all
    }

    private init(_ element: DERElement) throws {
        var reader = try DERReader(inside: element)
        identifier = try reader.read(.objectIdentifier).objectIdentifier()
        isCritical = try reader.readOptional(.boolean)?.boolean() ?? false
        value = try reader.read(.octetString).bytes
        try reader.end()
    }
}

/// The extensions of a certificate.
///
/// Basic constraints, key usage and extended key usage decide, so they must be well formed. The others are read where
/// they can be and decide nothing, whether they are critical or not (Notary signature specification, Other requirements 2).
package struct CertificateExtensions: Sendable {
    package struct BasicConstraints: Sendable, Hashable {
        package let isCritical: Bool
        package let isCA: Bool
        package let pathLength: Int?
    }

    package struct KeyUsages: Sendable, Hashable {
        package let isCritical: Bool
        package let usages: Set<KeyUsage>
    }

    package struct ExtendedKeyUsage: Sendable, Hashable {
        package let isCritical: Bool
        /// Dotted object identifiers, at least one.
        package let purposes: [String]
    }

    /// Every extension, in order; no two of one kind.
    package let all: [CertificateExtension]
    package let basicConstraints: BasicConstraints?
    package let keyUsage: KeyUsages?
    package let extendedKeyUsage: ExtendedKeyUsage?
    package let subjectKeyIdentifier: [UInt8]?
    package let authorityKeyIdentifier: [UInt8]?
    package let revocation: RevocationAddresses

    package subscript(identifier: String) -> CertificateExtension? { all.first { $0.identifier == identifier } }

    static let none = CertificateExtensions()

    private init() {
        all = []
        basicConstraints = nil
        keyUsage = nil
        extendedKeyUsage = nil
        subjectKeyIdentifier = nil
        authorityKeyIdentifier = nil
        revocation = RevocationAddresses(of: [])
    }

    /// Takes the element `Extensions`. [RFC 5280 §4.1.2.9]
    init(_ element: DERElement) throws {
        let all = try CertificateExtension.list(element, of: "a certificate")
        func find(_ identifier: String) -> CertificateExtension? { all.first { $0.identifier == identifier } }
        self.all = all
        basicConstraints = try find(ObjectIdentifier.basicConstraints).map(Self.basicConstraints)
        keyUsage = try find(ObjectIdentifier.keyUsage).map(Self.keyUsage)
        extendedKeyUsage = try find(ObjectIdentifier.extendedKeyUsage).map(Self.extendedKeyUsage)
        subjectKeyIdentifier = find(ObjectIdentifier.subjectKeyIdentifier).flatMap { item in
            try? DERReader.single(item.value, .octetString).bytes
        }
        authorityKeyIdentifier = find(ObjectIdentifier.authorityKeyIdentifier).flatMap { item in
            try? Self.authorityKeyIdentifier(item)
        }
        revocation = RevocationAddresses(of: all)
    }

    private static func basicConstraints(_ item: CertificateExtension) throws -> BasicConstraints {
        try named("basic constraints") {
            var reader = try DERReader(inside: DERReader.single(item.value, .sequence))
            let isCA = try reader.readOptional(.boolean)?.boolean() ?? false
            let pathLength = try reader.readOptional(.integer).map { element in
                let octets = try element.unsignedIntegerBytes()
                return octets.count < 8 ? octets.reduce(0) { $0 << 8 | Int($1) } : Int.max
            }
            try reader.end()
            return BasicConstraints(isCritical: item.isCritical, isCA: isCA, pathLength: pathLength)
        }
    }

    private static func keyUsage(_ item: CertificateExtension) throws -> KeyUsages {
        try named("key usage") {
            let bits = try DERReader.single(item.value, .bitString).namedBits()
            return KeyUsages(isCritical: item.isCritical, usages: Set(bits.compactMap(KeyUsage.init(rawValue:))))
        }
    }

    private static func extendedKeyUsage(_ item: CertificateExtension) throws -> ExtendedKeyUsage {
        try named("extended key usage") {
            var reader = try DERReader(inside: DERReader.single(item.value, .sequence))
            var purposes: [String] = []
            repeat { purposes.append(try reader.read(.objectIdentifier).objectIdentifier()) } while !reader.isAtEnd
            return ExtendedKeyUsage(isCritical: item.isCritical, purposes: purposes)
        }
    }

    static func authorityKeyIdentifier(_ item: CertificateExtension) throws -> [UInt8]? {
        var reader = try DERReader(inside: DERReader.single(item.value, .sequence))
        return try reader.readOptional(.context(0, constructed: false))?.bytes
    }

    private static func named<Value>(_ name: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as CodecError {
            throw PKIError(.malformed, "the \(name) of a certificate are malformed: \(error.reason)")
        }
    }
}
