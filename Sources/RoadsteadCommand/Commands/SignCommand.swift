import Codecs
import Envelopes
import OCI
import PKI
import TrustModel

/// `roadstead sign`: puts a Notary Project signature beside an artifact.
enum SignCommand {
    static let command = Command(
        "sign", "sign an artifact",
        options: [.value("oci-layout", "DIR@DIGEST", required: true, "the artifact, in an OCI image layout")]
            + SigningRequest.options + [Output.option],
        discussion: """
            The signature is stored in the layout in the form of Notation 1.x, which every version of notation reads.
            The algorithm follows from the key: RSA 2048, 3072 and 4096 sign with PS256, PS384 and PS512; EC P-256, P-384
            and P-521 with ES256, ES384 and ES512. The signature is verified before it is stored.
            \(Timestamping.discussion)
            """,
        examples: [
            "roadstead sign --key file:team.key --certificate-chain team.pem --oci-layout image@sha256:…",
            "roadstead sign --key file:ci.key --passphrase-fd 3 --certificate-chain ci.pem -m build=42 --expiry 30d --oci-layout image@sha256:… 3<pass",
            "roadstead sign --key file:ci.key --certificate-chain ci.pem --timestamp-url http://tsa.example.com --timestamp-root tsa.pem --oci-layout image@sha256:…",
        ], needsMore: Timestamping.isAsked, run: run)

    private static func run(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output: Output = try invocation.choice("output", default: .text)
        let artifact = try LayoutArtifact(try invocation.required("oci-layout"))
        let request = try await SigningRequest(invocation, console, reach)
        let chain = request.chain
        let envelope = try await request.envelope(
            mediaType: artifact.descriptor.mediaType, digest: artifact.descriptor.digest.description,
            size: artifact.descriptor.size)
        let manifest = try artifact.layout.attach(
            envelope: envelope, mediaType: request.format.mediaType, to: artifact.descriptor,
            annotations: try annotations(chain, console.now))
        switch output {
        case .text:
            console.print("signed \(artifact.descriptor.digest) as \(chain[0].subjectText)")
            console.print("signature \(manifest.digest)")
        case .json:
            console.print(
                JSON.object(
                    JSONObject([
                        ("artifact", artifact.descriptor.json), ("signature", manifest.json),
                        ("signer", .string(chain[0].subjectText)),
                    ])
                ).text)
        }
        return .success
    }

    /// What notation writes into the signature's manifest.
    private static func annotations(_ chain: [Certificate], _ now: UTCDate) throws -> [String: String] {
        let thumbprints = JSON.array(chain.map { .string($0.sha256) })
        return [AnnotationName.chainThumbprints: thumbprints.text, AnnotationName.created: now.description]
    }
}
