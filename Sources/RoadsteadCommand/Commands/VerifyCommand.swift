import Codecs
import Files
import OCI
import PKI
import TrustModel

/// `roadstead verify`: says whether an artifact's signatures count on this host, and why not.
enum VerifyCommand {
    static let command = Command(
        "verify", "verify an artifact by its signatures",
        options: [
            .value("oci-layout", "DIR@DIGEST", required: true, "the artifact, in an OCI image layout"),
            .value("scope", "HOST/REPOSITORY", required: true, "the repository whose trust policy applies"),
            .value(
                "config", "DIR", "a Notation configuration directory (default: what this host's agent put in force)"),
            .value(
                "state", "DIR", "the directory of this host's agent (default: $ROADSTEAD_STATE, /var/lib/roadstead)"),
            .value("cache", "DIR", "a Notation cache directory, for revocation lists; not read yet"),
            .repeated("user-metadata", "KEY=VALUE", short: "m", "something the signature must state; may be repeated"),
            .value("max-signatures", "N", "how many signatures are looked at (default: 100)"),
            Output.option,
        ],
        discussion: """
            Without --config the trust is that of the host's current generation, below --state. The rules are those of the Notary Project specification.
            Revocation is not checked yet: a chain, a signer's or a time-stamping authority's, that names a CRL or OCSP
            address is reported as "not checked", which the level strict rejects.
            """,
        examples: [
            "roadstead verify --oci-layout image@sha256:… --scope registry.example.com/acme/app",
            "roadstead verify --oci-layout image@sha256:… --scope local/app --config ~/.config/notation --output json",
        ], run: run)

    private static func run(
        _ invocation: Invocation, _ console: Console, _ reach: Reach
    ) async throws -> ExitStatus {
        let output: Output = try invocation.choice("output", default: .text)
        let maximum = try invocation.integer(
            "max-signatures", in: 1...1_000_000, default: ArtifactVerifier.defaultMaximumSignatures)
        let metadata = try invocation.pairs("user-metadata")
        let scope = try scope(try invocation.required("scope"))
        let artifact = try LayoutArtifact(try invocation.required("oci-layout"))
        guard let (policy, denials, exceptions, now) = try trust(for: scope, invocation, console) else {
            report(
                Finding(.noStatement, .rejects, "no trust policy statement is for \(scope)"), artifact, scope, output,
                console)
            return .rejected
        }
        let verdict = ArtifactVerifier(
            policy: policy, denials: denials, exceptions: exceptions, now: now, maximumSignatures: maximum
        ).verify(
            artifact.descriptor,
            signatures: try artifact.layout.signatures(of: artifact.descriptor, limit: maximum + 1), metadata: metadata
        ) {
            (try artifact.layout.envelope(of: $0), try $0.envelope.mediaType)
        }
        switch output {
        case .text: VerdictText(verdict, scope: scope).show(on: console)
        case .json: console.print(verdict.json.text)
        }
        return verdict.isAccepted ? .success : .rejected
    }

    private static func scope(_ text: String) throws -> String {
        let reference = try Reference(text)
        guard reference.tag == nil, reference.digest == nil else {
            throw CommandError(.usage, "a scope has neither tag nor digest", hint: "use --scope \(reference.scope)")
        }
        return reference.scope
    }

    /// The policy for a repository from a Notation configuration or from the host's current generation, and the time: the
    /// fleet's signed one is the floor of the clock, so that what has ended stays ended where the clock is behind.
    private static func trust(
        for scope: String, _ invocation: Invocation, _ console: Console
    ) throws -> (VerificationPolicy, Denials, [PolicyException], now: UTCDate)? {
        if let directory = invocation["config"] {
            let configuration = NotationConfiguration(directory)
            guard let statement = try configuration.trustPolicy().statement(for: scope) else { return nil }
            return (statement.policy(load: configuration.trustStore), .none, [], console.now)
        }
        let trust = try HostState(directory: invocation["state"], console).trust()
        let now = max(console.now, trust.issued)
        guard let policy = try trust.policy(for: try RegistryScope(scope), at: now) else { return nil }
        return (policy, Denials(trust.denials), trust.exceptions ?? [], now)
    }

    private static func report(
        _ finding: Finding, _ artifact: LayoutArtifact, _ scope: String, _ output: Output, _ console: Console
    ) {
        switch output {
        case .text:
            console.say("rejected: \(scope)@\(artifact.descriptor.digest): \(finding.found)")
            console.hint(finding.hint)
        case .json:
            console.print(
                JSON.object(
                    JSONObject([
                        ("verified", false), ("artifact", artifact.descriptor.json),
                        ("findings", .array([finding.json])),
                        ("signatures", .array([])),
                    ])
                ).text)
        }
    }
}
