package import Codecs
package import PKI
package import SigningKeys

/// Everything that goes into a timestamp token, each part open to be spoilt before it is signed.
package struct TokenDraft {
    package var hash: HashAlgorithm
    package var imprint: [UInt8]
    package var nonce: [UInt8]?
    package var policy = "1.3.6.1.4.1.99999.1"
    package var version: UInt64 = 1
    /// GeneralizedTime.
    package var time: String
    /// The element, where there is one.
    package var accuracy: [UInt8]?
    /// Whatever follows the nonce.
    package var tail: [[UInt8]] = []
    package var contentType = "1.2.840.113549.1.9.16.1.4"
    package var certificates: [Certificate]
    /// The certificate that the signed attributes name.
    package var namedCertificate: Certificate
    /// Signed attributes, complete; nil for those that belong there.
    package var attributes: [[UInt8]]?
    /// How often the one SignerInfo stands there.
    package var signers = 1
    /// Signs instead of the authority.
    package var key: PrivateKey
    /// The certificate by whose issuer and number the signer is found.
    package var signer: Certificate
    package var scheme: SignatureScheme?

    package init(_ authority: TimestampAuthority, imprint: [UInt8], hash: HashAlgorithm, time: UTCDate) {
        self.hash = hash
        self.imprint = imprint
        self.time = Self.text(time)
        certificates = [authority.certificate, authority.root]
        namedCertificate = authority.certificate
        signer = authority.certificate
        key = authority.key
    }

    /// What a request asks for.
    package init(_ authority: TimestampAuthority, request: [UInt8], time: UTCDate) throws {
        var fields = try DERReader(inside: DERReader.single(request, .sequence))
        _ = try fields.read(.integer)
        var imprint = try DERReader(inside: fields.read(.sequence))
        _ = try imprint.read(.sequence)
        let digest = try imprint.read(.octetString).bytes
        let hash = HashAlgorithm.allCases.first { $0.byteCount == digest.count } ?? .sha256
        self.init(authority, imprint: digest, hash: hash, time: time)
        if let asked = try fields.readOptional(.objectIdentifier) { policy = try asked.objectIdentifier() }
        nonce = try fields.readOptional(.integer)?.unsignedIntegerBytes()
    }

    /// `YYYYMMDDhhmmssZ`
    package static func text(_ date: UTCDate) -> String {
        String(decoding: date.description.utf8.filter { (0x30...0x39).contains($0) }, as: UTF8.self) + "Z"
    }

    /// The signed attributes that belong there.
    package func properAttributes(over content: [UInt8]) throws -> [[UInt8]] {
        let named = DER.sequence(DER.sequence(DER.sequence(DER.octetString(namedCertificate.thumbprint))))
        return [
            try Self.attribute("1.2.840.113549.1.9.3", try DER.objectIdentifier(contentType)),
            try Self.attribute("1.2.840.113549.1.9.4", DER.octetString(HashAlgorithm.sha256.digest(of: content))),
            try Self.attribute("1.2.840.113549.1.9.16.2.47", named),
        ]
    }

    package static func attribute(_ type: String, _ values: [UInt8]...) throws -> [UInt8] {
        DER.sequence(try DER.objectIdentifier(type), DER.set(of: values))
    }

    /// TSTInfo.
    package func content() throws -> [UInt8] {
        var fields = [
            DER.integer(version), try DER.objectIdentifier(policy),
            DER.sequence(try Self.algorithm(hash), DER.octetString(imprint)), DER.integer(77),
            DER.element(.generalizedTime, Array(time.utf8)),
        ]
        if let accuracy { fields.append(accuracy) }
        if let nonce { fields.append(DER.integer(unsigned: nonce)) }
        return DER.sequence(of: fields + tail)
    }

    package func token() async throws -> [UInt8] {
        let content = try content()
        let attributes = DER.set(of: try self.attributes ?? properAttributes(over: content))
        let scheme = scheme ?? (key.publicKey.type == .ed25519 ? .ed25519 : .ecdsa(.sha256, .der))
        let signature = try await verifiedSignature(by: key, over: attributes, scheme: scheme)
        let digest = try Self.algorithm(.sha256)
        let info = DER.sequence(
            DER.integer(1), DER.sequence(signer.issuer.der, DER.element(.integer, signer.serialNumber.bytes)), digest,
            [0xA0] + attributes.dropFirst(), DER.sequence(try DER.objectIdentifier("1.2.840.10045.4.3.2")),
            DER.octetString(signature))
        let signed = DER.sequence(
            DER.integer(3), DER.set(of: [digest]),
            DER.sequence(try DER.objectIdentifier(contentType), DER.explicit(0, DER.octetString(content))),
            DER.element(.context(0, constructed: true), certificates.flatMap(\.der)),
            DER.element(.set, [[UInt8]](repeating: info, count: signers).flatMap(\.self)))
        return DER.sequence(try DER.objectIdentifier("1.2.840.113549.1.7.2"), DER.explicit(0, signed))
    }

    private static func algorithm(_ hash: HashAlgorithm) throws -> [UInt8] {
        let last = [HashAlgorithm.sha256: 1, .sha384: 2, .sha512: 3][hash] ?? 1
        return DER.sequence(try DER.objectIdentifier("2.16.840.1.101.3.4.2.\(last)"), DER.null)
    }
}
