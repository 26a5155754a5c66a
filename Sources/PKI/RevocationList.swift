package import Codecs
import SigningKeys

/// A certificate revocation list, as it was received; nothing about it is verified but its form. [RFC 5280 §5.1]
///
/// Lists of version 1, and lists that do not say when the next one comes, are not read: nobody could rely on them.
package struct RevocationList: Sendable {
    package let der: [UInt8]
    package let issuer: DistinguishedName
    package let thisUpdate: UTCDate
    package let nextUpdate: UTCDate
    /// Big-endian magnitude of the list's number; nil where it has none.
    package let crlNumber: [UInt8]?
    /// In the order of the list; no serial number twice.
    package let entries: [RevokedCertificate]
    package let extensions: [CertificateExtension]
    package let authorityKeyIdentifier: [UInt8]?
    package let signatureAlgorithm: CertificateSignatureAlgorithm
    package let signature: [UInt8]
    /// What the signature is over.
    package let signedBytes: [UInt8]
    private let positions: [SerialNumber: Int]

    /// As much as Notation reads.
    package static let maximumBytes = 32 << 20

    package static let pemLabel = "X509 CRL"

    /// Takes one list in DER, and nothing after it.
    package init(der: [UInt8]) throws(PKIError) {
        guard der.count <= Self.maximumBytes else {
            throw PKIError(.limit, "a revocation list has \(der.count) bytes, at most \(Self.maximumBytes) are read")
        }
        do {
            try self.init(reading: der)
        } catch let error as PKIError {
            throw error
        } catch let error as CodecError {
            throw PKIError(.malformed, "a revocation list is malformed: \(error.reason)")
        } catch {
            throw PKIError(.malformed, "a revocation list is malformed")
        }
    }

    /// Takes one list in DER or in one PEM block.
    package init(pemOrDER bytes: [UInt8]) throws(PKIError) {
        guard bytes.first != 0x30 else {
            try self.init(der: bytes)
            return
        }
        let blocks: [PEMBlock]
        do throws(CodecError) { blocks = try PEM.decode(bytes, maximumBytes: Self.maximumBytes * 3 / 2) } catch {
            throw PKIError(
                .malformed, "a revocation list is neither DER nor clean PEM: \(error.reason)", hint: error.hint)
        }
        guard let block = blocks.first, blocks.count == 1, block.label == Self.pemLabel else {
            throw PKIError(.malformed, "exactly one PEM block \(Self.pemLabel) belongs here")
        }
        try self.init(der: block.bytes)
    }

    /// Whether bytes that are no list, or a damaged one, were meant to be one: by their label, or because a time stands
    /// behind the first name, where a certificate has its validity.
    package static func isMeant(by bytes: [UInt8]) -> Bool {
        guard bytes.first == 0x30 else { return bytes.starts(with: Array("-----BEGIN \(pemLabel)-----".utf8)) }
        var outer = DERReader(bytes)
        guard let whole = try? outer.read(.sequence), var parts = try? DERReader(inside: whole),
            let signed = try? parts.read(.sequence), var fields = try? DERReader(inside: signed)
        else { return false }
        _ = try? fields.readOptional(.integer)
        return (try? fields.read(.sequence)) != nil && (try? fields.read(.sequence)) != nil
            && [.utcTime, .generalizedTime].contains(fields.nextTag)
    }

    private init(reading der: [UInt8]) throws {
        var outer = try DERReader(inside: DERReader.single(der, .sequence))
        let signed = try outer.read(.sequence)
        let algorithm = try outer.read(.sequence)
        signature = try outer.read(.bitString).bitStringBytes()
        try outer.end()

        var fields = try DERReader(inside: signed)
        guard try fields.readOptional(.integer)?.smallInteger() == 1 else {
            throw PKIError(.malformed, "a revocation list is not of version 2")
        }
        guard try fields.read(.sequence).encoded == algorithm.encoded else {
            throw PKIError(.malformed, "a revocation list names two different signature algorithms")
        }
        issuer = try DistinguishedName(fields.read(.sequence))
        guard !issuer.isEmpty else { throw PKIError(.malformed, "a revocation list has no issuer") }
        thisUpdate = try fields.next().time()
        guard fields.nextTag == .utcTime || fields.nextTag == .generalizedTime else {
            throw PKIError(.malformed, "a revocation list does not say when the next one comes")
        }
        nextUpdate = try fields.next().time()
        let revoked = try fields.readOptional(.sequence)
        let list = try fields.readOptional(.context(0, constructed: true))
        try fields.end()
        extensions = try list.map(Self.extensions) ?? []
        crlNumber = try Self.find(ObjectIdentifier.crlNumber, extensions).map(Self.number)
        authorityKeyIdentifier = try Self.find(ObjectIdentifier.authorityKeyIdentifier, extensions)
            .flatMap(CertificateExtensions.authorityKeyIdentifier)
        (entries, positions) = try revoked.map(Self.entries) ?? ([], [:])

        self.der = der
        signedBytes = Array(signed.encoded)
        signatureAlgorithm = try CertificateSignatureAlgorithm(algorithm)
    }

    private static func extensions(_ element: DERElement) throws -> [CertificateExtension] {
        var reader = try DERReader(inside: element)
        let extensions = try CertificateExtension.list(reader.read(.sequence), of: "a revocation list")
        try reader.end()
        return extensions
    }

    private static func entries(_ element: DERElement) throws -> ([RevokedCertificate], [SerialNumber: Int]) {
        var reader = try DERReader(inside: element)
        var entries: [RevokedCertificate] = []
        var positions: [SerialNumber: Int] = [:]
        repeat {
            let entry = try RevokedCertificate(reader.read(.sequence))
            guard positions.updateValue(entries.count, forKey: entry.serialNumber) == nil else {
                throw PKIError(.malformed, "a revocation list has the serial number \(entry.serialNumber) twice")
            }
            entries.append(entry)
        } while !reader.isAtEnd
        return (entries, positions)
    }

    private static func number(_ item: CertificateExtension) throws -> [UInt8] {
        let number = try DERReader.single(item.value, .integer).unsignedIntegerBytes()
        guard number.count <= 20 else {
            throw PKIError(.malformed, "a revocation list has a number of more than 20 octets")
        }
        return number
    }

    fileprivate static func find(
        _ identifier: String, _ extensions: [CertificateExtension]
    ) -> CertificateExtension? {
        extensions.first { $0.identifier == identifier }
    }
}

