import Codecs
import Envelopes
import OCI
import TestSigning

/// An image's manifest and a signature of it, as a registry would hold them.
struct SignedArtifact {
    static let repository = "team/app"

    let fixture: SigningFixture
    let manifest: [UInt8]
    let descriptor: Descriptor
    let envelope: [UInt8]
    let signature: [UInt8]

    init() async throws {
        fixture = try await SigningFixture()
        let config = Array("{}".utf8)
        manifest = Manifest(config: Descriptor(of: config, mediaType: MediaType.emptyJSON), layers: []).bytes
        descriptor = Descriptor(of: manifest, mediaType: MediaType.imageManifest)
        envelope = try await fixture.sign(
            TargetArtifact(
                mediaType: descriptor.mediaType, digest: descriptor.digest.description, size: descriptor.size))
        signature =
            Manifest(
                config: Descriptor(of: config, mediaType: MediaType.notationSignature),
                layers: [Descriptor(of: envelope, mediaType: MediaType.jws)], subject: descriptor
            ).bytes
    }

    var signatureDescriptor: Descriptor { Descriptor(of: signature, mediaType: MediaType.imageManifest) }
    var envelopeDigest: Digest { Digest(of: envelope) }
    var index: [UInt8] { Index().appending(signatureDescriptor).bytes }

    /// What a registry with the referrers API answers.
    func fill(_ registry: FakeRegistry) {
        let base = "/v2/\(Self.repository)"
        registry.manifest("\(base)/manifests/1.0", manifest)
        registry.manifest("\(base)/referrers/\(descriptor.digest)", index, type: MediaType.imageIndex)
        registry.manifest("\(base)/manifests/\(signatureDescriptor.digest)", signature)
        registry.reply(to: "\(base)/blobs/\(envelopeDigest)", .init(body: envelope))
    }
}
