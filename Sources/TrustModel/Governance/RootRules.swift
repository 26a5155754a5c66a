package import Codecs

/// What the root rules say about one certificate.
package enum RootRuleDecision: Sendable, Equatable {
    case allowed(rule: String, needed: ApprovalsNeeded)
    /// `rule` is the rule that refused, `always` for what no rule can allow, or `default` when none allows it.
    case refused(rule: String, reason: String, hint: String?)
}

/// Evaluates root rules. A rule that denies wins; without a rule that allows the answer is no; of several that allow,
/// what all of them ask for is needed.
package enum RootRules {
    /// A certificate that is to become an anchor of a team's store.
    package struct Candidate: Sendable {
        package let facts: AnchorFacts
        package let origin: AnchorOrigin
        package let team: TeamName
        package let purpose: TrustStoreKind
        /// The registered vendor through which it comes; nil where the team registers it itself.
        package let vendor: VendorName?

        package init(
            facts: AnchorFacts, origin: AnchorOrigin, team: TeamName, purpose: TrustStoreKind,
            vendor: VendorName? = nil
        ) {
            self.facts = facts
            self.origin = origin
            self.team = team
            self.purpose = purpose
            self.vendor = vendor
        }
    }

    package static let rsaBits = 2_048...8_192
    package static let minimumECBits = 256

    package static func decide(_ candidate: Candidate, rules: [RootRule], now: UTCDate) -> RootRuleDecision {
        if let (reason, hint) = alwaysRefused(candidate.facts, now: now) {
            return .refused(rule: "always", reason: reason, hint: hint)
        }
        let concerning = rules.filter { $0.team == nil || $0.team == candidate.team }
        let matching = concerning.filter { mismatches(of: candidate, $0).isEmpty }
        for rule in matching {
            if case .deny(let reason) = rule.effect {
                return .refused(rule: rule.name, reason: reason, hint: request(candidate))
            }
        }
        let allowing: [(String, ApprovalsNeeded)] = matching.compactMap {
            if case .allow(let needed) = $0.effect { ($0.name, needed) } else { nil }
        }
        guard let (name, first) = allowing.first else { return refusedByDefault(candidate, concerning) }
        return .allowed(rule: name, needed: allowing.dropFirst().reduce(first) { $0.union($1.1) })
    }

    /// What no rule can allow, with a way out.
    package static func alwaysRefused(_ facts: AnchorFacts, now: UTCDate) -> (String, String?)? {
        let stronger = "use a certificate with a stronger key or hash"
        switch facts.key {
        case .rsa(let bits) where !rsaBits.contains(bits):
            return ("its key is \(facts.key), outside \(rsaBits.lowerBound) to \(rsaBits.upperBound)", stronger)
        case .ec(let bits) where bits < minimumECBits:
            return ("its key is \(facts.key), below \(minimumECBits)", stronger)
        case .other(let name):
            return ("its key is of type \(name), which signatures of images cannot have", "use RSA or EC")
        default: break
        }
        guard ["sha256", "sha384", "sha512"].contains(facts.signatureHash) else {
            return ("it is signed with \(facts.signatureHash)", stronger)
        }
        guard facts.notAfter >= now else {
            return ("it expired at \(facts.notAfter)", "register the certificate that replaced it")
        }
        return nil
    }

    private static func refusedByDefault(_ candidate: Candidate, _ rules: [RootRule]) -> RootRuleDecision {
        let base =
            "no rule lets team \(candidate.team) use this certificate as \(article(candidate.origin)) anchor "
            + "in a \(candidate.purpose.rawValue) store"
        let near = rules.filter { rule in
            guard case .allow = rule.effect else { return false }
            return rule.conditions.origins?.contains(candidate.origin) ?? true
                && rule.conditions.purposes?.contains(candidate.purpose) ?? true
        }
        let why = near.prefix(3).map { "rule \($0.name): \(mismatches(of: candidate, $0).joined(separator: ", "))" }
        let reason = why.isEmpty ? base : "\(base); \(why.joined(separator: "; "))"
        return .refused(rule: "default", reason: reason, hint: request(candidate))
    }

    /// How the refusal becomes a request, and who decides about it.
    private static func request(_ candidate: Candidate) -> String {
        let command =
            candidate.vendor.map { "roadstead vendor request \($0) --team \(candidate.team)" }
            ?? "roadstead anchor request FILE --team \(candidate.team) --origin \(candidate.origin.rawValue)"
        return "ask for it: \(command) --reason … (decided by: trust administrators and security officers)"
    }

    private static func article(_ origin: AnchorOrigin) -> String { origin == .own ? "an own" : "a third-party" }

    /// The conditions that do not hold, each as a few words; empty when the rule matches.
    package static func mismatches(of candidate: Candidate, _ rule: RootRule) -> [String] {
        conditions(of: rule, on: candidate).filter { !$0.holds }.map(\.otherwise)
    }
}
