import Codecs
import HTTPTypes
import PKI
import RoadsteadStore
import RoadsteadWire
import TrustModel

/// Root rules: who may register which roots.
struct RuleController: Sendable {
    private static let tag = "root rules"

    let store: ApiStore

    var endpoints: [Endpoint] {
        [
            .read(
                "/v1/root-rules", "Root rules in force, by name", tag: Self.tag,
                permission: .takes(.readGovernance), queries: Endpoint.pageQueries
            ) { call in
                try call.page(of: try await store.rootRules().map(RootRuleBody.init)) { "\($0.name) \($0.id ?? 0)" }
            },
            .govern("/v1/root-rules", "Makes a root rule", tag: Self.tag, permission: .takes(.administer)) {
                (call: Call, body: RootRuleBody) in
                let rule = try body.rule
                return try await store.govern([SetRule(rule: rule, replaces: body.replaces ?? false)], call) {
                    RootRuleBody(try await store.rootRule(named: rule.name))
                }
            },
            .governRemoval("/v1/root-rules/{id}", "Removes a root rule", tag: Self.tag, permission: .takes(.administer))
            { call in
                let record = try await store.rootRule(try call.number("id"))
                return try await store.govern(
                    [try RemoveRule(rule: record.rule.name, madeFrom: "\(record.id)")], call)
            },
            .write(
                "/v1/root-rules/explain", "What the rules say about a certificate", tag: Self.tag,
                permission: .decidedInside("the team in the body, whose rules are read"), status: .ok,
                repeats: .harmless
            ) { (call: Call, body: RuleExplainRequest) in
                try call.caller().require(.readTeam(body.team))
                let certificate = try Certificate(pemOrDER: Array(body.certificate.utf8))
                let explained = try await store.explain(
                    certificate: certificate.der, origin: body.origin, vendor: body.vendor, team: body.team,
                    kind: body.kind, now: call.now)
                return RuleExplanation(explained, team: body.team)
            },
        ]
    }
}

extension RuleExplanation {
    init(_ explained: RootRuleExplanation, team: TeamName) {
        let considered = explained.considered.map(Considered.init)
        switch explained.decision {
        case .allowed(let rule, let needed):
            self.init(
                allowed: true, approvals: needed.count, securityOfficers: needed.securityOfficers,
                outsiders: needed.outsiders, rule: rule, reasons: ["allowed with \(needed)"],
                decidedBy: Permission.approveAdditions(team).roles, considered: considered)
        case .refused(let rule, let reason, let hint):
            self.init(
                allowed: false, approvals: 0, rule: rule, reasons: [reason] + (hint.map { [$0] } ?? []),
                // What is always refused nobody can allow.
                decidedBy: rule == "always" ? [] : Permission.approveAdministration.roles, considered: considered)
        }
    }
}

extension RuleExplanation.Considered {
    init(_ considered: RootRuleExplanation.Consideration) {
        let effect: RuleEffect = if case .allow = considered.rule.effect { .allow } else { .deny }
        self.init(
            rule: considered.rule.name, team: considered.rule.team, effect: effect, matches: considered.matches,
            conditions: considered.conditions.map { Condition(asks: $0.asks, holds: $0.holds) })
    }
}

extension RootRuleBody {
    init(_ record: RootRuleRecord) { self.init(record.rule, id: record.id) }

    init(_ rule: RootRule, id: Int64? = nil) {
        var needed: ApprovalsNeeded?
        var reason: String?
        switch rule.effect {
        case .allow(let approvals): needed = approvals
        case .deny(let why): reason = why
        }
        self.init(
            id: id, name: rule.name, team: rule.team, origins: rule.conditions.origins,
            effect: reason == nil ? .allow : .deny, approvals: needed?.count ?? 0,
            securityOfficers: needed?.securityOfficers, outsiders: needed?.outsiders, reason: reason,
            conditions: RuleConditions(rule.conditions))
    }

    var rule: RootRule {
        get throws {
            var conditions = try conditions.conditions
            conditions.origins = origins
            return try RootRule(name: name, team: team, conditions: conditions, effect: try ruleEffect)
        }
    }

    private var ruleEffect: RootRule.Effect {
        get throws {
            switch effect {
            case .allow:
                guard reason == nil else {
                    throw ServerError(.request, "rule \"\(name)\" allows and gives a reason to refuse")
                }
                return .allow(
                    try ApprovalsNeeded(
                        count: approvals, securityOfficers: securityOfficers ?? 0, outsiders: outsiders ?? 0))
            case .deny: return .deny(reason: reason ?? "rule \(name) refuses it")
            }
        }
    }
}

extension RuleConditions {
    init(_ conditions: RootRule.Conditions) {
        self.init(
            certificateSHA256: conditions.certificates, keySHA256: conditions.keys,
            exceptCertificateSHA256: conditions.exceptCertificates, exceptKeySHA256: conditions.exceptKeys,
            // As RFC 4514 has it: the last attribute first.
            subject: conditions.subject.map { $0.reversed().map(Self.text).joined(separator: ",") },
            keyTypes: conditions.keyTypes, minimumRSABits: conditions.minimumRSABits,
            maximumValidityDays: conditions.maximumValidityDays.map { Int($0) },
            signatureHashes: conditions.signatureHashes, kinds: conditions.purposes, vendors: conditions.vendors,
            registeredVendor: conditions.registeredVendor,
            allowSelfSignedLeaf: conditions.selfSignedSigningCertificates)
    }

    /// A value of a type without a short name is written in hexadecimal.
    private static func text(_ attribute: AnchorFacts.Attribute) -> String {
        let isEncoded = attribute.type.contains(".") && attribute.value.hasPrefix("#")
        return "\(attribute.type)=\(isEncoded ? attribute.value : DistinguishedName.escaped(attribute.value))"
    }

    var conditions: RootRule.Conditions {
        get throws {
            let subject = try subject.map { text in
                try DistinguishedName(text).attributes.map {
                    AnchorFacts.Attribute(type: $0.type.text, value: $0.value ?? "#" + Hex.encode($0.encodedValue))
                }
            }
            return RootRule.Conditions(
                purposes: kinds, certificates: certificateSHA256, keys: keySHA256, subject: subject,
                keyTypes: keyTypes, minimumRSABits: minimumRSABits,
                maximumValidityDays: maximumValidityDays.map { Int64($0) }, signatureHashes: signatureHashes,
                exceptCertificates: exceptCertificateSHA256, exceptKeys: exceptKeySHA256, vendors: vendors,
                registeredVendor: registeredVendor, selfSignedSigningCertificates: allowSelfSignedLeaf)
        }
    }
}
