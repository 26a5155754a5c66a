package import Codecs
package import SigningKeys

/// Everything that goes into a certificate, ready to be signed; checks nothing, so that tests can make bad ones too.
package struct CertificateTemplate: Sendable {
    package var serialNumber: SerialNumber
    package var issuer: DistinguishedName
    package var subject: DistinguishedName
    package var notBefore: UTCDate
    package var notAfter: UTCDate
    /// SubjectPublicKeyInfo.
    package var publicKeyInfo: [UInt8]
    package var extensions: [CertificateExtension]

    package init(
        serialNumber: SerialNumber = .random(), issuer: DistinguishedName, subject: DistinguishedName,
        notBefore: UTCDate, notAfter: UTCDate, publicKeyInfo: [UInt8], extensions: [CertificateExtension]
    ) {
        self.serialNumber = serialNumber
        self.issuer = issuer
        self.subject = subject
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.publicKeyInfo = publicKeyInfo
        self.extensions = extensions
    }

    /// Signs with the scheme that fits the key's size, unless another is given.
    package func signed(by signer: some Signer, scheme: SignatureScheme? = nil) async throws -> Certificate {
        let scheme = scheme ?? signer.publicKey.type.certificateScheme
        let algorithm = try CertificateSignatureAlgorithm.encoded(scheme)
        let signedBytes = try encoded(algorithm)
        let signature = try await verifiedSignature(by: signer, over: signedBytes, scheme: scheme)
        return try Certificate(der: DER.sequence(signedBytes, algorithm, DER.bitString(signature)))
    }

    private func encoded(_ algorithm: [UInt8]) throws -> [UInt8] {
        var fields = [
            DER.explicit(0, DER.integer(2)), DER.element(.integer, serialNumber.bytes), algorithm, issuer.der,
            DER.sequence(DER.time(notBefore), DER.time(notAfter)), subject.der, publicKeyInfo,
        ]
        if !extensions.isEmpty {
            fields.append(DER.explicit(3, DER.sequence(of: try extensions.map { try $0.encoded })))
        }
        return DER.sequence(of: fields)
    }
}

extension SerialNumber {
    /// Positive, 16 octets, 126 of its bits random. [RFC 5280 §4.1.2.2]
    package static func random() -> SerialNumber {
        var bytes = SecureRandom.bytes(16)
        bytes[0] = bytes[0] & 0x3F | 0x40
        return SerialNumber(bytes: bytes)
    }
}

extension KeyType {
    /// How keys of this type sign certificates: the hash grows with the key.
    package var certificateScheme: SignatureScheme {
        switch self {
        case .ed25519: .ed25519
        case .ec(.p256): .ecdsa(.sha256, .der)
        case .ec(.p384): .ecdsa(.sha384, .der)
        case .ec(.p521): .ecdsa(.sha512, .der)
        case .rsa(let bits): .rsaPSS(bits < 3_072 ? .sha256 : bits < 4_096 ? .sha384 : .sha512)
        }
    }
}

extension CertificateExtension {
    var encoded: [UInt8] {
        get throws {
            let identifier = try DER.objectIdentifier(identifier)
            let value = DER.octetString(value)
            return isCritical ? DER.sequence(identifier, DER.boolean(true), value) : DER.sequence(identifier, value)
        }
    }

    package static func basicConstraints(isCA: Bool, pathLength: Int? = nil, isCritical: Bool = true) -> Self {
        var fields = isCA ? [DER.boolean(true)] : []
        if let pathLength { fields.append(DER.integer(UInt64(max(pathLength, 0)))) }
        return Self(
            identifier: ObjectIdentifier.basicConstraints, isCritical: isCritical, value: DER.sequence(of: fields))
    }

    package static func keyUsage(_ usages: Set<KeyUsage>, isCritical: Bool = true) -> Self {
        Self(
            identifier: ObjectIdentifier.keyUsage, isCritical: isCritical,
            value: DER.namedBits(Set(usages.map(\.rawValue))))
    }

    package static func extendedKeyUsage(_ purposes: [String], isCritical: Bool = false) throws(CodecError) -> Self {
        var identifiers: [[UInt8]] = []
        for purpose in purposes { identifiers.append(try DER.objectIdentifier(purpose)) }
        return Self(
            identifier: ObjectIdentifier.extendedKeyUsage, isCritical: isCritical, value: DER.sequence(of: identifiers))
    }

    package static func subjectKeyIdentifier(_ identifier: [UInt8]) -> Self {
        Self(
            identifier: ObjectIdentifier.subjectKeyIdentifier, isCritical: false, value: DER.octetString(identifier))
    }

    package static func authorityKeyIdentifier(_ identifier: [UInt8]) -> Self {
        Self(
            identifier: ObjectIdentifier.authorityKeyIdentifier, isCritical: false,
            value: DER.sequence(DER.element(.context(0, constructed: false), identifier)))
    }

    /// One distribution point with one URL each, to be tried in order.
    package static func crlDistributionPoints(_ urls: [String]) -> Self {
        let points = urls.map { url in
            let name = DER.element(.context(6, constructed: false), Array(url.utf8))
            return DER.sequence(DER.explicit(0, DER.explicit(0, name)))
        }
        return Self(
            identifier: ObjectIdentifier.crlDistributionPoints, isCritical: false, value: DER.sequence(of: points))
    }

    package static func ocspResponders(_ urls: [String]) throws(CodecError) -> Self {
        let method = try DER.objectIdentifier(ObjectIdentifier.ocsp)
        let descriptions = urls.map { url in
            DER.sequence(method, DER.element(.context(6, constructed: false), Array(url.utf8)))
        }
        return Self(
            identifier: ObjectIdentifier.authorityInformationAccess, isCritical: false,
            value: DER.sequence(of: descriptions))
    }
}
