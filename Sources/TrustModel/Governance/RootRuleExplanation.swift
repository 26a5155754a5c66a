package import Codecs

/// One thing that a root rule asks of a certificate, and whether it is so.
package struct RootRuleCondition: Sendable, Equatable {
    /// Such as `origin own`.
    package let asks: String
    package let holds: Bool
    /// What is said of the rule where it does not hold, such as `is not for third-party anchors`.
    package let otherwise: String
}

/// What every rule makes of a certificate, and what comes of it.
package struct RootRuleExplanation: Sendable, Equatable {
    /// One rule that was looked at.
    package struct Consideration: Sendable, Equatable {
        package let rule: RootRule
        /// Everything that it asks; empty for a rule that holds for all certificates.
        package let conditions: [RootRuleCondition]

        package var matches: Bool { conditions.allSatisfy(\.holds) }
    }

    package let decision: RootRuleDecision
    /// The rules of every team and of this one, in the order in which they were given.
    package let considered: [Consideration]
}

extension RootRules {
    /// The decision with everything that led to it.
    package static func explain(_ candidate: Candidate, rules: [RootRule], now: UTCDate) -> RootRuleExplanation {
        let concerning = rules.filter { $0.team == nil || $0.team == candidate.team }
        return RootRuleExplanation(
            decision: decide(candidate, rules: rules, now: now),
            considered: concerning.map {
                RootRuleExplanation.Consideration(rule: $0, conditions: conditions(of: $0, on: candidate))
            })
    }

    /// Everything that a rule asks of a certificate.
    static func conditions(of rule: RootRule, on candidate: Candidate) -> [RootRuleCondition] {
        conditions(ofPlace: rule.conditions, candidate) + conditions(ofCertificate: rule.conditions, candidate.facts)
            + conditions(ofKey: rule, candidate.facts)
    }

    /// Where it is to go, and whence it comes.
    private static func conditions(
        ofPlace wanted: RootRule.Conditions, _ candidate: Candidate
    ) -> [RootRuleCondition] {
        [
            wanted.origins.map {
                RootRuleCondition(
                    asks: "origin \(list($0.map(\.title)))", holds: $0.contains(candidate.origin),
                    otherwise: "is not for \(candidate.origin.title) anchors")
            },
            wanted.purposes.map {
                RootRuleCondition(
                    asks: "store kind \(list($0.map(\.rawValue)))", holds: $0.contains(candidate.purpose),
                    otherwise: "is not for \(candidate.purpose.rawValue) stores")
            },
            wanted.vendors.map { vendors in
                RootRuleCondition(
                    asks: "vendor \(list(vendors.map(\.rawValue)))",
                    holds: candidate.vendor.map(vendors.contains) ?? false,
                    otherwise: candidate.vendor.map { "is not for the vendor \($0)" }
                        ?? "is for anchors of registered vendors")
            },
            wanted.registeredVendor.map { asked in
                RootRuleCondition(
                    asks: asked ? "through a registered vendor" : "through no vendor",
                    holds: (candidate.vendor != nil) == asked,
                    otherwise: asked
                        ? "is for anchors of registered vendors" : "is not for anchors of registered vendors")
            },
        ].compactMap(\.self)
    }

    private static func conditions(
        ofCertificate wanted: RootRule.Conditions, _ facts: AnchorFacts
    ) -> [RootRuleCondition] {
        [
            wanted.certificates.map {
                RootRuleCondition(
                    asks: "one of \($0.count) exact certificates", holds: $0.contains(facts.certificateSHA256),
                    otherwise: "names other certificates")
            },
            wanted.exceptCertificates.map {
                RootRuleCondition(
                    asks: "none of \($0.count) exact certificates", holds: !$0.contains(facts.certificateSHA256),
                    otherwise: "makes an exception for this certificate")
            },
            wanted.subject.map {
                RootRuleCondition(
                    asks: "subject \(text($0))", holds: Set($0).isSubset(of: Set(facts.attributes)),
                    otherwise: "asks for the subject \(text($0))")
            },
            wanted.maximumValidityDays.map {
                RootRuleCondition(
                    asks: "validity of at most \($0) days", holds: facts.validityDays <= $0,
                    otherwise: "allows \($0) days of validity, found \(facts.validityDays)")
            },
            wanted.signatureHashes.map {
                RootRuleCondition(
                    asks: "signed with \(list($0))", holds: $0.contains(facts.signatureHash),
                    otherwise: "asks for another hash than \(facts.signatureHash)")
            },
        ].compactMap(\.self)
    }

    private static func conditions(ofKey rule: RootRule, _ facts: AnchorFacts) -> [RootRuleCondition] {
        let wanted = rule.conditions
        var found = [
            wanted.keys.map {
                RootRuleCondition(
                    asks: "one of \($0.count) exact keys", holds: $0.contains(facts.keySHA256),
                    otherwise: "names other keys")
            },
            wanted.exceptKeys.map {
                RootRuleCondition(
                    asks: "none of \($0.count) exact keys", holds: !$0.contains(facts.keySHA256),
                    otherwise: "makes an exception for this key")
            },
        ].compactMap(\.self)
        if let kind = condition(ofKeyKind: wanted, facts.key) { found.append(kind) }
        // A refusal holds for these certificates too; only an allowance must name them.
        if case .allow = rule.effect, facts.isSelfSignedSigningCertificate {
            found.append(
                RootRuleCondition(
                    asks: "a self-signed signing certificate as its own anchor",
                    holds: wanted.selfSignedSigningCertificates ?? false,
                    otherwise: "does not allow a self-signed signing certificate as its own anchor"))
        }
        return found
    }

    private static func condition(ofKeyKind wanted: RootRule.Conditions, _ key: AnchorKey) -> RootRuleCondition? {
        let asks = [
            wanted.keyTypes.map { "key \(list($0))" }, wanted.minimumRSABits.map { "RSA from \($0) bits" },
        ].compactMap(\.self)
        if asks.isEmpty, case .other = key {} else if asks.isEmpty { return nil }
        return RootRuleCondition(
            asks: asks.isEmpty ? "key RSA or EC" : asks.joined(separator: ", "), holds: matches(key, wanted),
            otherwise: "asks for another key than \(key)")
    }

    private static func matches(_ key: AnchorKey, _ wanted: RootRule.Conditions) -> Bool {
        switch key {
        case .rsa(let bits):
            let isType = wanted.keyTypes.map { $0.contains("rsa") || $0.contains("rsa-\(bits)") } ?? true
            return isType && bits >= (wanted.minimumRSABits ?? 0)
        case .ec(let bits): return wanted.keyTypes.map { $0.contains("ec") || $0.contains("ec-p\(bits)") } ?? true
        case .other: return false
        }
    }

    private static func list(_ words: [String]) -> String { words.joined(separator: " or ") }

    private static func text(_ attributes: [AnchorFacts.Attribute]) -> String {
        attributes.map { "\($0.type)=\($0.value)" }.joined(separator: ", ")
    }
}
