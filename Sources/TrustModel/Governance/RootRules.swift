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

        package init(facts: AnchorFacts, origin: AnchorOrigin, team: TeamName, purpose: TrustStoreKind) {
            self.facts = facts
            self.origin = origin
            self.team = team
            self.purpose = purpose
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
                return .refused(rule: rule.name, reason: reason, hint: "ask the trust administrators")
            }
        }
        let allowing: [(String, ApprovalsNeeded)] = matching.compactMap {
            if case .allow(let needed) = $0.effect { ($0.name, needed) } else { nil }
        }
        guard let (name, first) = allowing.first else { return refusedByDefault(candidate, concerning) }
        return .allowed(rule: name, needed: allowing.dropFirst().reduce(first) { $0.union($1.1) })
    }

    /// What no rule can allow.
    private static func alwaysRefused(_ facts: AnchorFacts, now: UTCDate) -> (String, String?)? {
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
        return .refused(rule: "default", reason: reason, hint: "ask the trust administrators for a root rule")
    }

    private static func article(_ origin: AnchorOrigin) -> String { origin == .own ? "an own" : "a third-party" }

    /// The conditions that do not hold, each as a few words; empty when the rule matches.
    package static func mismatches(of candidate: Candidate, _ rule: RootRule) -> [String] {
        let (facts, wanted) = (candidate.facts, rule.conditions)
        var found: [String] = []
        func check(_ holds: Bool?, _ words: @autoclosure () -> String) {
            if holds == false { found.append(words()) }
        }
        check(wanted.origins?.contains(candidate.origin), "is not for \(candidate.origin.title) anchors")
        check(wanted.purposes?.contains(candidate.purpose), "is not for \(candidate.purpose.rawValue) stores")
        check(wanted.certificates?.contains(facts.certificateSHA256), "names other certificates")
        check(wanted.keys?.contains(facts.keySHA256), "names other keys")
        check(
            wanted.subject.map { Set($0).isSubset(of: Set(facts.attributes)) },
            "asks for the subject \(wanted.subject.map(text) ?? "")")
        check(keyMatches(facts.key, wanted), "asks for another key than \(facts.key)")
        check(
            wanted.maximumValidityDays.map { facts.validityDays <= $0 },
            "allows \(wanted.maximumValidityDays ?? 0) days of validity, found \(facts.validityDays)")
        check(
            wanted.signatureHashes?.contains(facts.signatureHash), "asks for another hash than \(facts.signatureHash)")
        // A refusal holds for these certificates too; only an allowance must name them.
        if case .allow = rule.effect, facts.isSelfSignedSigningCertificate {
            check(
                wanted.selfSignedSigningCertificates ?? false,
                "does not allow a self-signed signing certificate as its own anchor")
        }
        return found
    }

    private static func keyMatches(_ key: AnchorKey, _ wanted: RootRule.Conditions) -> Bool? {
        switch key {
        case .rsa(let bits):
            let isType = wanted.keyTypes.map { $0.contains("rsa") || $0.contains("rsa-\(bits)") } ?? true
            return isType && bits >= (wanted.minimumRSABits ?? 0)
        case .ec(let bits):
            return wanted.keyTypes.map { $0.contains("ec") || $0.contains("ec-p\(bits)") }
        case .other:
            return false
        }
    }

    private static func text(_ attributes: [AnchorFacts.Attribute]) -> String {
        attributes.map { "\($0.type)=\($0.value)" }.joined(separator: ", ")
    }
}
