/// A signature as it is stored, in the form that notation 1.3.2 writes and every version of it reads: the config's media
/// type says what it is, and there is no artifact type.
package struct NewSignature: Sendable {
    /// The config, then the envelope.
    package let blobs: [[UInt8]]
    /// The manifest's bytes.
    package let manifest: [UInt8]
    package let descriptor: Descriptor
    /// How an index of referrers lists it. [OCI distribution specification, "Referrers Tag Schema"]
    package let listed: Descriptor

    /// - Parameter mediaType: the envelope's.
    package init(envelope: [UInt8], mediaType: String, of artifact: Descriptor, annotations: [String: String]) {
        let config = Array("{}".utf8)
        blobs = [config, envelope]
        manifest =
            Manifest(
                config: Descriptor(of: config, mediaType: MediaType.notationSignature),
                layers: [Descriptor(of: envelope, mediaType: mediaType)], subject: artifact.plain,
                annotations: annotations
            ).bytes
        descriptor = Descriptor(of: manifest, mediaType: MediaType.imageManifest)
        listed = Descriptor(
            mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size,
            artifactType: MediaType.notationSignature, annotations: annotations)
    }
}
