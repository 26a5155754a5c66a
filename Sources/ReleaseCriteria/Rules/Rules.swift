import Codecs

/// The criteria of one key, as they are written down.
struct Rules: Sendable, Decodable {
    let scopes: [RepositoryPrefix]?
    let provenance: ProvenanceRule?
    let tests: TestRule?
    let scan: ScanRule?
    let reviews: ReviewRule?
    let attestations: [AttestationRule]?
    let approvals: ApprovalRule?
    let windows: [TimeWindow]?
    let rate: [UseLimit]?
    /// The metadata that a signature may carry: values by name, `*` for any. None where nothing is said.
    let metadata: [String: [String]]?
    /// How long a signature may count; one without an end counts too long.
    let maximumExpirySeconds: Int64?
    /// The operator's word that the caller alone decides.
    let unrestricted: Bool?

    private var statementRules: [any StatementRule] {
        let single: [(any StatementRule)?] = [provenance, tests, scan]
        return single.compactMap { $0 } + (attestations ?? [])
    }

    var needsArtifact: Bool { asksForEvidence || metadata != nil || maximumExpirySeconds != nil }

    private var asksForEvidence: Bool {
        scopes != nil || !statementRules.isEmpty || reviews != nil || approvals != nil
    }

    var isEmpty: Bool { !asksForEvidence && windows == nil && rate == nil && unrestricted != true }

    func findings(_ request: ReleaseRequest, _ evidence: Evidence) -> [CriterionFinding] {
        var findings: [CriterionFinding] = []
        if let scopes {
            findings.append(
                CriterionFinding(
                    "scope", wanted: scopes.map(\.text).joined(separator: " or "),
                    found: request.repository ?? "no repository named",
                    holds: request.repository.map { name in scopes.contains { $0.covers(name) } } ?? false))
        }
        for rule in statementRules { findings += rule.findings(evidence, at: request.now) }
        if let reviews { findings += reviews.findings(evidence, at: request.now) }
        return findings + contentFindings(request) + windowFindings(request)
    }

    /// What the signature would say beside the digest is a caller's word under this key's name.
    private func contentFindings(_ request: ReleaseRequest) -> [CriterionFinding] {
        var findings: [CriterionFinding] = []
        let said = request.content.metadata.sorted { $0.key < $1.key }
        if unrestricted != true, metadata != nil || !said.isEmpty {
            let foreign = said.filter { name, value in
                guard let values = metadata?[name] else { return true }
                return !values.contains(value) && !values.contains("*")
            }
            let wanted = (metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1.joined(separator: "|"))" }
            findings.append(
                CriterionFinding(
                    "metadata", wanted: wanted.isEmpty ? "none" : "of \(wanted.joined(separator: ", "))",
                    found: (foreign.isEmpty ? said : foreign).map { "\($0)=\($1)" }.joined(separator: ", "),
                    holds: foreign.isEmpty))
        }
        if let limit = maximumExpirySeconds {
            let expiry = request.content.expiry
            findings.append(
                CriterionFinding(
                    "expiry", wanted: "within \(limit) s", found: expiry.map(\.description) ?? "none",
                    holds: expiry.map { $0 <= request.now.adding(seconds: limit) } ?? false))
        }
        return findings
    }

    func windowFindings(_ request: ReleaseRequest) -> [CriterionFinding] {
        var findings: [CriterionFinding] = []
        if unrestricted == true {
            findings.append(
                CriterionFinding("unrestricted", wanted: "a caller of this key", found: request.caller, holds: true))
        }
        if let windows {
            findings.append(
                CriterionFinding(
                    "window", wanted: windows.map(\.description).joined(separator: " or "), found: "\(request.now)",
                    holds: windows.contains { $0.contains(request.now) }))
        }
        return findings
    }

    /// Refuses criteria that cannot mean what was meant.
    ///
    /// - Parameter known: who each attester is.
    func check(_ known: [String: String], _ place: String) throws(CriteriaError) {
        guard !isEmpty else {
            throw Self.wrong("\(place) asks for nothing", "name criteria, or say \"unrestricted\": true")
        }
        guard unrestricted != true || !needsArtifact else {
            throw Self.wrong("\(place) is unrestricted and asks for evidence", "leave one of the two out")
        }
        for rule in statementRules {
            let name = "\(place).\(type(of: rule).name)"
            try Self.check(rule.attesters, rule.threshold, known, name)
            if let age = rule.maximumAgeSeconds { try Self.check(age > 0, "\(name).maximumAgeSeconds") }
        }
        if let rule = provenance {
            for list in [rule.builders, rule.repositories, rule.refs ?? ["-"], rule.buildTypes ?? ["-"]] {
                try Self.check(!list.isEmpty && !list.contains(""), "a list of \(place).provenance")
            }
        }
        if let tests { try Self.check(!tests.required.isEmpty, "\(place).tests.required") }
        if let reviews { try Self.check(reviews.attesters, 1, known, "\(place).reviews") }
        if let reviews { try Self.check(reviews.reviewers > 0, "\(place).reviews.reviewers") }
        for age in [reviews?.maximumAgeSeconds, approvals?.maximumAgeSeconds] {
            try Self.check(age ?? 1 > 0, "\(place).reviews or .approvals")
        }
        try Self.check(maximumExpirySeconds ?? 1 > 0, "\(place).maximumExpirySeconds")
        try Self.check(metadata?.values.allSatisfy { !$0.isEmpty } ?? true, "\(place).metadata")
        if let scan, scan.maximumAgeSeconds == nil {
            throw Self.wrong("\(place).scan takes a scan of any age", "say how old one may be in \"maximumAgeSeconds\"")
        }
        if let approvals { try Self.check(approvals.people, approvals.threshold, known, "\(place).approvals") }
        if let scopes { try Self.check(!scopes.isEmpty && !scopes.contains { $0.text.isEmpty }, "\(place).scopes") }
        if let windows { try Self.check(!windows.isEmpty && windows.allSatisfy(\.isPossible), "\(place).windows") }
        if let rate {
            try Self.check(!rate.isEmpty && rate.allSatisfy { $0.count > 0 && $0.seconds > 0 }, "\(place).rate")
        }
    }

    private static func check(
        _ names: [String], _ threshold: Int, _ known: [String: String], _ place: String
    ) throws(CriteriaError) {
        if let unknown = names.first(where: { known[$0] == nil }) {
            throw wrong("\(place) names \"\(unknown.cut(to: 60))\", who is no attester", "add it to \"attesters\"")
        }
        let people = Set(names.compactMap { known[$0] }).count
        guard threshold >= 1, threshold <= people, Set(names).count == names.count else {
            throw wrong(
                "\(place) wants \(threshold) of \(names.count) attesters, who are \(people) people",
                "1 to as many as there are, each named once")
        }
    }

    private static func check(_ holds: Bool, _ place: String) throws(CriteriaError) {
        guard holds else { throw wrong("\(place) has a value that no request can meet", nil) }
    }

    private static func wrong(_ reason: String, _ hint: String?) -> CriteriaError {
        CriteriaError(.configuration, reason, hint: hint)
    }
}
