import Codecs
import Envelopes
import OCI
import PKI
import SigningKeys
import TrustModel

/// `roadstead sign`: puts a Notary Project signature beside an artifact.
enum SignCommand {
    static let command = Command(
        "sign", "sign an artifact",
        options: [
            .value("key", "URI", required: true, "the private key that signs, such as file:team.key"),
            .value(
                "certificate-chain", "FILE",
                "PEM: the key's certificate, then its issuers up to the root (default: what lies beside the key)"),
            .value("oci-layout", "DIR@DIGEST", required: true, "the artifact, in an OCI image layout"),
            .value("format", "jws|cose", "the envelope's format (default: jws)"),
            .repeated(
                "user-metadata", "KEY=VALUE", short: "m", "something to state about the artifact; may be repeated"),
            .value("expiry", "TIME", "how long the signature counts, such as 24h or 90d (default: for ever)"),
        ] + KeyOptions.all + [Output.option],
        discussion: """
            The signature is stored in the layout in the form of Notation 1.x, which every version of notation reads.
            The algorithm follows from the key: RSA 2048, 3072 and 4096 sign with PS256, PS384 and PS512; EC P-256, P-384
            and P-521 with ES256, ES384 and ES512. The signature is verified before it is stored.
            """,
        examples: [
            "roadstead sign --key file:team.key --certificate-chain team.pem --oci-layout image@sha256:…",
            "roadstead sign --key file:ci.key --passphrase-fd 3 --certificate-chain ci.pem -m build=42 --expiry 30d --oci-layout image@sha256:… 3<pass",
        ], run: run)

    private static func run(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let format: EnvelopeFormat = try invocation.choice("format", default: .jws)
        let output: Output = try invocation.choice("output", default: .text)
        let metadata = try metadata(invocation)
        let expiry = try invocation.duration("expiry").map { console.now.adding(seconds: $0) }
        let artifact = try LayoutArtifact(try invocation.required("oci-layout"))
        let given = try invocation["certificate-chain"].map(CertificateFile.chain)
        let key = try await reach.backends(KeyRequest(invocation, console))
            .open(try KeyName(try invocation.required("key")))
        let chain = try given ?? CertificateFile.chain(beside: key)
        let target = TargetArtifact(
            mediaType: artifact.descriptor.mediaType, digest: artifact.descriptor.digest.description,
            size: artifact.descriptor.size, annotations: metadata)
        let envelope = try await EnvelopeWriter(format: format, signingAgent: "roadstead/\(VersionCommand.version)")
            .sign(target, chain: chain, signer: key.signer, at: console.now, expiry: expiry)
        let manifest = try artifact.layout.attach(
            envelope: envelope, mediaType: format.mediaType, to: artifact.descriptor,
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

    private static func metadata(_ invocation: Invocation) throws(CommandError) -> [String: String] {
        let metadata = try invocation.pairs("user-metadata")
        if let key = metadata.keys.first(where: { $0.hasPrefix("io.cncf.notary") }) {
            throw CommandError(
                .usage, "the metadata key \"\(key)\" is reserved: keys must not begin with io.cncf.notary")
        }
        return metadata
    }

    /// What notation writes into the signature's manifest.
    private static func annotations(_ chain: [Certificate], _ now: UTCDate) throws -> [String: String] {
        let thumbprints = JSON.array(chain.map { .string($0.sha256) })
        return [AnnotationName.chainThumbprints: thumbprints.text, AnnotationName.created: now.description]
    }
}
