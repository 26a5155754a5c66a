import Codecs

/// JWS in the flattened JSON serialization. [RFC 7515 §7.2.2, Notary signature-envelope-jws]
extension UnverifiedEnvelope {
    init(jws bytes: [UInt8]) throws(EnvelopeError) {
        let result: Result<UnverifiedEnvelope, EnvelopeError>
        do throws(CodecError) { result = try JWSReader(bytes).envelope() } catch {
            throw EnvelopeError(error.code == .limit ? .limit : .malformed, "the JWS envelope: \(error.reason)")
        }
        self = try result.get()
    }
}

private struct JWSReader {
    private let outer: JSONObject

    init(_ bytes: [UInt8]) throws(CodecError) {
        let limits = JSONLimits(bytes: EnvelopeFormat.maximumBytes, depth: 16)
        outer = try JSON(parsing: bytes, limits: limits).object("the envelope")
        let known = ["payload", "protected", "header", "signature"]
        if let name = outer.names.first(where: { !known.contains($0) }) {
            throw CodecError(.unknownMember, "it has the member \"\(name.cut(to: 60))\", which does not belong there")
        }
    }

    func envelope() throws(CodecError) -> Result<UnverifiedEnvelope, EnvelopeError> {
        let payloadText = try outer.string("payload", in: "the envelope")
        let protectedText = try outer.string("protected", in: "the envelope")
        let payload = try Base64.decode(payloadText, .url)
        let protected = try JSON(
            parsing: try Base64.decode(protectedText, .url), limits: JSONLimits(bytes: 1 << 20, depth: 16)
        ).object("the protected header")
        let header = try outer.object("header", in: "the envelope")
        let signature = try Base64.decode(try outer.string("signature", in: "the envelope"), .url)
        if let name = header.names.first(where: { protected[$0] != nil }) {
            throw CodecError(.duplicateKey, "\"\(name.cut(to: 60))\" stands in the protected and in the other header")
        }
        let certificates = try header.array("x5c", in: "the header").map { value throws(CodecError) in
            try Base64.decode(try value.string("the header.x5c"))
        }
        let agent = try header[AttributeName.signingAgent]?.string("the header's signing agent")
        let timestamp = try header[AttributeName.timestampSignature].map { value throws(CodecError) in
            try Base64.decode(try value.string("the header's timestamp"))
        }
        let algorithm = try protected.string("alg", in: "the protected header")
        let reader = try attributes(of: protected)
        return Result { () throws(EnvelopeError) in
            guard let algorithm = EnvelopeAlgorithm(rawValue: algorithm) else {
                throw EnvelopeError(
                    .algorithm, "the signature algorithm \"\(algorithm.cut(to: 40))\" is not one of PS256 to ES512")
            }
            return UnverifiedEnvelope(
                format: .jws, algorithm: algorithm, attributes: try reader.attributes(), payload: payload,
                signedBytes: Array("\(protectedText).\(payloadText)".utf8), signature: signature,
                certificates: certificates, signingAgent: agent, timestampSignature: timestamp)
        }
    }

    private func attributes(of protected: JSONObject) throws(CodecError) -> AttributeReader {
        let contentType = try protected.string("cty", in: "the protected header")
        guard contentType == TargetArtifact.contentType else {
            throw CodecError(
                .value, "its content type is \"\(contentType.cut(to: 80))\", not \(TargetArtifact.contentType)")
        }
        if let unencoded = protected["b64"], unencoded != .bool(true) {
            throw CodecError(.value, "an unencoded payload (b64) is not supported")
        }
        var reader = AttributeReader()
        reader.names = protected.names.filter { !Self.headersOfFormat.contains($0) }
        reader.critical = try protected.array("crit", in: "the protected header").map { value throws(CodecError) in
            try value.string("the protected header.crit")
        }
        reader.scheme = try protected[AttributeName.signingScheme]?.string("the signing scheme")
        reader.signingTime = try date(AttributeName.signingTime, of: protected)
        reader.authenticSigningTime = try date(AttributeName.authenticSigningTime, of: protected)
        reader.expiry = try date(AttributeName.expiry, of: protected)
        return reader
    }

    private func date(_ name: String, of protected: JSONObject) throws(CodecError) -> UTCDate? {
        try protected[name].map { value throws(CodecError) in try TimeText.date(try value.string(name)) }
    }

    private static let headersOfFormat = ["alg", "cty", "crit"]
}
