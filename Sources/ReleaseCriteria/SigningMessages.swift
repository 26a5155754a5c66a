package import Codecs
package import SigningKeys

/// What is asked of a signing service: `POST /v1/keys/{name}/sign`.
package struct SigningRequestBody: Codable, Sendable {
    /// Base64 of the bytes that the signature is over, whole.
    package let toBeSigned: String
    /// How; it follows from the key where nothing is said.
    package let scheme: String?
    /// DSSE envelopes.
    package let evidence: [JSON]?
    /// Where the artifact lies, `registry/repository@digest`.
    package let image: String?
    /// The repository in which the service is to look for more evidence, `registry/repository`.
    package let evidenceFrom: String?

    package init(
        toBeSigned: [UInt8], scheme: SignatureScheme?, evidence: [JSON], image: String?, evidenceFrom: String? = nil
    ) {
        self.toBeSigned = Base64.encode(toBeSigned)
        self.scheme = scheme?.wireName
        self.evidence = evidence.isEmpty ? nil : evidence
        self.image = image
        self.evidenceFrom = evidenceFrom
    }
}

/// What a signing service decided, and where its log has it.
package struct SigningDecisionBody: Codable, Sendable {
    package let allowed: Bool
    package let dryRun: Bool
    package let findings: [CriterionFinding]
    /// Statements that the key's attesters signed about the artifact, and where each came from.
    package let statements: [String]?
    /// Evidence that does not count, and why.
    package let ignored: [String]
    /// The entry of the decision log.
    package let sequence: Int64
    package let hash: String

    package init(
        _ decision: ReleaseDecision, dryRun: Bool, sequence: Int64, hash: String
    ) {
        allowed = decision.isAllowed
        self.dryRun = dryRun
        findings = decision.findings
        statements = decision.statements
        ignored = decision.ignored
        self.sequence = sequence
        self.hash = hash
    }
}

/// The answer to a request that was allowed, or to any dry run.
package struct SigningAnswerBody: Codable, Sendable {
    /// Base64; absent from dry runs.
    package let signature: String?
    /// Base64 of DER, leaf first.
    package let certificateChain: [String]
    package let decision: SigningDecisionBody

    package init(signature: [UInt8]?, certificateChain: [[UInt8]], decision: SigningDecisionBody) {
        self.signature = signature.map { Base64.encode($0) }
        self.certificateChain = certificateChain.map { Base64.encode($0) }
        self.decision = decision
    }
}

/// A key of a signing service.
package struct SigningKeyBody: Codable, Sendable {
    package let name: String
    package let usage: String
    /// PEM; absent while the key is not open.
    package let publicKey: String?
    package let certificateChain: [String]
    package let keyType: String?
    package let problem: String?

    package init(
        name: String, usage: String, publicKey: PublicKey?, certificateChain: [[UInt8]], problem: String?
    ) {
        self.name = name
        self.usage = usage
        self.publicKey = publicKey?.pem
        self.certificateChain = certificateChain.map { Base64.encode($0) }
        keyType = publicKey?.type.description
        self.problem = problem
    }
}

extension SignatureScheme {
    /// As it is written in requests.
    package var wireName: String {
        switch self {
        case .ed25519: "ed25519"
        case .ecdsa(let hash, let form): "ecdsa-\(hash.rawValue)-\(form == .der ? "der" : "fixed")"
        case .rsaPSS(let hash): "rsa-pss-\(hash.rawValue)"
        }
    }

    package init?(wireName: String) {
        let hashes = HashAlgorithm.allCases
        let all =
            [SignatureScheme.ed25519] + hashes.map { .rsaPSS($0) } + hashes.map { .ecdsa($0, .der) }
            + hashes.map { .ecdsa($0, .fixed) }
        guard let scheme = all.first(where: { $0.wireName == wireName }) else { return nil }
        self = scheme
    }
}