extension RevocationList {
    package subscript(serialNumber: SerialNumber) -> RevokedCertificate? {
        positions[serialNumber].map { entries[$0] }
    }

    package var pem: String { PEMBlock(label: Self.pemLabel, bytes: der).text }

    /// The number in decimal where it is one that people count with, else in hexadecimal.
    package var crlNumberText: String? {
        crlNumber.map { number in
            number.count <= 8 ? String(number.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) : "0x" + Hex.encode(number)
        }
    }

    /// The changes to another list only. [RFC 5280 §5.2.4]
    package var isDelta: Bool { Self.find(ObjectIdentifier.deltaCRLIndicator, extensions) != nil }

    /// Whether the list may be only a part of what its issuer revoked, or speak of other issuers. [RFC 5280 §5.2.5]
    package var isPartial: Bool { Self.find(ObjectIdentifier.issuingDistributionPoint, extensions) != nil }

    /// Checks that this is everything an issuer has revoked, signed by its key, and in force.
    ///
    /// - Parameter authority: the issuer's certificate, whose own trust is the caller's to check.
    /// - Throws: `PKIError(.revocationList)`: of such a list nothing may be concluded.
    package func verified(by authority: Certificate, at time: UTCDate) throws(PKIError) -> VerifiedRevocationList {
        guard issuer == authority.subject else {
            throw refused("is that of \"\(issuer.shortDescription)\", not of \"\(authority.subject.shortDescription)\"")
        }
        guard authority.extensions.keyUsage?.usages.contains(.cRLSign) == true else {
            throw refused("comes from a certificate that may not sign revocation lists")
        }
        guard let scheme = signatureAlgorithm.scheme,
            authority.publicKey?.isValid(signature: signature, over: signedBytes, certificateScheme: scheme) == true
        else { throw refused("is not signed by the key of its issuer") }
        guard !isDelta else { throw refused("holds only changes to another one") }
        guard !isPartial else { throw refused("has a scope of its own, and may be only a part") }
        let unknown =
            extensions.filter { $0.isCritical && !Self.known.contains($0.identifier) }.map(\.identifier)
            + entries.flatMap(\.unknownCritical)
        if let unknown = unknown.first { throw refused("has the critical extension \(unknown), which is not read") }
        guard !entries.contains(where: { $0.reason == .removeFromCRL }) else {
            throw refused("takes certificates off a list, which only lists of changes do")
        }
        guard thisUpdate <= time else { throw refused("is not in force before \(thisUpdate), asked for \(time)") }
        guard time <= nextUpdate else {
            throw refused("was to be followed by another one by \(nextUpdate), asked for \(time)")
        }
        return VerifiedRevocationList(self, authority)
    }

    private func refused(_ what: String) -> PKIError { PKIError(.revocationList, "the revocation list \(what)") }

    private static let known: Set<String> = [
        ObjectIdentifier.authorityKeyIdentifier, ObjectIdentifier.crlNumber,
    ]
}

/// All that an issuer has revoked, signed by it, and in force at the moment that was asked for.
package struct VerifiedRevocationList: Sendable {
    package let list: RevocationList
    package let authority: Certificate

    fileprivate init(_ list: RevocationList, _ authority: Certificate) {
        self.list = list
        self.authority = authority
    }
}
