import Codecs

/// A timestamp token taken apart, nothing in it believed yet. [RFC 3161 §2.4.2, RFC 5652 §5]
package struct UnverifiedTimestamp: Sendable {
    /// The token: a CMS ContentInfo.
    package let der: [UInt8]
    package let info: TimestampInfo
    /// What the token carries, in its order: the signer's certificate among them, and whatever else.
    package let certificates: [Certificate]
    let content: [UInt8]
    let signer: TimestampSigner

    /// Larger than any honest token: a signature and a handful of certificates.
    package static let maximumBytes = 256 << 10
    package static let maximumCertificates = 16

    /// Takes one token in DER, and nothing after it: signed data with one signer, and TSTInfo in it.
    package init(der: [UInt8]) throws(PKIError) {
        guard der.count <= Self.maximumBytes else {
            throw PKIError(.limit, "a timestamp has \(der.count) bytes, at most \(Self.maximumBytes) are read")
        }
        do {
            try self.init(reading: der)
        } catch let error as PKIError {
            throw error
        } catch let error as CodecError {
            throw PKIError(.malformed, "a timestamp is malformed: \(error.reason)")
        } catch {
            throw PKIError(.malformed, "a timestamp is malformed")
        }
    }

    private init(reading der: [UInt8]) throws {
        var outer = try DERReader(inside: DERReader.single(der, .sequence))
        guard try outer.read(.objectIdentifier).objectIdentifier() == ObjectIdentifier.signedData else {
            throw PKIError(.malformed, "a timestamp is not signed data")
        }
        var wrapped = try DERReader(inside: outer.read(.context(0, constructed: true)))
        try outer.end()
        var fields = try DERReader(inside: wrapped.read(.sequence))
        try wrapped.end()
        guard try (3...5).contains(fields.read(.integer).smallInteger()) else {
            throw PKIError(.malformed, "a timestamp is signed data of a version that does not fit")
        }
        _ = try DERReader(inside: fields.read(.set))
        content = try Self.content(fields.read(.sequence))
        certificates = try fields.readOptional(.context(0, constructed: true)).map(Self.certificates) ?? []
        _ = try fields.readOptional(.context(1, constructed: true))
        var signers = try DERReader(inside: fields.read(.set))
        try fields.end()
        guard !signers.isAtEnd else { throw PKIError(.timestampSignature, "a timestamp is signed by nobody") }
        signer = try TimestampSigner(signers.read(.sequence))
        guard signers.isAtEnd else {
            throw PKIError(.timestampSignature, "a timestamp has more than one signer")
        }
        info = try TimestampInfo(der: content)
        self.der = der
    }

    private static func content(_ element: DERElement) throws -> [UInt8] {
        var fields = try DERReader(inside: element)
        let type = try fields.read(.objectIdentifier).objectIdentifier()
        guard type == ObjectIdentifier.timestampInfo else {
            throw PKIError(.malformed, "signed data of type \(type) stands where a timestamp belongs")
        }
        var wrapped = try DERReader(inside: fields.read(.context(0, constructed: true)))
        try fields.end()
        let content = try wrapped.read(.octetString).bytes
        try wrapped.end()
        return content
    }

    private static func certificates(_ list: DERElement) throws -> [Certificate] {
        var reader = try DERReader(inside: list)
        var certificates: [Certificate] = []
        while !reader.isAtEnd {
            guard certificates.count < maximumCertificates else {
                throw PKIError(.limit, "a timestamp carries more than \(maximumCertificates) certificates")
            }
            certificates.append(try Certificate(der: Array(reader.read(.sequence).encoded)))
        }
        return certificates
    }
}
