import Codecs
import Envelopes
import OCI
import PKI
import SigningKeys

/// Signs artifacts with one key that was opened once, and looks afterwards whether each signature is found.
struct ArtifactSigner: Sendable {
    let request: SigningRequest
    let now: UTCDate
    /// What this certificate has signed already is left alone.
    let skipsSigned: Bool

    /// What became of one manifest.
    struct Result: Sendable {
        enum Kind: Sendable { case signed, left, wouldSign }

        let artifact: Descriptor
        let kind: Kind
        /// The signature's manifest; of one that was left alone, the signature that was there.
        let signature: Descriptor?
        /// How many signatures that were there before say that they are by this certificate; nil where nobody looked.
        let earlier: Int?
    }

    /// How often a signature that is not found afterwards is put there again.
    private static let attempts = 3
    /// Signatures that are looked at for those of this certificate.
    private static let maximumSignatures = 100

    /// One manifest that is named twice is signed by one after the other.
    private let turns = Turns()

    /// - Parameter place: names the artifact and where it lies.
    func sign(
        _ artifact: Descriptor, at place: String, in repository: any ImageRepository
    ) async throws -> Result {
        try await turns.at(place) { try await sign(artifact, in: repository) }
    }

    private func sign(_ artifact: Descriptor, in repository: any ImageRepository) async throws -> Result {
        if skipsSigned, let own = try await own(of: artifact, in: repository) {
            return Result(artifact: artifact, kind: .left, signature: own, earlier: nil)
        }
        let earlier = skipsSigned ? nil : await earlier(of: artifact, in: repository)
        let envelope: [UInt8]
        do {
            envelope = try await request.envelope(
                mediaType: artifact.mediaType, digest: artifact.digest.description, size: artifact.size)
        } catch let error as KeyError where error.code == .dryRun {
            return Result(artifact: artifact, kind: .wouldSign, signature: nil, earlier: earlier)
        }
        let signature = NewSignature(
            envelope: envelope, mediaType: request.format.mediaType, of: artifact, annotations: annotations)
        try await put(signature, beside: artifact, in: repository)
        return Result(artifact: artifact, kind: .signed, signature: signature.descriptor, earlier: earlier)
    }

    /// Counts by what the signatures' manifests say, without reading the signatures: it is for a note alone, so that a place
    /// that does not tell is no reason not to sign.
    private func earlier(of artifact: Descriptor, in repository: any ImageRepository) async -> Int? {
        let own = JSON.string(request.chain[0].sha256)
        let signatures = try? await repository.signatures(of: artifact, limit: Self.maximumSignatures)
        return signatures?.filter { signature in
            let thumbprints = signature.manifest.annotations[AnnotationName.chainThumbprints]
            return thumbprints.flatMap { try? JSON(parsing: $0) }?.arrayOrNil?.first == own
        }.count
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
