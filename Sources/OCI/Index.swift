import Codecs

/// A list of manifests: an image for several platforms, the referrers of an artifact, or the head of a layout.
/// [OCI image specification, "Image Index"]
///
/// Members and entries that nobody here knows survive a rewrite unchanged.
package struct Index: Sendable {
    package let manifests: [Descriptor]
    private let object: JSONObject

    package init() {
        manifests = []
        object = JSONObject([
            ("schemaVersion", 2), ("mediaType", .string(MediaType.imageIndex)), ("manifests", .array([])),
        ])
    }

    /// Reads an index of at most 16 MiB; of another media type, such as Docker's, where that one is expected.
    package init(parsing bytes: [UInt8], mediaType: String = MediaType.imageIndex) throws(OCIError) {
        let object = try document(bytes, "the index", limit: OCILimit.indexBytes)
        try checkHead(of: object, "the index", mediaType: mediaType)
        let entries = try reading { () throws(CodecError) -> Result<[JSON], OCIError> in
            guard let member = object["manifests"], member != .null else { return .success([]) }
            return .success(try member.array("the index.manifests"))
        }
        var manifests: [Descriptor] = []
        for (index, entry) in entries.enumerated() {
            manifests.append(try Descriptor(entry, "the index.manifests[\(index)]"))
        }
        self.manifests = manifests
        self.object = object
    }

    private init(manifests: [Descriptor], object: JSONObject) {
        self.manifests = manifests
        self.object = object
    }

    /// The same index with one more entry at its end.
    package func appending(_ descriptor: Descriptor) -> Index {
        var object = object
        object["manifests"] = .array((object["manifests"]?.arrayOrNil ?? []) + [descriptor.json])
        return Index(manifests: manifests + [descriptor], object: object)
    }

    package var bytes: [UInt8] { JSON.object(object).bytes }

    /// The entry with a digest.
    package func entry(for digest: Digest) -> Descriptor? { manifests.first { $0.digest == digest } }

    /// The entry with a name, as layouts write tags.
    package func entry(named name: String) -> Descriptor? {
        manifests.first { $0.annotations[AnnotationName.referenceName] == name }
    }
}
