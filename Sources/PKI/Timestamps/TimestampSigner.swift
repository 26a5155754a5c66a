import Codecs
import OpenSSLKit
import SigningKeys

/// Who signed a timestamp, and how: the one SignerInfo of its CMS structure. [RFC 5652 §5.3, RFC 5816]
struct TimestampSigner: Sendable {
    /// The certificate by its place in a certification authority's books, or by its key.
    enum Identifier: Sendable {
        case issuerAndSerial(DistinguishedName, SerialNumber)
        case subjectKeyIdentifier([UInt8])
    }

    /// A certificate as the signed attributes name it. [RFC 5035 §4]
    private struct NamedCertificate: Sendable {
        /// Nil is SHA-1.
        let hash: HashAlgorithm?
        let digest: [UInt8]
        let issuer: DistinguishedName?
        let serialNumber: SerialNumber?

        func names(_ certificate: Certificate) -> Bool {
            guard let actual = hash.map({ $0.digest(of: certificate.der) }) ?? LegacyHash.sha1(of: certificate.der)
            else { return false }
            return actual == digest && (issuer.map { $0 == certificate.issuer } ?? true)
                && (serialNumber.map { $0 == certificate.serialNumber } ?? true)
        }
    }

    private let identifier: Identifier
    private let digestAlgorithm: HashAlgorithm
    private let messageDigest: [UInt8]
    private let certificates: [NamedCertificate]
    /// The attributes as a SET, which is what is signed.
    private let signedBytes: [UInt8]
    private let scheme: CertificateSignatureScheme
    private let signature: [UInt8]

    static let maximumAttributes = 32

    init(_ element: DERElement) throws {
        var fields = try DERReader(inside: element)
        let version = try fields.read(.integer).smallInteger()
        identifier = try Self.identifier(&fields, version)
        guard let digestAlgorithm = try HashAlgorithm(fields.read(.sequence)) else {
            throw PKIError(.timestampSignature, "a timestamp is signed over a hash that is not trusted or not known")
        }
        self.digestAlgorithm = digestAlgorithm
        guard let list = try fields.readOptional(.context(0, constructed: true)) else {
            throw PKIError(.timestampSignature, "a timestamp has no signed attributes")
        }
        signedBytes = [DERTag.set.rawValue] + list.encoded.dropFirst()
        let attributes = try Self.attributes(list)
        let type = try Self.single(attributes, ObjectIdentifier.contentType, "the type of its content")
        guard try type?.objectIdentifier() == ObjectIdentifier.timestampInfo else {
            throw PKIError(.timestampSignature, "a timestamp's signed attributes do not say that it is a timestamp")
        }
        guard let digest = try Self.single(attributes, ObjectIdentifier.messageDigest, "its digest"),
            digest.tag == .octetString
        else { throw PKIError(.timestampSignature, "a timestamp's signed attributes hold no digest") }
        messageDigest = digest.bytes
        certificates = try Self.namedCertificates(attributes)
        scheme = try Self.scheme(fields.read(.sequence), digestAlgorithm)
        signature = try fields.read(.octetString).bytes
        _ = try fields.readOptional(.context(1, constructed: true))
        try fields.end()
    }

    /// Whether a certificate is the one that is named in both places.
    func isNamed(_ certificate: Certificate) -> Bool {
        let isMeant =
            switch identifier {
            case .issuerAndSerial(let issuer, let serial):
                certificate.issuer == issuer && certificate.serialNumber == serial
            case .subjectKeyIdentifier(let key): certificate.extensions.subjectKeyIdentifier == key
            }
        return isMeant && certificates.allSatisfy { $0.names(certificate) }
    }

    /// Whether the key of a certificate signed this content.
    func confirms(_ content: [UInt8], with certificate: Certificate) -> Bool {
        guard digestAlgorithm.digest(of: content) == messageDigest, let key = certificate.publicKey else {
            return false
        }
        return key.isValid(signature: signature, over: signedBytes, certificateScheme: scheme)
    }

    // MARK: Reading

    private static func identifier(_ fields: inout DERReader, _ version: Int) throws -> Identifier {
        if let key = try fields.readOptional(.context(0, constructed: false)), version == 3 {
            return .subjectKeyIdentifier(key.bytes)
        }
        guard version == 1 else {
            throw PKIError(.malformed, "a timestamp's signer is written down in version \(version), which does not fit")
        }
        var pair = try DERReader(inside: fields.read(.sequence))
        let issuer = try DistinguishedName(pair.read(.sequence))
        let serial = SerialNumber(bytes: try pair.read(.integer).integerBytes())
        try pair.end()
        return .issuerAndSerial(issuer, serial)
    }

