package import Codecs
package import SigningKeys

/// How a certificate was signed, as its algorithm identifier says.
package struct CertificateSignatureAlgorithm: Sendable, Hashable {
    /// Dotted object identifier.
    package let identifier: String
    /// How to check the signature; nil for algorithms that are not trusted or not known.
    package let scheme: CertificateSignatureScheme?

    /// Whether the signature rests on a hash function that can be made to collide.
    package var usesBrokenHash: Bool { Self.broken.contains(identifier) }

    /// Takes the element `AlgorithmIdentifier`. [RFC 5280 §4.1.1.2, RFC 4055, RFC 5758, RFC 8410]
    package init(_ element: DERElement) throws(CodecError) {
        var reader = try DERReader(inside: element)
        identifier = try reader.read(.objectIdentifier).objectIdentifier()
        let parameters = reader.isAtEnd ? nil : try reader.next()
        try reader.end()
        scheme = Self.scheme(identifier, parameters)
    }

    private static func scheme(_ identifier: String, _ parameters: DERElement?) -> CertificateSignatureScheme? {
        let isNull = parameters?.tag == .null && parameters?.content.isEmpty == true
        if let hash = pkcs1[identifier] { return isNull || parameters == nil ? .rsaPKCS1(hash) : nil }
        if let hash = ecdsa[identifier] { return parameters == nil ? .scheme(.ecdsa(hash, .der)) : nil }
        switch identifier {
        case "1.3.101.112": return parameters == nil ? .scheme(.ed25519) : nil
        case "1.2.840.113549.1.1.10": return parameters.flatMap { try? pss($0) }
        default: return nil
        }
    }

    /// RSASSA-PSS-params with a hash of the SHA-2 family, MGF1 with the same, the default trailer. [RFC 4055 §3.1]
    private static func pss(_ parameters: DERElement) throws -> CertificateSignatureScheme? {
        var reader = try DERReader(inside: parameters)
        guard let hashField = try reader.readOptional(.context(0, constructed: true)),
            let maskField = try reader.readOptional(.context(1, constructed: true))
        else { return nil }
        let saltField = try reader.readOptional(.context(2, constructed: true))
        try reader.end()
        var hashReader = try DERReader(inside: hashField)
        var maskReader = try DERReader(inside: maskField)
        guard let hash = try hash(hashReader.read(.sequence)) else { return nil }
        var mask = try DERReader(inside: maskReader.read(.sequence))
        guard try mask.read(.objectIdentifier).objectIdentifier() == "1.2.840.113549.1.1.8",
            try self.hash(mask.read(.sequence)) == hash
        else { return nil }
        var saltBytes = 20
        if let saltField {
            var salt = try DERReader(inside: saltField)
            saltBytes = try salt.read(.integer).smallInteger()
            try salt.end()
        }
        guard saltBytes <= 512 else { return nil }
        return saltBytes == hash.byteCount ? .scheme(.rsaPSS(hash)) : .rsaPSS(hash, saltBytes: saltBytes)
    }

    private static func hash(_ element: DERElement) throws -> HashAlgorithm? {
        var reader = try DERReader(inside: element)
        return hashes[try reader.read(.objectIdentifier).objectIdentifier()]
    }

    static let hashes: [String: HashAlgorithm] = [
        "2.16.840.1.101.3.4.2.1": .sha256, "2.16.840.1.101.3.4.2.2": .sha384, "2.16.840.1.101.3.4.2.3": .sha512,
    ]
    private static let pkcs1: [String: HashAlgorithm] = [
        "1.2.840.113549.1.1.11": .sha256, "1.2.840.113549.1.1.12": .sha384, "1.2.840.113549.1.1.13": .sha512,
    ]
    private static let ecdsa: [String: HashAlgorithm] = [
        "1.2.840.10045.4.3.2": .sha256, "1.2.840.10045.4.3.3": .sha384, "1.2.840.10045.4.3.4": .sha512,
    ]
    /// MD2, MD5 and SHA-1, with RSA, DSA and ECDSA.
    private static let broken: Set<String> = [
        "1.2.840.113549.1.1.2", "1.2.840.113549.1.1.3", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5",
        "1.3.14.3.2.29", "1.3.14.3.2.27", "1.2.840.10040.4.3", "1.2.840.10045.4.1",
    ]

    /// The identifier under which a scheme is written into a certificate.
    static func encoded(_ scheme: SignatureScheme) throws -> [UInt8] {
        switch scheme {
        case .ed25519: return DER.sequence(try DER.objectIdentifier("1.3.101.112"))
        case .ecdsa(let hash, _):
            let identifier = ecdsa.first { $0.value == hash }?.key ?? ""
            return DER.sequence(try DER.objectIdentifier(identifier))
        case .rsaPSS(let hash):
            let function = DER.sequence(
                try DER.objectIdentifier(hashes.first { $0.value == hash }?.key ?? ""), DER.null)
            return DER.sequence(
                try DER.objectIdentifier("1.2.840.113549.1.1.10"),
                DER.sequence(
                    DER.explicit(0, function),
                    DER.explicit(1, DER.sequence(try DER.objectIdentifier("1.2.840.113549.1.1.8"), function)),
                    DER.explicit(2, DER.integer(UInt64(hash.byteCount)))))
        }
    }
}
