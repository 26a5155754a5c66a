import Codecs
import OCI
import ReleaseCriteria
import SigningKeys

/// `roadstead signature approve`: a person's word that a signing service may sign an artifact, once.
enum ApproveCommand {
    static let command = Command(
        "signature approve", "allow a signing service to sign images, with a key of your own",
        operand: "[IMAGE@DIGEST…]",
        options: [
            .value("key", "URI", required: true, "your own key; the service has its public half as an attester"),
            .value("for", "KEY", required: true, "the name of the service's key that may sign"),
            .value("expiry", "TIME", "how long the approval counts, at most 30d (default: 8h)"),
            .value("out", "FILE", "the new file (default: standard output)"),
            .flag("index-only", "approve an index alone, not the manifests that it leads to"),
            ArtifactNames.layout, ArtifactNames.file,
        ] + KeyOptions.all + ImageRequest.options,
        discussion: """
            Each digest gets an approval of its own, which is good for one signature: an index and every manifest that it leads
            to, as roadstead sign signs them. Images are named by digest, so that nothing else is approved than what you looked
            at. Whoever asks the service for signatures hands the file over: roadstead sign --evidence FILE.
            \(ImageRequest.discussion)
            """,
        examples: [
            "roadstead signature approve --key ssh-agent:ann@laptop --for release --out ann.dsse registry.example.com/acme/app@sha256:…",
            "roadstead sign --key roadstead://signer.example.com/release --evidence ann.dsse --evidence bob.dsse registry.example.com/acme/app@sha256:…",
        ], needsMore: ArtifactNames.reachRegistries, run: run)

    /// Whoever approves for longer approves what nobody remembers.
    private static let longest: Int64 = 30 * 86_400

    private static func run(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let names = try ArtifactNames.all(invocation)
        for case .registry(let reference) in names where reference.digest == nil {
            throw CommandError(
                .usage, "\(reference) is a tag, which may mean something else tomorrow",
                hint: "name the digest that you looked at: \(reference.scope)@sha256:…")
        }
        let approval = try approval(invocation, console)
        if let out = invocation["out"] { try NewFiles.checkAbsent([out]) }
        let name = try KeyName(try invocation.required("key"))
        let key = try await reach.backends(KeyRequest(invocation, console)).open(name)
        let digests = try await digests(names, invocation, console, reach)
        var lines = ""
        for digest in digests {
            let envelope = try await DSSEEnvelope.signed(
                approval.payload(about: digest), by: AnySigner(key.signer), certificates: key.certificates)
            lines += envelope.json.text + "\n"
            console.say("\(digest) may be signed with \"\(approval.key)\", once, until \(approval.expires)")
        }
        if let out = invocation["out"] {
            try NewFiles.create([(out, lines, 0o644)])
        } else {
            console.printText(lines)
        }
        return .success
    }

    private static func approval(_ invocation: Invocation, _ console: Console) throws -> ApprovalStatement {
        let lifetime = try invocation.duration("expiry") ?? 8 * 3_600
        guard lifetime <= longest else {
            throw CommandError(.usage, "--expiry is longer than 30 days", hint: "approve again when it is needed")
        }
        let key = try invocation.required("for")
        guard (1...64).contains(key.utf8.count), !key.contains("/") else {
            throw CommandError(
                .usage, "--for names no key of a service", hint: "of roadstead://HOST/release it is \"release\"")
        }
        return ApprovalStatement(key: key, approved: console.now, expires: console.now.adding(seconds: lifetime))
    }

    /// Every digest once, each top before what it leads to.
    private static func digests(
        _ names: [ArtifactName], _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> [Digest] {
        try await ArtifactPlaces.with(names, invocation, console, reach) { places in
            var digests: [Digest] = []
            for name in names {
                let found = try await places.find(name)
                let tree =
                    invocation.has("index-only")
                    ? ArtifactTree(only: found.descriptor) : try await ArtifactTree(found)
                digests += tree.descriptors.map(\.digest).filter { !digests.contains($0) }
            }
            return digests
        }
    }
}
