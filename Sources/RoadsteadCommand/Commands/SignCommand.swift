import Codecs
import OCI
import PKI
import SigningKeys
import TrustModel

/// `roadstead sign`: puts Notary Project signatures beside artifacts.
enum SignCommand {
    static let command = Command(
        "sign", "sign images", operand: "[IMAGE…]",
        options: [
            ArtifactNames.layout, ArtifactNames.file,
            .flag("index-only", "sign an index alone, not the manifests that it leads to"),
            .flag("skip-signed", "leave alone what this certificate has signed already, saying the same"),
        ] + SigningRequest.options + ImageRequest.options + [Output.option],
        discussion: """
            An index is signed together with every manifest that it leads to, since some who verify ask about the index and
            some about the manifest of their platform. A tag is resolved once, by the registry's own word; what is signed is
            the digest. Signatures are stored in the form of Notation 1.x, which every version of notation reads, and each is
            looked up and verified where it was put. The key is opened once for all images.
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
        let output: Output = try invocation.choice("output", default: .text)
        let names = try ArtifactNames.all(invocation)
        let signer = ArtifactSigner(
            request: try await SigningRequest(invocation, console, reach), now: console.now,
            skipsSigned: invocation.has("skip-signed"))
        let report = try await ArtifactPlaces.with(names, invocation, console, reach) { places in
            try await sign(names, with: signer, in: places, invocation.has("index-only"), output, console)
        }
        switch output {
        case .text where names.count > 1: report.showTable(on: console)
        case .text: break
        case .json: console.print(report.json.text)
        }
        return report.failures == 0 ? .success : .environment
    }

    /// One image after the other; of several, one that cannot be signed does not stop the others.
    private static func sign(
        _ names: [ArtifactName], with signer: ArtifactSigner, in places: ArtifactPlaces, _ indexOnly: Bool,
        _ output: Output, _ console: Console
    ) async throws -> SigningReport {
        var report = SigningReport(signer: signer.request.chain[0].subjectText)
        var progress = Progress(total: names.count, console)
        for name in names {
            var image = SigningReport.Image(name: "\(name)", shown: "\(name)")
            do {
                try await sign(name, with: signer, in: places, indexOnly, &image, console)
            } catch let error as CancellationError {
                throw error
            } catch {
                image.error = "\(error)"
                if output == .text { report.show(image, on: console) }
                guard names.count > 1 else { throw error }
                console.say("\(name):")
                console.report(error)
                report.images.append(image)
                continue
            }
            if output == .text { report.show(image, on: console) }
            report.images.append(image)
            progress.show(report.images.count)
        }
        return report
    }

    private static func sign(
        _ name: ArtifactName, with signer: ArtifactSigner, in places: ArtifactPlaces, _ indexOnly: Bool,
        _ image: inout SigningReport.Image, _ console: Console
    ) async throws {
        let found = try await places.find(name)
        image.artifact = found.descriptor
        image.shown = found.shown
        if case .registry(let reference) = name, reference.digest == nil {
            console.say("\(reference) is \(found.descriptor.digest), which is what is signed")
        }
        let tree = indexOnly ? ArtifactTree(only: found.descriptor) : try await ArtifactTree(found)
        // The top comes last: who finds it signed finds all below it signed.
        for descriptor in tree.descriptors.reversed() {
            // A signing service may want to know where the artifact lies.
            let result = try await SigningSubject.$image.withValue(name.scope.map { "\($0)@\(descriptor.digest)" }) {
                try await signer.sign(descriptor, in: found.repository)
            }
            image.results.append(result)
        }
    }
}
