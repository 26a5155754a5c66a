import TrustModel

/// `roadstead sign`: puts Notary Project signatures beside artifacts.
enum SignCommand {
    /// What one registry takes without complaint, and what hides its delays.
    private static let standardJobs = 4

    static let command = Command(
        "sign", "sign images", operand: "[IMAGE…]",
        options: [
            ArtifactNames.layout, ArtifactNames.file,
            .flag("index-only", "sign an index alone, not the manifests that it leads to"),
            .flag("skip-signed", "leave alone what this certificate has signed already, saying the same"),
            .value("jobs", "N", "how many images are signed at the same time (default: \(standardJobs))"),
        ] + SigningRequest.options + ImageRequest.options + [Output.option],
        discussion: """
            An index is signed together with every manifest that it leads to, since some who verify ask about the index and
            some about the manifest of their platform. A tag is resolved once, by the registry's own word; what is signed is
            the digest. Signatures are stored in the form of Notation 1.x, which every version of notation reads, and each is
            looked up and verified where it was put. The key is opened once for all images, which are told of in the order in
            which they are named. Status 0: all are signed, or would be; 1: what failed was denied by a signing service; 3:
            something else failed, or an interruption left images unsigned. Of each signature there is all or nothing.
            The algorithm follows from the key: RSA 2048, 3072 and 4096 sign with PS256, PS384 and PS512; EC P-256, P-384
            and P-521 with ES256, ES384 and ES512.
            \(Timestamping.discussion)
            \(ImageRequest.discussion)
            """,
        examples: [
            "roadstead sign --key file:team.key --certificate-chain team.pem registry.example.com/acme/app:1.0",
            "roadstead sign --key file:ci.key --passphrase-fd 3 --certificate-chain ci.pem -m build=42 --expiry 30d --oci-layout image@sha256:… 3<pass",
            "roadstead sign --key file:ci.key --certificate-chain ci.pem --timestamp-url http://tsa.example.com --timestamp-root tsa.pem --oci-layout image@sha256:…",
            "roadstead sign --key 'pkcs11:token=CI;object=sign' --certificate-chain ci.pem --skip-signed --file images.txt",
        ], needsMore: { Timestamping.isAsked($0) || ArtifactNames.reachRegistries($0) }, run: run)

    private static func run(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output = try Output(invocation)
        let names = try ArtifactNames.all(invocation)
        let jobs = try invocation.integer("jobs", in: 1...SigningBatch.maximumJobs, default: standardJobs)
        let signer = ArtifactSigner(
            request: try await SigningRequest(invocation, console, reach), now: console.now,
            skipsSigned: invocation.has("skip-signed"))
        let signerName = signer.request.chain[0].subjectText
        var progress = SigningProgress(total: names.count, console)
        if names.count > 1 { Interruption.watch() }
        let images = try await ArtifactPlaces.with(names, invocation, console, reach) { places in
            let batch = SigningBatch(
                names: names, signer: signer, places: places, isIndexOnly: invocation.has("index-only"), jobs: jobs)
            return try await batch.run { images in
                progress.show(images)
            } tell: { image in
                SigningReport.note(image, on: console)
                if output == .text { SigningReport.show(image, by: signerName, on: console) }
                guard names.count > 1, let failure = image.failure else { return }
                console.say("\(image.name):")
                console.report(failure)
            }
        }
        if images.count == 1, let failure = images[0].failure { throw failure }
        let report = SigningReport(signer: signerName, images: images)
        if output != .text {
            console.show(report.json, as: output)
        } else if images.count > 1 {
            report.showTable(on: console)
        }
        if images.count > 1 { console.say(report.summary) }
        return report.status
    }
}
