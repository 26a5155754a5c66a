/// A manifest that carries one signature envelope and names the artifact it signs.
package struct SignatureManifest: Sendable, Hashable {
    package let descriptor: Descriptor
    package let manifest: Manifest

    package init(descriptor: Descriptor, manifest: Manifest) {
        self.descriptor = descriptor
        self.manifest = manifest
    }

    /// The one layer, the envelope. [Notary signature-specification, "Storage"]
    package var envelope: Descriptor {
        get throws(OCIError) {
            guard manifest.layers.count == 1, let layer = manifest.layers.first else {
                throw OCIError(
                    .malformed, "signature manifest \(descriptor.digest) has \(manifest.layers.count) layers, not one")
            }
            return layer
        }
    }
}
