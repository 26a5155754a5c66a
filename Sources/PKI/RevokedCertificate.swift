package import Codecs

/// One entry of a revocation list. [RFC 5280 §5.1.2.6]
package struct RevokedCertificate: Sendable, Hashable {
    package let serialNumber: SerialNumber
    package let revokedAt: UTCDate
    /// Nil where none is given, which means the same as `unspecified`.
    package let reason: RevocationReason?
    /// Since when the key must be taken for lost: what was signed before, provably, stays good. [RFC 5280 §5.3.2]
    package let invalidityDate: UTCDate?
    /// Critical entry extensions that nothing here reads, such as the certificate issuer of an indirect list.
    package let unknownCritical: [String]

    package init(
        serialNumber: SerialNumber, revokedAt: UTCDate, reason: RevocationReason? = nil, invalidityDate: UTCDate? = nil
    ) {
        self.serialNumber = serialNumber
        self.revokedAt = revokedAt
        self.reason = reason == .unspecified ? nil : reason
        self.invalidityDate = invalidityDate
        unknownCritical = []
    }

    /// Takes one element of `revokedCertificates`.
    init(_ element: DERElement) throws {
        var reader = try DERReader(inside: element)
        serialNumber = SerialNumber(bytes: try reader.read(.integer).integerBytes())
        guard serialNumber.bytes.count <= 64 else { throw PKIError(.limit, "a serial number has more than 64 octets") }
        revokedAt = try reader.next().time()
        let extensions =
            reader.isAtEnd ? [] : try CertificateExtension.list(reader.read(.sequence), of: "a revocation list's entry")
        try reader.end()
        reason = try extensions.first { $0.identifier == ObjectIdentifier.reasonCode }.map(Self.reason)
        invalidityDate = try extensions.first { $0.identifier == ObjectIdentifier.invalidityDate }
            .map { try DERReader.single($0.value, .generalizedTime).time() }
        unknownCritical = extensions.filter { $0.isCritical && !Self.known.contains($0.identifier) }.map(\.identifier)
    }

    private static func reason(_ item: CertificateExtension) throws -> RevocationReason {
        let number = try DERReader.single(item.value, .enumerated).smallInteger()
        guard let reason = RevocationReason(code: number) else {
            throw PKIError(.malformed, "a revocation list has the reason \(number), which does not exist")
        }
        return reason
    }

    var encoded: [UInt8] {
        get throws {
            var fields = [DER.element(.integer, serialNumber.bytes), DER.time(revokedAt)]
            let extensions = [
                reason.map {
                    CertificateExtension(
                        identifier: ObjectIdentifier.reasonCode, isCritical: false,
                        value: DER.element(.enumerated, [$0.code]))
                },
                invalidityDate.map {
                    CertificateExtension(
                        identifier: ObjectIdentifier.invalidityDate, isCritical: false, value: DER.generalizedTime($0))
                },
            ].compactMap(\.self)
            if !extensions.isEmpty { fields.append(DER.sequence(of: try extensions.map { try $0.encoded })) }
            return DER.sequence(of: fields)
        }
    }

    private static let known: Set<String> = [ObjectIdentifier.reasonCode, ObjectIdentifier.invalidityDate]
}
