import Codecs
import Envelopes
import OCI
import PKI

/// Signs artifacts with one key that was opened once, and looks afterwards whether each signature is found.
struct ArtifactSigner: Sendable {
    let request: SigningRequest
    let now: UTCDate
    /// What this certificate has signed already is left alone.
    let skipsSigned: Bool

    /// What became of one manifest.
    struct Result: Sendable {
        let artifact: Descriptor
        /// The signature's manifest; of a skipped one, the signature that was there.
        let signature: Descriptor
        let isSkipped: Bool
    }

    /// How often a signature that is not found afterwards is put there again.
    private static let attempts = 3
    /// Signatures that are looked at for one of this certificate.
    private static let maximumSignatures = 100

    func sign(_ artifact: Descriptor, in repository: any ImageRepository) async throws -> Result {
        if skipsSigned, let earlier = try await own(of: artifact, in: repository) {
            return Result(artifact: artifact, signature: earlier, isSkipped: true)
        }
        let envelope = try await request.envelope(
            mediaType: artifact.mediaType, digest: artifact.digest.description, size: artifact.size)
        let signature = NewSignature(
            envelope: envelope, mediaType: request.format.mediaType, of: artifact, annotations: annotations)
        try await put(signature, beside: artifact, in: repository)
        return Result(artifact: artifact, signature: signature.descriptor, isSkipped: false)
    }

    /// What notation writes into the signature's manifest.
    private var annotations: [String: String] {
        let thumbprints = JSON.array(request.chain.map { .string($0.sha256) })
        return [AnnotationName.chainThumbprints: thumbprints.text, AnnotationName.created: now.description]
    }

    /// Puts a signature there and reads it back from there, as a verifier would find it. Lists that others change at the
    /// same time may lose it once more.
    private func put(
        _ signature: NewSignature, beside artifact: Descriptor, in repository: any ImageRepository
    ) async throws {
        for attempt in 1...Self.attempts {
            try await repository.attach(signature, to: artifact)
            let stored = SignatureManifest(
                descriptor: signature.descriptor,
                manifest: try Manifest(parsing: try await repository.manifest(signature.descriptor.digest).bytes))
            guard let envelope = try await verified(stored, in: repository), Self.speaks(envelope, of: artifact) else {
                break
            }
            // Last, when whoever changed the list at the same time has most likely finished.
            if try await repository.lists(signature.descriptor, of: artifact) { return }
            try await Task.sleep(for: .milliseconds(300 * attempt))
        }
        throw CommandError(
            .environment,
            "the signature \(signature.descriptor.digest) of \(artifact.digest) was put there, and is not found again",
            hint: "look with roadstead signature list whether something removes referrers there")
    }

    /// A signature by this certificate that holds, says the same and has not expired.
    private func own(of artifact: Descriptor, in repository: any ImageRepository) async throws -> Descriptor? {
        for signature in try await repository.signatures(of: artifact, limit: Self.maximumSignatures) {
            guard let envelope = try? await verified(signature, in: repository), envelope.leaf == request.chain[0],
                Self.speaks(envelope, of: artifact), envelope.artifact.annotations == request.metadata,
                envelope.attributes.expiry.map({ $0 > now }) ?? true
            else { continue }
            return signature.descriptor
        }
        return nil
    }

    private func verified(
        _ signature: SignatureManifest, in repository: any ImageRepository
    ) async throws -> VerifiedEnvelope? {
        guard let format = EnvelopeFormat(mediaType: try signature.envelope.mediaType) else { return nil }
        let bytes = try await repository.envelope(of: signature)
        return try UnverifiedEnvelope(parsing: bytes, format: format).verified()
    }

    private static func speaks(_ envelope: VerifiedEnvelope, of artifact: Descriptor) -> Bool {
        envelope.artifact.digest == artifact.digest.description && envelope.artifact.size == artifact.size
            && envelope.artifact.mediaType == artifact.mediaType
    }
}
