package import Codecs
package import Envelopes
package import OCI
package import SigningKeys

/// A file that lies in no registry, as a verification needs to know it.
package struct Blob: Sendable {
    package let size: Int64
    /// What it is said to be; nil to believe the signature.
    package let mediaType: String?
    /// Its digest by each hash that a signature may use.
    package let digests: [Digest]

    package init(size: Int64, mediaType: String?, digests: [Digest]) {
        self.size = size
        self.mediaType = mediaType
        self.digests = digests
    }

    package func digest(by hash: HashAlgorithm) -> Digest {
        digests.first { $0.algorithm == hash } ?? digests[0]
    }

    /// The file in the words of a signature.
    fileprivate func descriptor(for envelope: UnverifiedEnvelope?) -> Descriptor {
        let signed = envelope.flatMap { try? TargetArtifact(payload: $0.payload) }
        return Descriptor(
            mediaType: mediaType ?? signed?.mediaType ?? Blob.standardMediaType,
            digest: digest(by: envelope?.algorithm.hash ?? .sha256), size: size)
    }

    package static let standardMediaType = "application/octet-stream"
}

/// Decides on a blob by the signature that lies beside it. [Notary signature-specification, "Blob signatures"]
package struct BlobVerifier: Sendable {
    package let policy: VerificationPolicy
    package let denials: Denials
    package let now: UTCDate

    package init(policy: VerificationPolicy, denials: Denials = .none, now: UTCDate) {
        self.policy = policy
        self.denials = denials
        self.now = now
    }

    /// The digest in a signature is made with the hash of its algorithm, so that is the digest that is compared. A blob
    /// whose digest by any hash is denied is denied.
    package func verify(
        _ blob: Blob, envelope: [UInt8], format: EnvelopeFormat, metadata: [String: String] = [:]
    ) -> ArtifactVerdict {
        let opened = try? UnverifiedEnvelope(parsing: envelope, format: format)
        let artifact = blob.descriptor(for: opened)
        var verdict = ArtifactVerdict(artifact: artifact, policy: policy)
        verdict.findings = denials.alarms(team: policy.team)
        let denied = blob.digests.flatMap { digest in
            denials.findings(
                against: Descriptor(mediaType: artifact.mediaType, digest: digest, size: blob.size), team: policy.team)
        }
        verdict.findings += denied
        guard denied.isEmpty else { return verdict }
        guard policy.level != .skip else {
            verdict.findings.append(
                Finding(
                    .skipped, .informs,
                    "statement \"\(policy.name)\" skips verification: the signature was not looked at"
                ))
            return verdict
        }
        verdict.signatures = [
            SignatureEvaluator(policy: policy, denials: denials, now: now)
                .evaluate(envelope, mediaType: format.mediaType, artifact: artifact, metadata: metadata)
        ]
        verdict.findings = Finding.ranked(verdict.findings)
        return verdict
    }
}
