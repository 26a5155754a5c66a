package import Codecs
package import OCI

/// Decides on an artifact by its signatures: in order, until enough of them are accepted.
package struct ArtifactVerifier: Sendable {
    /// How many signatures are looked at when nobody says otherwise, as in notation. [CVE-2023-33957]
    package static let defaultMaximumSignatures = 100

    package let policy: VerificationPolicy
    package let denials: Denials
    /// What is let pass; those that have ended count for nothing.
    package let exceptions: [PolicyException]
    package let now: UTCDate
    package let maximumSignatures: Int

    package init(
        policy: VerificationPolicy, denials: Denials = .none, exceptions: [PolicyException] = [], now: UTCDate,
        maximumSignatures: Int = ArtifactVerifier.defaultMaximumSignatures
    ) {
        self.policy = policy
        self.denials = denials
        self.exceptions = exceptions
        self.now = now
        self.maximumSignatures = maximumSignatures
    }

    /// Verifies an artifact; `load` brings a signature's envelope and its media type, and what it throws concerns that
    /// signature only.
    package func verify(
        _ artifact: Descriptor, signatures: [SignatureManifest], metadata: [String: String] = [:],
        load: (SignatureManifest) throws -> (bytes: [UInt8], mediaType: String)
    ) -> ArtifactVerdict {
        var verdict = ArtifactVerdict(artifact: artifact, policy: policy)
        verdict.findings = denials.alarms(team: policy.team)
        let denied = denials.findings(against: artifact, team: policy.team)
        guard denied.isEmpty else {
            verdict.findings += denied
            return verdict
        }
        guard policy.level != .skip else {
            verdict.findings.append(
                Finding(
                    .skipped, .informs, "statement \"\(policy.name)\" skips verification: no signature was looked at"))
            return verdict
        }
        look(at: signatures, metadata, load, &verdict)
        let digest = artifact.digest.description
        if !verdict.isAccepted, let exception = exceptions.first(where: { $0.digest == digest && $0.holds(at: now) }) {
            verdict.except(by: exception)
        }
        verdict.findings = Finding.ranked(verdict.findings)
        return verdict
    }

    private func look(
        at signatures: [SignatureManifest], _ metadata: [String: String],
        _ load: (SignatureManifest) throws -> (bytes: [UInt8], mediaType: String), _ verdict: inout ArtifactVerdict
    ) {
        guard !signatures.isEmpty else {
            verdict.findings.append(
                Finding(
                    .noSignature, .rejects, "nothing signs \(verdict.artifact.digest)",
                    hint: "sign it with roadstead sign, or fetch its signatures with it"))
            return
        }
        let evaluator = SignatureEvaluator(policy: policy, denials: denials, now: now)
        var stores: Set<String> = []
        for signature in signatures.prefix(maximumSignatures) {
            var result: SignatureVerdict
            do {
                let envelope = try load(signature)
                result = evaluator.evaluate(
                    envelope.bytes, mediaType: envelope.mediaType, artifact: verdict.artifact, metadata: metadata)
            } catch {
                result = SignatureVerdict()
                result.findings = [Finding(.unreadable, .rejects, check: .integrity, "\(error)")]
            }
            result.manifest = signature.descriptor.digest
            verdict.signatures.append(result)
            if result.isAccepted { stores.insert(result.store?.description ?? "") }
            if stores.count >= policy.requiredStores { return }
        }
        verdict.findings += shortfall(stores: stores.count, of: signatures.count)
    }

    private func shortfall(stores: Int, of count: Int) -> [Finding] {
        var findings: [Finding] = []
        if stores > 0 {
            findings.append(
                Finding(
                    .tooFewStores, .rejects,
                    "signers of \(stores) trust stores were accepted, statement \"\(policy.name)\" requires \(policy.requiredStores)"
                ))
        }
        if count > maximumSignatures {
            findings.append(
                Finding(
                    .tooManySignatures, stores == 0 ? .rejects : .informs,
                    "only the first \(maximumSignatures) signatures were looked at, and there are more",
                    hint: "raise --max-signatures if the right one may come later"))
        }
        return findings
    }
}

/// What became of an artifact.
package struct ArtifactVerdict: Sendable {
    package let artifact: Descriptor
    package let statement: String
    package let level: VerificationLevel
    package let requiredStores: Int
    /// The signatures that were looked at.
    package var signatures: [SignatureVerdict] = []
    /// What was found beside the signatures.
    package var findings: [Finding] = []
    /// The exception that lets it pass although its signatures do not.
    package private(set) var exception: String?

    init(artifact: Descriptor, policy: VerificationPolicy) {
        self.artifact = artifact
        statement = policy.name
        level = policy.level
        requiredStores = policy.requiredStores
    }

    /// Lets it pass, unless a denial speaks against it or a signer of it.
    mutating func except(by exception: PolicyException) {
        let everything = findings + signatures.flatMap(\.findings)
        guard !everything.contains(where: { $0.code == .denied }) else {
            findings.append(
                Finding(.excepted, .informs, "\(exception), and is not heard, since a denial speaks against it"))
            return
        }
        self.exception = exception.id
        findings.append(Finding(.excepted, .warns, "\(exception)", hint: "have it signed before the exception ends"))
    }

    package var isAccepted: Bool {
        if exception != nil { return true }
        guard !findings.contains(where: { $0.weight == .rejects }) else { return false }
        if level == .skip { return true }
        let accepted = signatures.filter(\.isAccepted)
        return Set(accepted.map { $0.store?.description ?? "" }).count >= requiredStores
    }

    package var json: JSON {
        var object = JSONObject([
            ("verified", .bool(isAccepted)), ("artifact", artifact.plain.json), ("statement", .string(statement)),
            ("level", .string(level.rawValue)), ("findings", .array(findings.map(\.json))),
            ("signatures", .array(signatures.map(\.json))),
        ])
        object["exception"] = exception.map { .string($0) }
        return .object(object)
    }
}
