/// The media types that Roadstead reads and writes.
package enum MediaType {
    package static let imageManifest = "application/vnd.oci.image.manifest.v1+json"
    package static let imageIndex = "application/vnd.oci.image.index.v1+json"
    package static let emptyJSON = "application/vnd.oci.empty.v1+json"
    package static let notationSignature = "application/vnd.cncf.notary.signature"
    package static let jws = "application/jose+json"
    package static let cose = "application/cose"
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
