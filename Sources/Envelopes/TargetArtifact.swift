import Codecs

/// The artifact that a signature speaks of, as its payload says. [Notary signature-specification, "Payload"]
///
/// The digest is text here: whether it is that of an artifact at hand is for the verifier to compare.
package struct TargetArtifact: Sendable, Hashable {
    package let mediaType: String
    package let digest: String
    package let size: Int64
    /// What the signer says of the artifact: notation's user metadata.
    package let annotations: [String: String]

    package static let contentType = "application/vnd.cncf.notary.payload.v1+json"

    package init(mediaType: String, digest: String, size: Int64, annotations: [String: String] = [:]) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.annotations = annotations
    }

    /// Reads a payload; members that are not known are left alone.
    package init(payload: [UInt8]) throws(EnvelopeError) {
        do throws(CodecError) {
            let place = "targetArtifact"
            let object = try JSON(parsing: payload, limits: JSONLimits(bytes: 4 << 20)).object("the payload")
                .object(place, in: "the payload")
            mediaType = try object.string("mediaType", in: place)
            digest = try object.string("digest", in: place)
            size = try object.integer("size", in: place)
            var annotations: [String: String] = [:]
            if let member = object["annotations"], member != .null {
                for (name, value) in try member.object("\(place).annotations").members {
                    annotations[name] = try value.string("\(place).annotations.\(name)")
                }
            }
            self.annotations = annotations
        } catch {
            throw EnvelopeError(.payload, "the signed payload is not a Notary Project payload: \(error.reason)")
        }
        guard size >= 0, !mediaType.isEmpty, !digest.isEmpty else {
            throw EnvelopeError(.payload, "the signed payload names no artifact: a field is empty or negative")
        }
    }

    /// The payload with members in the order that notation writes in a format: sorted in JWS, as declared in COSE.
    func payload(for format: EnvelopeFormat) -> [UInt8] {
        var object = JSONObject([
            ("mediaType", .string(mediaType)), ("digest", .string(digest)), ("size", .integer(size)),
        ])
        if !annotations.isEmpty {
            object["annotations"] = JSON.object(JSONObject(annotations.map { ($0.key, .string($0.value)) })).sorted
        }
        let payload = JSON.object(JSONObject([("targetArtifact", .object(object))]))
        return format == .jws ? payload.sorted.bytes : payload.bytes
    }
}
