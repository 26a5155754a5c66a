import Codecs
import Testing
import TrustModel

@Suite struct RootRulesTests {
    private func candidate(
        _ facts: AnchorFacts = anchorFacts(), origin: AnchorOrigin = .own, purpose: TrustStoreKind = .ca
    ) throws -> RootRules.Candidate {
        RootRules.Candidate(facts: facts, origin: origin, team: try team(), purpose: purpose)
    }

    private func allow(
        _ conditions: RootRule.Conditions = .init(), team: TeamName? = nil, approvals: Int = 1, officers: Int = 0,
        name: String = "own/default"
    ) throws -> RootRule {
        try RootRule(
            name: name, team: team, conditions: conditions,
            effect: .allow(ApprovalsNeeded(count: approvals, securityOfficers: officers)))
    }

    @Test func `without a rule the answer is no, and says whom to ask`() throws {
        guard case .refused(let rule, let reason, let hint) = RootRules.decide(try candidate(), rules: [], now: now)
        else {
            Issue.record("allowed without a rule")
            return
        }
        #expect(rule == "default")
        #expect(reason == "no rule lets team acme use this certificate as an own anchor in a ca store")
        #expect(
            hint
                == "ask for it: roadstead anchor request FILE --team acme --origin own --reason … "
                + "(decided by: trust administrators and security officers)")
    }

    @Test func `a rule that allows says how many approvals it takes`() throws {
        let decision = RootRules.decide(try candidate(), rules: [try allow(approvals: 2, officers: 1)], now: now)
        #expect(
            decision == .allowed(rule: "own/default", needed: try ApprovalsNeeded(count: 2, securityOfficers: 1)))
    }

    @Test func `of several rules that allow, what all ask for is needed`() throws {
        let rules = [try allow(approvals: 3), try allow(approvals: 1, officers: 1, name: "own/second")]
        let decision = RootRules.decide(try candidate(), rules: rules, now: now)
        #expect(
            decision == .allowed(rule: "own/default", needed: try ApprovalsNeeded(count: 3, securityOfficers: 1)))
    }

    @Test func `a rule that denies wins over one that allows`() throws {
        let deny = try RootRule(
            name: "no-acme", team: nil, conditions: .init(certificates: [String(repeating: "ab", count: 32)]),
            effect: .deny(reason: "its key was stolen"))
        let decision = RootRules.decide(try candidate(), rules: [try allow(), deny], now: now)
        guard case .refused("no-acme", "its key was stolen", _) = decision else {
            Issue.record("it was \(decision)")
            return
        }
    }

    @Test func `a rule for another team does not count`() throws {
        let decision = RootRules.decide(try candidate(), rules: [try allow(team: try team("other"))], now: now)
        guard case .refused("default", _, _) = decision else {
            Issue.record("a foreign team's rule allowed it")
            return
        }
    }

    struct Mismatch: Sendable, CustomTestStringConvertible {
        let what: String
        let conditions: RootRule.Conditions
        var testDescription: String { what }
    }

    static let mismatches: [Mismatch] = [
        Mismatch(what: "origin", conditions: .init(origins: [.thirdParty])),
        Mismatch(what: "purpose", conditions: .init(purposes: [.tsa])),
        Mismatch(what: "certificate", conditions: .init(certificates: [String(repeating: "00", count: 32)])),
        Mismatch(what: "key", conditions: .init(keys: [String(repeating: "00", count: 32)])),
        Mismatch(what: "subject", conditions: .init(subject: [.init(type: "O", value: "Bank")])),
        Mismatch(what: "key type", conditions: .init(keyTypes: ["rsa", "ec-p384"])),
        Mismatch(what: "validity", conditions: .init(maximumValidityDays: 365)),
        Mismatch(what: "signature hash", conditions: .init(signatureHashes: ["sha512"])),
        Mismatch(what: "excepted key", conditions: .init(exceptKeys: [String(repeating: "cd", count: 32)])),
        Mismatch(
            what: "excepted certificate", conditions: .init(exceptCertificates: [String(repeating: "ab", count: 32)])),
        Mismatch(what: "vendor", conditions: .init(vendors: [vendorName()])),
        Mismatch(what: "any vendor", conditions: .init(registeredVendor: true)),
    ]

    @Test(arguments: mismatches)
    func `a condition that does not hold keeps a rule from allowing`(_ mismatch: Mismatch) throws {
        let decision = RootRules.decide(try candidate(), rules: [try allow(mismatch.conditions)], now: now)
        guard case .refused("default", _, _) = decision else {
            Issue.record("allowed although the \(mismatch.what) does not match")
            return
        }
    }

    @Test func `every condition that holds lets a rule allow`() throws {
        let conditions = RootRule.Conditions(
            origins: [.own], purposes: [.ca], certificates: [String(repeating: "ab", count: 32)],
            keys: [String(repeating: "cd", count: 32)], subject: [.init(type: "O", value: "Acme")],
            keyTypes: ["ec-p256"], minimumRSABits: 4_096, maximumValidityDays: 3_650, signatureHashes: ["sha256"])
        let decision = RootRules.decide(try candidate(), rules: [try allow(conditions)], now: now)
        #expect(decision == .allowed(rule: "own/default", needed: .one))
    }

    @Test func `a rule that denies all but some keys is an allow-list, whatever else allows`() throws {
        let deny = try RootRule(
            name: "acme/only", team: try team(), conditions: .init(exceptKeys: [String(repeating: "cd", count: 32)]),
            effect: .deny(reason: "team acme uses its two keys"))
        #expect(RootRules.decide(try candidate(), rules: [try allow(), deny], now: now).isAllowed)
        let other = try candidate(anchorFacts(keySHA256: String(repeating: "ee", count: 32)))
        guard case .refused("acme/only", _, _) = RootRules.decide(other, rules: [try allow(), deny], now: now) else {
            Issue.record("a key outside the list was allowed")
            return
        }
    }

    @Test func `a rule for registered vendors lets through only what comes from one`() throws {
        let rule = try allow(.init(vendors: [vendorName()], registeredVendor: true))
        let through = { (vendor: VendorName?) in
            RootRules.decide(
                RootRules.Candidate(
                    facts: anchorFacts(), origin: .thirdParty, team: try team(), purpose: .ca, vendor: vendor),
                rules: [rule], now: now
            ).isAllowed
        }
        #expect(try through(vendorName()))
        #expect(try !through(vendorName("globex")))
        #expect(try !through(nil))
    }

    @Test func `an explanation shows every rule of the team and each of its conditions`() throws {
        let near = try allow(.init(origins: [.own], keyTypes: ["rsa"], signatureHashes: ["sha256"]))
        let foreign = try allow(team: try team("other"), name: "other/default")
        let explained = RootRules.explain(try candidate(), rules: [near, foreign], now: now)
        #expect(explained.considered.map(\.rule.name) == ["own/default"])
        let conditions = try #require(explained.considered.first?.conditions)
        #expect(conditions.map(\.asks) == ["origin own", "signed with sha256", "key rsa"])
        #expect(conditions.map(\.holds) == [true, true, false])
        #expect(!explained.decision.isAllowed)
    }

    @Test func `a refusal names the nearest rule and why it does not fit`() throws {
        let rule = try allow(.init(minimumRSABits: 3_072))
        let decision = RootRules.decide(try candidate(anchorFacts(key: .rsa(bits: 2_048))), rules: [rule], now: now)
        guard case .refused(_, let reason, _) = decision else {
            Issue.record("allowed")
            return
        }
        #expect(reason.hasSuffix("; rule own/default: asks for another key than RSA of 2048 bits"))
    }

    struct Weak: Sendable, CustomTestStringConvertible {
        let what: String
        let facts: AnchorFacts
        var testDescription: String { what }
    }

    static let weak: [Weak] = [
        Weak(what: "RSA of 2047 bits", facts: anchorFacts(key: .rsa(bits: 2_047))),
        Weak(what: "RSA of 16384 bits", facts: anchorFacts(key: .rsa(bits: 16_384))),
        Weak(what: "EC of 224 bits", facts: anchorFacts(key: .ec(bits: 224))),
        Weak(what: "Ed25519", facts: anchorFacts(key: .other("Ed25519"))),
        Weak(what: "SHA-1", facts: anchorFacts(signatureHash: "sha1")),
        Weak(what: "MD5", facts: anchorFacts(signatureHash: "md5")),
        Weak(what: "expired a second ago", facts: anchorFacts(notAfter: now.adding(seconds: -1))),
    ]

    @Test(arguments: weak) func `no rule can allow what is always refused`(_ weak: Weak) throws {
        let decision = RootRules.decide(try candidate(weak.facts), rules: [try allow()], now: now)
        guard case .refused("always", _, _) = decision else {
            Issue.record("\(weak.what) was not refused")
            return
        }
    }

    @Test func `a self-signed signing certificate needs a rule that says so`() throws {
        let facts = anchorFacts(isCertificateAuthority: false)
        guard case .refused("default", _, _) = RootRules.decide(try candidate(facts), rules: [try allow()], now: now)
        else {
            Issue.record("allowed by a rule that does not name it")
            return
        }
        let rule = try allow(.init(selfSignedSigningCertificates: true))
        #expect(RootRules.decide(try candidate(facts), rules: [rule], now: now).isAllowed)
    }

    @Test(arguments: [
        #"{"name":"x","conditions":{"exceptKeys":[]},"deny":"no"}"#,
        #"{"name":"x","conditions":{"exceptKeys":["ABCD"]},"deny":"no"}"#,
        #"{"name":"x","conditions":{"vendors":["Azure"]},"allow":{"count":1}}"#,
        #"{"name":"x","conditions":{"vendors":["azure"],"registeredVendor":false},"allow":{"count":1}}"#,
        #"{"name":"x","conditions":{},"allow":{"count":1,"outsiders":2}}"#,
    ])
    func `a condition that means nothing makes no rule`(_ text: String) throws {
        #expect(throws: (any Error).self) { _ = try JSON(parsing: Array(text.utf8)).decode(RootRule.self) }
    }

    @Test func `a rule with zero approvals cannot be made, in memory or from JSON`() throws {
        #expect(throws: TrustModelError(.policy, "")) { try ApprovalsNeeded(count: 0) }
        let text = #"{"name":"x","conditions":{},"allow":{"count":0}}"#
        #expect(throws: TrustModelError(.policy, "")) {
            try JSON(parsing: Array(text.utf8)).decode(RootRule.self, place: "rule")
        }
    }

    @Test func `a rule that neither or both allows and denies is refused`() throws {
        for effect in ["", #","allow":{"count":1},"deny":"no""#] {
            let text = #"{"name":"x","conditions":{}\#(effect)}"#
            #expect(throws: TrustModelError(.policy, "")) {
                try JSON(parsing: Array(text.utf8)).decode(RootRule.self, place: "rule")
            }
        }
    }

    @Test func `an empty list of conditions is refused instead of matching nothing`() throws {
        #expect(throws: TrustModelError(.policy, "")) { try allow(.init(origins: [])) }
        #expect(throws: TrustModelError(.policy, "")) { try allow(.init(keyTypes: ["dsa"])) }
    }

    @Test func `a rule comes back from its JSON as it was`() throws {
        let rule = try allow(
            .init(origins: [.thirdParty], subject: [.init(type: "O", value: "Acme")], maximumValidityDays: 10),
            team: try team(), approvals: 2, officers: 1)
        let decoded: RootRule = try JSON(parsing: JSON(encoding: rule).canonicalBytes()).decode()
        #expect(decoded == rule)
    }
}

extension RootRuleDecision {
    fileprivate var isAllowed: Bool {
        if case .allowed = self { true } else { false }
    }
}
