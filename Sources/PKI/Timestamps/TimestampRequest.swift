package import Codecs
package import SigningKeys

/// A question to a time-stamping authority: that some bytes exist, proven by their hash alone. [RFC 3161 §2.4.1]
package struct TimestampRequest: Sendable {
    package static let mediaType = "application/timestamp-query"

    package let hash: HashAlgorithm
    package let imprint: [UInt8]
    /// The policy that the timestamp must have been made under; nil where the authority chooses.
    package let policy: String?
    /// A number that the answer repeats, so that it cannot be an old one; big-endian, without leading zeros.
    package let nonce: [UInt8]
    /// The request as it is sent: the authority's certificates are asked for.
    package let der: [UInt8]

    /// - Parameter policy: a dotted object identifier.
    package init(over message: [UInt8], hash: HashAlgorithm, policy: String? = nil) throws(CodecError) {
        self.hash = hash
        imprint = hash.digest(of: message)
        self.policy = policy
        var nonce = SecureRandom.bytes(16)
        nonce[0] = nonce[0] & 0x3F | 0x40
        self.nonce = nonce
        let algorithm = DER.sequence(try DER.objectIdentifier(hash.identifier), DER.null)
        var fields = [DER.integer(1), DER.sequence(algorithm, DER.octetString(imprint))]
        if let policy { fields.append(try DER.objectIdentifier(policy)) }
        der = DER.sequence(of: fields + [DER.integer(unsigned: nonce), DER.boolean(true)])
    }
}

extension HashAlgorithm {
    /// The dotted object identifier of the function.
    var identifier: String { CertificateSignatureAlgorithm.hashes.first { $0.value == self }?.key ?? "" }

    /// Takes the element `AlgorithmIdentifier` of a hash function; nil for functions that are not trusted or not known.
    init?(_ element: DERElement) throws(CodecError) {
        var reader = try DERReader(inside: element)
        let identifier = try reader.read(.objectIdentifier).objectIdentifier()
        let parameters = reader.isAtEnd ? nil : try reader.next()
        try reader.end()
        guard let hash = CertificateSignatureAlgorithm.hashes[identifier],
            parameters.map({ $0.tag == .null && $0.content.isEmpty }) ?? true
        else { return nil }
        self = hash
    }
}
