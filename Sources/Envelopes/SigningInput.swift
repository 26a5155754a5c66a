import Codecs

/// The bytes that a Notary Project signature is over, taken apart by somebody who is asked to sign them without having
/// written them: JWS signing input or COSE's Sig_structure. [RFC 7515 §5.1, RFC 9052 §4.4]
///
/// Stricter than reading an envelope: whoever signs for others signs nothing that nobody here understands.
package struct SigningInput: Sendable {
    package let format: EnvelopeFormat
    package let algorithm: EnvelopeAlgorithm
    package let attributes: SignedAttributes
    package let artifact: TargetArtifact

    /// Far more than a header and a payload need.
    package static let maximumBytes = 1 << 20

    package init(parsing bytes: [UInt8]) throws(EnvelopeError) {
        guard bytes.count <= Self.maximumBytes else {
            throw EnvelopeError(
                .limit, "the bytes to be signed are \(bytes.count), at most \(Self.maximumBytes) are read")
        }
        let envelope: UnverifiedEnvelope
        do throws(CodecError) {
            envelope = bytes.first == 0x84 ? try Self.cose(bytes) : try Self.jws(bytes)
            try Self.checkPayload(envelope.payload)
        } catch {
            throw EnvelopeError(.malformed, "the bytes to be signed: \(error.reason)")
        }
        guard envelope.signedBytes == bytes else {
            throw EnvelopeError(.malformed, "the bytes to be signed are not in their one canonical form")
        }
        format = envelope.format
        algorithm = envelope.algorithm
        attributes = envelope.attributes
        artifact = try TargetArtifact(payload: envelope.payload)
    }

    /// The envelope that would come of it, read by the reader of envelopes; certificate and signature stand for others.
    private static func jws(_ bytes: [UInt8]) throws(CodecError) -> UnverifiedEnvelope {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CodecError(.encoding, "they are neither JWS signing input nor COSE's Sig_structure")
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw CodecError(.syntax, "they are neither JWS signing input nor COSE's Sig_structure")
        }
        let header = try JSON(
            parsing: try Base64.decode(String(parts[0]), .url), limits: JSONLimits(bytes: maximumBytes)
        )
        .object("the protected header")
        let known = ["alg", "cty", "crit"] + attributeNames
        if let name = header.names.first(where: { !known.contains($0) }) {
            throw CodecError(
                .unknownMember, "the protected header has \"\(name.cut(to: 80))\", which is not signed here")
        }
        let envelope: JSON = [
            "payload": .string(String(parts[1])), "protected": .string(String(parts[0])), "header": ["x5c": ["AAAA"]],
            "signature": "AAAA",
        ]
        return try read(envelope.bytes, .jws)
    }

    private static func cose(_ bytes: [UInt8]) throws(CodecError) -> UnverifiedEnvelope {
        guard let parts = try CBOR(parsing: bytes, limits: CBORLimits(bytes: maximumBytes)).arrayOrNil,
            parts.count == 4, parts[0] == .text("Signature1"), let protected = parts[1].bytesOrNil,
            parts[2] == .bytes([]), parts[3].bytesOrNil != nil
        else { throw CodecError(.type, "they are not the Sig_structure of a COSE_Sign1 without external data") }
        guard let header = try CBOR(parsing: protected, limits: CBORLimits(bytes: maximumBytes)).mapOrNil else {
            throw CodecError(.type, "the protected header is not a map")
        }
        let labels = [COSELabel.algorithm, COSELabel.critical, COSELabel.contentType].map { CBOR.integer($0) }
        let known = labels + attributeNames.map { CBOR.text($0) }
        guard header.keys.allSatisfy(known.contains) else {
            throw CodecError(.unknownMember, "the protected header has an attribute that is not signed here")
        }
        let unprotected = CBORMap([(.integer(COSELabel.certificateChain), .array([.bytes([0])]))])
        let envelope = CBOR.tagged(
            COSELabel.signOneTag, .array([.bytes(protected), .map(unprotected), parts[3], .bytes([0])]))
        return try read(envelope.encoded, .cose)
    }

    private static func read(_ bytes: [UInt8], _ format: EnvelopeFormat) throws(CodecError) -> UnverifiedEnvelope {
        do throws(EnvelopeError) { return try UnverifiedEnvelope(parsing: bytes, format: format) } catch {
            throw CodecError(.value, error.reason)
        }
    }

    private static func checkPayload(_ payload: [UInt8]) throws(CodecError) {
        let object = try JSON(parsing: payload, limits: JSONLimits(bytes: maximumBytes, depth: 8)).object("the payload")
        let artifact = try object.object("targetArtifact", in: "the payload")
        let known = ["mediaType", "digest", "size", "annotations"]
        guard object.count == 1, artifact.names.allSatisfy(known.contains) else {
            throw CodecError(.unknownMember, "the payload says more than which artifact is signed")
        }
    }

    private static let attributeNames = [
        AttributeName.signingScheme, AttributeName.signingTime, AttributeName.authenticSigningTime,
        AttributeName.expiry,
    ]
}
