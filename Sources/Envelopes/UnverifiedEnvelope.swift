/// A signature envelope taken apart, nothing in it believed yet.
package struct UnverifiedEnvelope: Sendable {
    package let format: EnvelopeFormat
    package let algorithm: EnvelopeAlgorithm
    package let attributes: SignedAttributes
    package let payload: [UInt8]
    /// The exact bytes that the signature covers.
    package let signedBytes: [UInt8]
    package let signature: [UInt8]
    /// The certificates in DER, the leaf first, as the envelope lists them.
    package let certificates: [[UInt8]]
    /// What made the signature, as it says itself.
    package let signingAgent: String?
    /// An RFC 3161 token over the signature.
    package let timestampSignature: [UInt8]?

    /// Takes an envelope apart, strictly, as the format that its media type names.
    package init(parsing bytes: [UInt8], format: EnvelopeFormat) throws(EnvelopeError) {
        guard bytes.count <= EnvelopeFormat.maximumBytes else {
            throw EnvelopeError(
                .limit, "the envelope has \(bytes.count) bytes, at most \(EnvelopeFormat.maximumBytes) are read")
        }
        switch format {
        case .jws: try self.init(jws: bytes)
        case .cose: try self.init(cose: bytes)
        }
        guard !certificates.isEmpty, certificates.count <= EnvelopeFormat.maximumCertificates else {
            throw EnvelopeError(
                .chain,
                "the envelope holds \(certificates.count) certificates; 1 to \(EnvelopeFormat.maximumCertificates) belong in it"
            )
        }
    }

    init(
        format: EnvelopeFormat, algorithm: EnvelopeAlgorithm, attributes: SignedAttributes, payload: [UInt8],
        signedBytes: [UInt8], signature: [UInt8], certificates: [[UInt8]], signingAgent: String?,
        timestampSignature: [UInt8]?
    ) {
        self.format = format
        self.algorithm = algorithm
        self.attributes = attributes
        self.payload = payload
        self.signedBytes = signedBytes
        self.signature = signature
        self.certificates = certificates
        self.signingAgent = signingAgent
        self.timestampSignature = timestampSignature
    }
}
