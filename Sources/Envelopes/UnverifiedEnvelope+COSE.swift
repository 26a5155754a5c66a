import Codecs

/// COSE_Sign1, tagged. [RFC 9052 §4.2, Notary signature-envelope-cose]
extension UnverifiedEnvelope {
    init(cose bytes: [UInt8]) throws(EnvelopeError) {
        let result: Result<UnverifiedEnvelope, EnvelopeError>
        do throws(CodecError) { result = try COSEReader(bytes).envelope() } catch {
            throw EnvelopeError(error.code == .limit ? .limit : .malformed, "the COSE envelope: \(error.reason)")
        }
        self = try result.get()
    }
}

/// The labels of COSE headers that a signature uses. [RFC 9052 §3.1, RFC 9360 §2]
enum COSELabel {
    static let algorithm: Int64 = 1
    static let critical: Int64 = 2
    static let contentType: Int64 = 3
    static let certificateChain: Int64 = 33
    /// The tag of COSE_Sign1.
    static let signOneTag: UInt64 = 18
    /// The tag of seconds since 1970.
    static let epochTag: UInt64 = 1

    /// The bytes that are signed. [RFC 9052 §4.4]
    static func signedBytes(protected: [UInt8], payload: [UInt8]) -> [UInt8] {
        CBOR.array([.text("Signature1"), .bytes(protected), .bytes([]), .bytes(payload)]).encoded
    }
}

private struct COSEReader {
    private let protectedBytes: [UInt8]
    private let protected: CBORMap
    private let header: CBORMap
    private let payload: [UInt8]
    private let signature: [UInt8]

    init(_ bytes: [UInt8]) throws(CodecError) {
        let value = try CBOR(parsing: bytes, limits: CBORLimits(bytes: EnvelopeFormat.maximumBytes))
        guard case .tagged(COSELabel.signOneTag, .array(let parts)) = value, parts.count == 4,
            let protectedBytes = parts[0].bytesOrNil, let header = parts[1].mapOrNil,
            let signature = parts[3].bytesOrNil
        else { throw CodecError(.type, "it is not a COSE_Sign1 with tag 18") }
        guard let payload = parts[2].bytesOrNil else { throw CodecError(.type, "its payload is detached") }
        let limits = CBORLimits(bytes: 1 << 20)
        guard let protected = try CBOR(parsing: protectedBytes, limits: limits).mapOrNil else {
            throw CodecError(.type, "its protected header is not a map")
        }
        guard !header.keys.contains(where: { protected[$0] != nil }) else {
            throw CodecError(.duplicateKey, "a label stands in the protected and in the other header")
        }
        self.protectedBytes = protectedBytes
        self.protected = protected
        self.header = header
        self.payload = payload
        self.signature = signature
    }

    func envelope() throws(CodecError) -> Result<UnverifiedEnvelope, EnvelopeError> {
        guard let label = protected[label: COSELabel.algorithm]?.integerOrNil else {
            throw CodecError(.missing, "its protected header names no algorithm by number")
        }
        let certificates = try certificates()
        let reader = try attributes()
        let agent = try header[text: AttributeName.signingAgent].map { value throws(CodecError) in
            try required(value.textOrNil, "the signing agent is not text")
        }
        let timestamp = try header[text: AttributeName.timestampSignature].map { value throws(CodecError) in
            try required(value.bytesOrNil, "the timestamp is not a byte string")
        }
        return Result { () throws(EnvelopeError) in
            guard let algorithm = EnvelopeAlgorithm(coseLabel: label) else {
                throw EnvelopeError(.algorithm, "the signature algorithm \(label) is not one of PS256 to ES512")
            }
            return UnverifiedEnvelope(
                format: .cose, algorithm: algorithm, attributes: try reader.attributes(), payload: payload,
                signedBytes: COSELabel.signedBytes(protected: protectedBytes, payload: payload), signature: signature,
                certificates: certificates, signingAgent: agent, timestampSignature: timestamp)
        }
    }

    /// The chain is an array even when it holds one certificate.
    private func certificates() throws(CodecError) -> [[UInt8]] {
        let chain = try required(
            header[label: COSELabel.certificateChain]?.arrayOrNil, "its header has no array of certificates (x5chain)")
        return try chain.map { value throws(CodecError) in
            try required(value.bytesOrNil, "its certificate chain holds something other than byte strings")
        }
    }

    private func attributes() throws(CodecError) -> AttributeReader {
        guard protected[label: COSELabel.contentType]?.textOrNil == TargetArtifact.contentType else {
            throw CodecError(.value, "its content type is not \(TargetArtifact.contentType)")
        }
        var reader = AttributeReader()
        reader.names = protected.keys.compactMap(\.textOrNil)
        reader.critical = try critical()
        reader.scheme = try protected[text: AttributeName.signingScheme].map { value throws(CodecError) in
            try required(value.textOrNil, "the signing scheme is not text")
        }
        reader.signingTime = try date(AttributeName.signingTime)
        reader.authenticSigningTime = try date(AttributeName.authenticSigningTime)
        reader.expiry = try date(AttributeName.expiry)
        return reader
    }

    /// The critical attributes; numbers of headers that are always understood need no mention.
    private func critical() throws(CodecError) -> [String] {
        let values = try required(
            protected[label: COSELabel.critical]?.arrayOrNil, "its protected header has no list of critical attributes")
        var names: [String] = []
        for value in values {
            switch value {
            case .text(let name): names.append(name)
            case .integer(COSELabel.algorithm), .integer(COSELabel.contentType): break
            case .integer(let label): names.append("label \(label)")
            default: throw CodecError(.type, "its list of critical attributes holds \(value.kind)")
            }
        }
        return names
    }

    private func date(_ name: String) throws(CodecError) -> UTCDate? {
        try protected[text: name].map { value throws(CodecError) in
            guard case .tagged(COSELabel.epochTag, .integer(let seconds)) = value,
                (UTCDate.earliest.seconds...UTCDate.latest.seconds).contains(seconds)
            else { throw CodecError(.type, "\(name) is not a date in whole seconds (tag 1)") }
            return UTCDate(seconds: seconds)
        }
    }

    private func required<Value>(_ value: Value?, _ problem: String) throws(CodecError) -> Value {
        guard let value else { throw CodecError(.type, problem) }
        return value
    }
}
