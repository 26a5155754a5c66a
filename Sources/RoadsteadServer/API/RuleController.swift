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
                let rule = try await store.rootRule(try call.number("id")).rule
                return try await store.govern([try RemoveRule(rule: rule.name)], call)
            },
            .write(
                "/v1/root-rules/explain", "What the rules say about a certificate", tag: Self.tag,
                permission: .decidedInside("the team in the body, whose rules are read"), status: .ok,
                repeats: .harmless
            ) { (call: Call, body: RuleExplainRequest) in
                try call.caller().require(.readTeam(body.team))
                let certificate = try Certificate(pemOrDER: Array(body.certificate.utf8))
                let explained = try await store.explain(
                    certificate: certificate.der, origin: body.origin, team: body.team, kind: body.kind, now: call.now)
                return RuleExplanation(explained.decision)
            },
        ]
    }
}

extension RuleExplanation {
    init(_ decision: RootRuleDecision) {
        switch decision {
        case .allowed(let rule, let needed):
            self.init(allowed: true, approvals: needed.count, rule: rule, reasons: ["allowed with \(needed)"])
        case .refused(let rule, let reason, let hint):
            self.init(allowed: false, approvals: 0, rule: rule, reasons: [reason] + (hint.map { [$0] } ?? []))
        }
    }
}

extension RootRuleBody {
    init(_ record: RootRuleRecord) {
        let (rule, conditions) = (record.rule, record.rule.conditions)
        let approvals: Int
        let effect: RuleEffect
        switch rule.effect {
        case .allow(let needed): (effect, approvals) = (.allow, needed.count)
        case .deny: (effect, approvals) = (.deny, 0)
        }
        let origins = conditions.origins ?? []
        let subject = conditions.subject.map { $0.map { "\($0.type)=\($0.value)" }.joined(separator: ",") }
        self.init(
            id: record.id, name: rule.name, team: rule.team, origin: origins.count == 1 ? origins.first : nil,
            effect: effect, approvals: approvals,
            conditions: RuleConditions(
                certificateSHA256: conditions.certificates, keySHA256: conditions.keys, subject: subject,
                keyTypes: conditions.keyTypes, minimumRSABits: conditions.minimumRSABits,
                maximumValidityDays: conditions.maximumValidityDays.map { Int($0) }, kinds: conditions.purposes,
                allowSelfSignedLeaf: conditions.selfSignedSigningCertificates))
    }

    var rule: RootRule {
        get throws {
            let subject = try conditions.subject.map { text in
                try DistinguishedName(text).attributes.map {
                    AnchorFacts.Attribute(type: $0.type.text, value: $0.value ?? "#" + Hex.encode($0.encodedValue))
                }
            }
            return try RootRule(
                name: name, team: team,
                conditions: RootRule.Conditions(
                    origins: origin.map { [$0] }, purposes: conditions.kinds,
                    certificates: conditions.certificateSHA256, keys: conditions.keySHA256, subject: subject,
                    keyTypes: conditions.keyTypes, minimumRSABits: conditions.minimumRSABits,
                    maximumValidityDays: conditions.maximumValidityDays.map { Int64($0) },
                    selfSignedSigningCertificates: conditions.allowSelfSignedLeaf),
                effect: effect == .allow
                    ? .allow(try ApprovalsNeeded(count: approvals)) : .deny(reason: "rule \(name) refuses it"))
        }
    }
}
