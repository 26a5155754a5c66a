package import Codecs

/// A pointer to content: its media type, digest and size. [OCI image specification, "Content Descriptors"]
package struct Descriptor: Sendable, Hashable {
    package let mediaType: String
    package let digest: Digest
    package let size: Int64
    package let artifactType: String?
    package let annotations: [String: String]

    package init(
        mediaType: String, digest: Digest, size: Int64, artifactType: String? = nil,
        annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.artifactType = artifactType
        self.annotations = annotations
    }

    /// Describes some content.
    package init(of content: [UInt8], mediaType: String) {
        self.init(mediaType: mediaType, digest: Digest(of: content), size: Int64(content.count))
    }

    /// Reads a descriptor; members that nobody here needs are left alone. `place` names it in errors.
    package init(_ json: JSON, _ place: String) throws(OCIError) {
        self = try reading { () throws(CodecError) -> Result<Descriptor, OCIError> in
            let object = try json.object(place)
            let mediaType = try object.string("mediaType", in: place)
            let size = try object.integer("size", in: place)
            guard !mediaType.isEmpty, mediaType.utf8.count <= 255, size >= 0 else {
                throw CodecError(.value, "\(place) has an empty media type or a negative size")
            }
            let text = try object.string("digest", in: place)
            let artifactType = try object["artifactType"]?.string("\(place).artifactType")
            let annotations = try Self.annotations(of: object, place)
            return Result { () throws(OCIError) in
                Descriptor(
                    mediaType: mediaType, digest: try Digest(text), size: size, artifactType: artifactType,
                    annotations: annotations)
            }
        }
    }

    package var json: JSON {
        var object = JSONObject([
            ("mediaType", .string(mediaType)), ("digest", .string(digest.description)), ("size", .integer(size)),
        ])
        if !annotations.isEmpty { object["annotations"] = Self.json(of: annotations) }
        if let artifactType { object["artifactType"] = .string(artifactType) }
        return .object(object)
    }

    /// The same content without what is said about it in this place.
    package var plain: Descriptor { Descriptor(mediaType: mediaType, digest: digest, size: size) }

    /// Whether both point to the same content: media type, digest and size, annotations aside.
    package func pointsToSameContent(as other: Descriptor) -> Bool {
        mediaType == other.mediaType && digest == other.digest && size == other.size
    }

    /// Checks that content is what the descriptor says.
    package func check(_ content: [UInt8]) throws(OCIError) {
        guard Int64(content.count) == size else {
            throw OCIError(.mismatch, "\(digest) should have \(size) bytes and has \(content.count)")
        }
        let found = Digest(of: content, algorithm: digest.algorithm)
        guard found == digest else { throw OCIError(.mismatch, "content named \(digest) has the digest \(found)") }
    }

    static func annotations(of object: JSONObject, _ place: String) throws(CodecError) -> [String: String] {
        var annotations: [String: String] = [:]
        guard let member = object["annotations"], member != .null else { return [:] }
        for (name, value) in try member.object("\(place).annotations").members {
            annotations[name] = try value.string("\(place).annotations.\(name)")
        }
        return annotations
    }

    static func json(of annotations: [String: String]) -> JSON {
        let sorted = annotations.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return .object(JSONObject(sorted.map { ($0.key, .string($0.value)) }))
    }
}

/// Turns what the codecs refuse into this module's error.
func reading<Value>(_ body: () throws(CodecError) -> Result<Value, OCIError>) throws(OCIError) -> Value {
    let result: Result<Value, OCIError>
    do throws(CodecError) { result = try body() } catch {
        throw OCIError(error.code == .limit ? .limit : .malformed, error.reason)
    }
    return try result.get()
}

/// Parses a document of at most `limit` bytes whose outermost value is an object.
func document(_ bytes: [UInt8], _ place: String, limit: Int) throws(OCIError) -> JSONObject {
    guard bytes.count <= limit else {
        throw OCIError(.limit, "\(place) has \(bytes.count) bytes, at most \(limit) are read")
    }
    return try reading { () throws(CodecError) -> Result<JSONObject, OCIError> in
        .success(try JSON(parsing: bytes, limits: JSONLimits(bytes: limit)).object(place))
    }
}
