package import Codecs
package import OCI

/// What a signature would say beside which artifact it is of.
package struct SignedContent: Sendable {
    /// Notation's user metadata.
    package let metadata: [String: String]
    package let expiry: UTCDate?

    package init(metadata: [String: String] = [:], expiry: UTCDate? = nil) {
        self.metadata = metadata
        self.expiry = expiry
    }
}

/// What somebody wants signed, as far as the criteria of a key are concerned.
package struct ReleaseRequest: Sendable {
    package let key: String
    package let caller: String
    /// nil for keys that sign other things than artifacts.
    package let artifact: Digest?
    /// Registry and repository, as the caller says.
    package let repository: String?
    package private(set) var evidence: [EvidencePiece]
    package let now: UTCDate
    package let content: SignedContent

    package init(
        key: String, caller: String, artifact: Digest?, repository: String?, evidence: [JSON], now: UTCDate,
        content: SignedContent = SignedContent()
    ) {
        self.key = key
        self.caller = caller
        self.artifact = artifact
        self.repository = repository
        self.evidence = evidence.enumerated().map { EvidencePiece(origin: "evidence \($0 + 1)", content: $1) }
        self.now = now
        self.content = content
    }

    /// The same request with what was found elsewhere, after what was handed over.
    package func adding(_ found: [EvidencePiece]) -> ReleaseRequest {
        var request = self
        request.evidence += found
        return request
    }
}

/// Everything that must hold before a key signs. All of it, or nothing is signed.
package struct ReleaseCriteria: Sendable {
    private let rules: Rules
    private let attesters: [Attester]

    /// Reads the criteria of a key; members that nothing reads are refused.
    ///
    /// - Throws: `CriteriaError(.configuration)` for criteria that name nobody who is known, or that cannot be met.
    package init(_ tree: JSON, attesters: [Attester], place: String = "criteria") throws(CriteriaError) {
        do { rules = try tree.decode(Rules.self, place: place, unknownMembers: .refused) } catch {
            throw CriteriaError(.configuration, (error as? CodecError)?.reason ?? "\(place) cannot be read")
        }
        self.attesters = attesters
        try rules.check(Dictionary(attesters.map { ($0.name, $0.person) }) { $1 }, place)
    }

    /// Whether something is asked of an artifact, so that the key can only sign artifacts.
    package var needsArtifact: Bool { rules.needsArtifact }
    package var isEmpty: Bool { rules.isEmpty }

    /// Whether a repository lies where the key signs; everywhere for a key without scopes.
    package func covers(repository: String) -> Bool {
        rules.scopes?.contains { $0.covers(repository) } ?? true
    }

    /// The longest period over which uses must be remembered.
    package var longestPeriod: Int64 { rules.rate?.map(\.seconds).max() ?? 0 }

    /// The costly half: reads the evidence and checks every signature on it.
    package func judge(_ request: ReleaseRequest) throws(CriteriaError) -> Judgement {
        guard let artifact = request.artifact else {
            return Judgement(request, findings: rules.windowFindings(request), rules: rules)
        }
        let evidence = try Evidence(request.evidence, about: artifact, attesters: attesters, at: request.now)
        return Judgement(
            request, findings: rules.findings(request, evidence), statements: evidence.shown,
            ignored: evidence.ignored,
            approvals: rules.approvals?.approvals(evidence, key: request.key, at: request.now) ?? [], rules: rules)
    }
}

/// What the evidence is worth; what was signed before decides the rest.
package struct Judgement: Sendable {
    private let request: ReleaseRequest
    private let findings: [CriterionFinding]
    private let approvals: [Approval]
    private let rules: Rules
    private let statements: [String]
    private let ignored: [String]

    fileprivate init(
        _ request: ReleaseRequest, findings: [CriterionFinding], statements: [String] = [], ignored: [String] = [],
        approvals: [Approval] = [], rules: Rules
    ) {
        self.request = request
        self.findings = findings
        self.approvals = approvals
        self.rules = rules
        self.statements = statements
        self.ignored = ignored
    }

    /// The cheap half, to be asked where nobody else can sign in between.
    package func decided(_ record: some UseRecord) -> ReleaseDecision {
        var all = findings
        if let rule = rules.approvals { all.append(rule.finding(approvals, record)) }
        all += (rules.rate ?? []).map { $0.finding(request, record) }
        let used = Set(approvals.map(\.identifier)).filter { !record.isSpent($0) }.sorted()
        return ReleaseDecision(findings: all, statements: statements, ignored: ignored, approvals: used)
    }
}

/// Whether a key may sign, and why.
package struct ReleaseDecision: Sendable {
    package let findings: [CriterionFinding]
    /// Statements that attesters of the key signed about the artifact, and where each came from.
    package let statements: [String]
    /// Evidence that does not count, and why.
    package let ignored: [String]
    /// The approvals that are used up by it.
    package let approvals: [String]

    package init(
        findings: [CriterionFinding], statements: [String] = [], ignored: [String] = [], approvals: [String] = []
    ) {
        self.findings = findings
        self.statements = statements
        self.ignored = ignored
        self.approvals = approvals
    }

    /// A key without criteria allows nothing.
    package var isAllowed: Bool { !findings.isEmpty && findings.allSatisfy(\.holds) }
}
