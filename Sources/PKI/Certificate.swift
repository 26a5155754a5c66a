package import Codecs
package import SigningKeys

/// The number that an issuer gave a certificate.
package struct SerialNumber: Sendable, Hashable, CustomStringConvertible {
    /// Two's complement octets as encoded; certificates of careless issuers have negative ones.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// Lower-case hexadecimal of the octets.
    package var description: String { Hex.encode(bytes) }

    /// As people compare it: lower-case hexadecimal without leading zeros.
    package var text: String {
        let digits = description.drop { $0 == "0" }
        return digits.isEmpty ? "0" : String(digits)
    }
}

/// One X.509 certificate, as it was received; nothing about it is verified but its form. [RFC 5280 §4.1]
package struct Certificate: Sendable {
    package let der: [UInt8]
    /// 1, 2 or 3.
    package let version: Int
    package let serialNumber: SerialNumber
    package let issuer: DistinguishedName
    package let subject: DistinguishedName
    package let notBefore: UTCDate
    /// The last moment at which it is valid.
    package let notAfter: UTCDate
    /// SubjectPublicKeyInfo, whether supported or not.
    package let publicKeyInfo: [UInt8]
    /// The key, or why it is not one to rely on.
    package let key: Result<PublicKey, KeyError>
    package let signatureAlgorithm: CertificateSignatureAlgorithm
    package let signature: [UInt8]
    package let extensions: CertificateExtensions
    /// What the signature is over.
    package let signedBytes: [UInt8]

    /// Larger than any honest certificate.
    package static let maximumBytes = 1 << 20

    /// Takes one certificate in DER, and nothing after it.
    package init(der: [UInt8]) throws(PKIError) {
        guard der.count <= Self.maximumBytes else {
            throw PKIError(.limit, "a certificate has \(der.count) bytes, at most \(Self.maximumBytes) are read")
        }
        do {
            try self.init(reading: der)
        } catch let error as PKIError {
            throw error
        } catch let error as CodecError {
            throw PKIError(.malformed, "a certificate is malformed: \(error.reason)")
        } catch {
            throw PKIError(.malformed, "a certificate is malformed")
        }
    }

    private init(reading der: [UInt8]) throws {
        var outer = try DERReader(inside: DERReader.single(der, .sequence))
        let signed = try outer.read(.sequence)
        let algorithm = try outer.read(.sequence)
        signature = try outer.read(.bitString).bitStringBytes()
        try outer.end()

        var fields = try DERReader(inside: signed)
        version = try Self.version(fields.readOptional(.context(0, constructed: true)))
        serialNumber = SerialNumber(bytes: try fields.read(.integer).integerBytes())
        guard serialNumber.bytes.count <= 64 else { throw PKIError(.limit, "a serial number has more than 64 octets") }
        guard try fields.read(.sequence).encoded == algorithm.encoded else {
            throw PKIError(.malformed, "a certificate names two different signature algorithms")
        }
        issuer = try DistinguishedName(fields.read(.sequence))
        var validity = try DERReader(inside: fields.read(.sequence))
        notBefore = try validity.next().time()
        notAfter = try validity.next().time()
        try validity.end()
        subject = try DistinguishedName(fields.read(.sequence))
        publicKeyInfo = Array(try fields.read(.sequence).encoded)
        for number in [1, 2] as [UInt8] {
            guard let identifier = try fields.readOptional(.context(number, constructed: false)) else { continue }
            guard version > 1, identifier.content.first.map({ $0 < 8 }) == true else {
                throw PKIError(.malformed, "a certificate has a unique identifier that does not belong there")
            }
        }
        let list = try fields.readOptional(.context(3, constructed: true))
        try fields.end()
        guard list == nil || version == 3 else {
            throw PKIError(.malformed, "a certificate of version \(version) has extensions")
        }
        extensions = try list.map(Self.extensions) ?? .none

        self.der = der
        signedBytes = Array(signed.encoded)
        signatureAlgorithm = try CertificateSignatureAlgorithm(algorithm)
        do throws(KeyError) { key = .success(try PublicKey(spki: publicKeyInfo)) } catch { key = .failure(error) }
    }

    private static func version(_ field: DERElement?) throws -> Int {
        guard let field else { return 1 }
        var reader = try DERReader(inside: field)
        let number = try reader.read(.integer).smallInteger()
        try reader.end()
        guard number == 1 || number == 2 else {
            throw PKIError(.malformed, "a certificate has a version that does not exist or is not to be written out")
        }
        return number + 1
    }

    private static func extensions(_ field: DERElement) throws -> CertificateExtensions {
        var reader = try DERReader(inside: field)
        let extensions = try CertificateExtensions(reader.read(.sequence))
        try reader.end()
        return extensions
    }
}

extension Certificate: Hashable {
    package static func == (lhs: Certificate, rhs: Certificate) -> Bool { lhs.der == rhs.der }
    package func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

extension Certificate {
    /// The key where it is of a supported type and size.
    package var publicKey: PublicKey? { try? key.get() }

    /// SHA-256 over the certificate.
    package var thumbprint: [UInt8] { HashAlgorithm.sha256.digest(of: der) }

    /// The thumbprint in lower-case hexadecimal.
    package var sha256: String { Hex.encode(thumbprint) }

    package var pem: String { PEMBlock(label: "CERTIFICATE", bytes: der).text }

    package var isCA: Bool { extensions.basicConstraints?.isCA == true }

    /// Subject and issuer are one name; says nothing about who signed.
    package var isSelfIssued: Bool { subject == issuer }

    /// Subject and issuer are one name, and its own key confirms its signature: costs one verification.
    package var isSelfSigned: Bool { isSelfIssued && isSigned(by: self) }

    /// Whether the key of `issuer` confirms the signature; compares no names.
    package func isSigned(by issuer: Certificate) -> Bool {
        guard let scheme = signatureAlgorithm.scheme, let key = issuer.publicKey else { return false }
        return key.isValid(signature: signature, over: signedBytes, certificateScheme: scheme)
    }

    /// Both ends belong to the validity. [RFC 5280 §4.1.2.5]
    package func isValid(at time: UTCDate) -> Bool { notBefore <= time && time <= notAfter }
}