    /// The values of each attribute, no attribute twice.
    private static func attributes(_ list: DERElement) throws -> [String: DERElement] {
        var reader = try DERReader(inside: list)
        var attributes: [String: DERElement] = [:]
        while !reader.isAtEnd {
            var attribute = try DERReader(inside: reader.read(.sequence))
            let type = try attribute.read(.objectIdentifier).objectIdentifier()
            guard attributes.updateValue(try attribute.read(.set), forKey: type) == nil else {
                throw PKIError(.timestampSignature, "a timestamp has the signed attribute \(type) twice")
            }
            try attribute.end()
            guard attributes.count <= maximumAttributes else {
                throw PKIError(.limit, "a timestamp has more than \(maximumAttributes) signed attributes")
            }
        }
        return attributes
    }

    private static func single(_ attributes: [String: DERElement], _ type: String, _ what: String) throws -> DERElement?
    {
        guard let values = attributes[type] else { return nil }
        var reader = try DERReader(inside: values)
        let value = try reader.next()
        guard reader.isAtEnd else {
            throw PKIError(.timestampSignature, "a timestamp's signed attributes hold \(what) more than once")
        }
        return value
    }

    /// The signer's certificate as the attributes name it, in the new form, the old one, or both.
    private static func namedCertificates(_ attributes: [String: DERElement]) throws -> [NamedCertificate] {
        var named: [NamedCertificate] = []
        for (type, isOld) in [
            (ObjectIdentifier.signingCertificateV2, false), (ObjectIdentifier.signingCertificate, true),
        ] {
            guard let value = try single(attributes, type, "its signer's certificate") else { continue }
            var fields = try DERReader(inside: value)
            var list = try DERReader(inside: fields.read(.sequence))
            if let policies = try fields.readOptional(.sequence) { _ = try DERReader(inside: policies) }
            try fields.end()
            named.append(try namedCertificate(list.read(.sequence), isOld: isOld))
        }
        guard !named.isEmpty else {
            throw PKIError(
                .timestampSignature, "a timestamp's signed attributes do not name the certificate of its signer")
        }
        return named
    }

    private static func namedCertificate(_ element: DERElement, isOld: Bool) throws -> NamedCertificate {
        var fields = try DERReader(inside: element)
        var hash: HashAlgorithm? = isOld ? nil : .sha256
        if !isOld, fields.nextTag == .sequence {
            guard let named = try HashAlgorithm(fields.read(.sequence)) else {
                throw PKIError(.timestampSignature, "a timestamp names its signer by a hash that is not trusted")
            }
            hash = named
        }
        let digest = try fields.read(.octetString).bytes
        guard let place = try fields.readOptional(.sequence) else {
            try fields.end()
            return NamedCertificate(hash: hash, digest: digest, issuer: nil, serialNumber: nil)
        }
        try fields.end()
        var pair = try DERReader(inside: place)
        var names = try DERReader(inside: pair.read(.sequence))
        var name = try DERReader(inside: names.read(.context(4, constructed: true)))
        try names.end()
        let issuer = try DistinguishedName(name.read(.sequence))
        try name.end()
        let serial = SerialNumber(bytes: try pair.read(.integer).integerBytes())
        try pair.end()
        return NamedCertificate(hash: hash, digest: digest, issuer: issuer, serialNumber: serial)
    }

    /// A combined algorithm must rest on the hash that is named beside it; `rsaEncryption` leaves the hash to that.
    private static func scheme(
        _ element: DERElement, _ digest: HashAlgorithm
    ) throws -> CertificateSignatureScheme {
        let algorithm = try CertificateSignatureAlgorithm(element)
        if algorithm.identifier == "1.2.840.113549.1.1.1" { return .rsaPKCS1(digest) }
        switch algorithm.scheme {
        case .rsaPKCS1(digest), .scheme(.ecdsa(digest, .der)), .scheme(.rsaPSS(digest)), .scheme(.ed25519):
            return algorithm.scheme ?? .rsaPKCS1(digest)
        case .rsaPSS(let hash, let saltBytes) where hash == digest: return .rsaPSS(hash, saltBytes: saltBytes)
        default:
            throw PKIError(
                .timestampSignature,
                "a timestamp is signed with the algorithm \(algorithm.identifier), which is not trusted or does not fit"
            )
        }
    }
}
