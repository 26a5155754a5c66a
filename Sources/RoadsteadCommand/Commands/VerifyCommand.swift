import Codecs
import Files
import OCI
import PKI
import TrustModel

/// `roadstead verify`: says whether an artifact's signatures count on this host, and why not.
enum VerifyCommand {
    static let command = Command(
        "verify", "verify an image by its signatures", operand: "[IMAGE]",
        options: [
            .value("oci-layout", "DIR@DIGEST", "an artifact in an OCI image layout"),
            .value("scope", "HOST/REPOSITORY", "the repository whose trust policy applies (default: the image's own)"),
            .value(
                "config", "DIR", "a Notation configuration directory (default: what this host's agent put in force)"),
            .value(
                "state", "DIR", "the directory of this host's agent (default: $ROADSTEAD_STATE, /var/lib/roadstead)"),
            .value("cache", "DIR", "a Notation cache directory, for revocation lists; not read yet"),
            .repeated("user-metadata", "KEY=VALUE", short: "m", "something the signature must state; may be repeated"),
            .value("max-signatures", "N", "how many signatures are looked at (default: 100)"),
        ] + ImageRequest.options + [Output.option],
        discussion: """
            Without --config the trust is that of the host's current generation, below --state. The rules are those of the Notary Project specification.
            Revocation is not checked yet: a chain, a signer's or a time-stamping authority's, that names a CRL or OCSP
            address is reported as "not checked", which the level strict rejects.
            """,
        examples: [
            "roadstead verify registry.example.com/acme/app:1.0",
            "roadstead verify --oci-layout image@sha256:… --scope registry.example.com/acme/app",
            "roadstead verify --oci-layout image@sha256:… --scope local/app --config ~/.config/notation --output json",
        ], needsMore: { !$0.operands.isEmpty }, run: run)

    private static func run(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output = try Output(invocation)
        let maximum = try invocation.integer(
            "max-signatures", in: 1...1_000_000, default: ArtifactVerifier.defaultMaximumSignatures)
        let metadata = try invocation.pairs("user-metadata")
        let name = try name(invocation)
        guard let text = invocation["scope"] ?? name.scope else {
            throw CommandError(
                .usage, "--scope is missing: the repository whose trust policy applies", hint: "roadstead verify --help"
            )
        }
        let scope = try scope(text)
        return try await ArtifactPlaces.with([name], invocation, console, reach) { places in
            let artifact = try await places.find(name)
            guard let trust = try trust(for: scope, invocation, console) else {
                report(
                    Finding(.noStatement, .rejects, "no trust policy statement is for \(scope)"), artifact.descriptor,
                    scope, output, console)
                return .rejected
            }
            let verifier = ArtifactVerifier(
                policy: trust.policy, denials: trust.denials, exceptions: trust.exceptions, now: trust.now,
                maximumSignatures: maximum)
            let verdict = try await verify(artifact, verifier, metadata)
            switch output {
            case .text: VerdictText(verdict, scope: scope).show(on: console)
            case .json, .yaml: console.show(verdict.json, as: output)
            }
            return verdict.isAccepted ? .success : .rejected
        }
    }

    private static func name(_ invocation: Invocation) throws -> ArtifactName {
        if let layout = invocation["oci-layout"] {
            guard invocation.operands.isEmpty else {
                throw CommandError(.usage, "--oci-layout and an image exclude each other")
            }
            return try ArtifactName(layout: layout)
        }
        return try ArtifactName(reference: try invocation.operand("image or --oci-layout DIR@DIGEST"))
    }

    /// Envelopes of a layout are read one by one, as they are needed; those of a registry come before.
    private static func verify(
        _ artifact: FoundArtifact, _ verifier: ArtifactVerifier, _ metadata: [String: String]
    ) async throws -> ArtifactVerdict {
        let signatures = try await artifact.repository.signatures(
            of: artifact.descriptor, limit: verifier.maximumSignatures + 1)
        if let layout = artifact.repository as? LayoutRepository {
            return verifier.verify(artifact.descriptor, signatures: signatures, metadata: metadata) {
                (try layout.envelope(of: $0), try $0.envelope.mediaType)
            }
        }
        let fetched = await FetchedEnvelopes(
            signatures.prefix(verifier.maximumSignatures), from: artifact.repository)
        return verifier.verify(artifact.descriptor, signatures: signatures, metadata: metadata) {
            (try fetched.envelope(of: $0), try $0.envelope.mediaType)
        }
    }

    private static func scope(_ text: String) throws -> String {
        let reference = try Reference(text)
        guard reference.tag == nil, reference.digest == nil else {
            throw CommandError(.usage, "a scope has neither tag nor digest", hint: "use --scope \(reference.scope)")
        }
        return reference.scope
    }

    private struct Trust {
        let policy: VerificationPolicy
        let denials: Denials
        let exceptions: [PolicyException]
        let now: UTCDate
    }

    /// The policy for a repository from a Notation configuration or from the host's current generation, and the time: the
    /// fleet's signed one is the floor of the clock, so that what has ended stays ended where the clock is behind.
    private static func trust(
        for scope: String, _ invocation: Invocation, _ console: Console
    ) throws -> Trust? {
        if let directory = invocation["config"] {
            let configuration = NotationConfiguration(directory)
            guard let statement = try configuration.trustPolicy().statement(for: scope) else { return nil }
            return Trust(
                policy: statement.policy(load: configuration.trustStore), denials: .none, exceptions: [],
                now: console.now)
        }
        let trust = try HostState(directory: invocation["state"], console).trust()
        let now = max(console.now, trust.issued)
        guard let policy = try trust.policy(for: try RegistryScope(scope), at: now) else { return nil }
        return Trust(
            policy: policy, denials: Denials(trust.denials), exceptions: trust.exceptions ?? [], now: now)
    }

    private static func report(
        _ finding: Finding, _ artifact: Descriptor, _ scope: String, _ output: Output, _ console: Console
    ) {
        switch output {
        case .text:
            console.say("rejected: \(scope)@\(artifact.digest): \(finding.found)")
            console.hint(finding.hint)
        case .json, .yaml:
            let result = JSONObject([
                ("verified", false), ("artifact", artifact.json), ("findings", .array([finding.json])),
                ("signatures", .array([])),
            ])
            console.show(.object(result), as: output)
        }
    }
}
