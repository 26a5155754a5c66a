import Codecs

/// An image manifest: a config, layers, and for signatures the subject they speak of. [OCI image specification, "Image Manifest"]
package struct Manifest: Sendable, Hashable {
    package let artifactType: String?
    package let config: Descriptor
    package let layers: [Descriptor]
    package let subject: Descriptor?
    package let annotations: [String: String]

    package init(
        artifactType: String? = nil, config: Descriptor, layers: [Descriptor], subject: Descriptor? = nil,
        annotations: [String: String] = [:]
    ) {
        self.artifactType = artifactType
        self.config = config
        self.layers = layers
        self.subject = subject
        self.annotations = annotations
    }

    /// Reads a manifest of at most 4 MiB.
    package init(parsing bytes: [UInt8]) throws(OCIError) {
        let object = try document(bytes, "the manifest", limit: OCILimit.manifestBytes)
        try checkHead(of: object, "the manifest", mediaType: MediaType.imageManifest)
        self = try reading { () throws(CodecError) -> Result<Manifest, OCIError> in
            let config = try object.require("config", in: "the manifest")
            let layers = try object.array("layers", in: "the manifest")
            let artifactType = try object["artifactType"]?.string("the manifest.artifactType")
            let annotations = try Descriptor.annotations(of: object, "the manifest")
            return Result { () throws(OCIError) in
                var descriptors: [Descriptor] = []
                for (index, layer) in layers.enumerated() {
                    descriptors.append(try Descriptor(layer, "the manifest.layers[\(index)]"))
                }
                return Manifest(
                    artifactType: artifactType, config: try Descriptor(config, "the manifest.config"),
                    layers: descriptors, subject: try subjectDescriptor(of: object), annotations: annotations)
            }
        }
    }

    /// What kind of artifact this is: the artifact type, or for the older form the config's media type.
    package var kind: String { artifactType ?? config.mediaType }

    /// Whether this is a Notary Project signature in either of its two forms.
    package var isNotationSignature: Bool {
        artifactType == MediaType.notationSignature
            || (artifactType == nil && config.mediaType == MediaType.notationSignature)
    }

    package var bytes: [UInt8] {
        var object = JSONObject([("schemaVersion", 2), ("mediaType", .string(MediaType.imageManifest))])
        if let artifactType { object["artifactType"] = .string(artifactType) }
        object["config"] = config.json
        object["layers"] = .array(layers.map(\.json))
        object["subject"] = subject?.json
        if !annotations.isEmpty { object["annotations"] = Descriptor.json(of: annotations) }
        return JSON.object(object).bytes
    }
}

/// The part of any manifest or index that says what it refers to; absent or null means nothing.
func subjectDescriptor(of object: JSONObject) throws(OCIError) -> Descriptor? {
    guard let subject = object["subject"], subject != .null else { return nil }
    return try Descriptor(subject, "the manifest.subject")
}

/// Checks the schema version and, where it is given, the media type.
func checkHead(of object: JSONObject, _ place: String, mediaType: String) throws(OCIError) {
    guard object["schemaVersion"]?.integerOrNil == 2 else {
        throw OCIError(.malformed, "\(place) does not have schemaVersion 2")
    }
    if let found = object["mediaType"], found.stringOrNil != mediaType {
        throw OCIError(.malformed, "\(place) has another media type than \(mediaType)")
    }
}
