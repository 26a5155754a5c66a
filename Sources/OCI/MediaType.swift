import Codecs

/// The media types that Roadstead reads and writes.
package enum MediaType {
    package static let imageManifest = "application/vnd.oci.image.manifest.v1+json"
    package static let imageIndex = "application/vnd.oci.image.index.v1+json"
    package static let emptyJSON = "application/vnd.oci.empty.v1+json"
    package static let notationSignature = "application/vnd.cncf.notary.signature"
    package static let imageConfig = "application/vnd.oci.image.config.v1+json"
    /// An in-toto statement, as most tools mark the envelopes that hold one.
    package static let statement = "application/vnd.in-toto+json"
    package static let dsseEnvelope = "application/vnd.dsse.envelope.v1+json"
    /// What the media type of every version of Sigstore's bundle begins with.
    package static let sigstoreBundle = "application/vnd.dev.sigstore.bundle"
    package static let jws = "application/jose+json"
    package static let cose = "application/cose"
    package static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    package static let dockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"

    /// Whether content of this type lists manifests.
    package static func isIndex(_ type: String) -> Bool { type == imageIndex || type == dockerManifestList }

    /// The media type inside a manifest; where it is absent, the one it is listed by.
    package static func ofManifest(_ bytes: [UInt8], listed: String?) throws(OCIError) -> String {
        let object = try document(bytes, "the manifest", limit: OCILimit.manifestBytes)
        switch (object["mediaType"]?.stringOrNil, listed) {
        case (let inside?, let listed?) where inside != listed:
            throw OCIError(.mismatch, "a manifest of media type \(inside) is listed as \(listed)")
        case (let inside?, _): return inside
        case (nil, let listed?): return listed
        case (nil, nil): return object["manifests"] == nil ? imageManifest : imageIndex
        }
    }
}

/// The annotations that Roadstead reads and writes.
package enum AnnotationName {
    package static let referenceName = "org.opencontainers.image.ref.name"
    package static let created = "org.opencontainers.image.created"
    package static let chainThumbprints = "io.cncf.notary.x509chain.thumbprint#S256"
}

/// What is read at most; the figures are those of the Notary Project's own tools.
package enum OCILimit {
    package static let manifestBytes = 4 << 20
    package static let signatureBytes = 32 << 20
    package static let indexBytes = 16 << 20
}
