import Codecs
import PKI
package import RoadsteadWire
package import TrustModel

/// `kind: Rule`: a root rule by its name, in one spelling, so that the same rule compares equal.
package struct DeclaredRule: Codable, Sendable, Equatable {
    package let name: String
    package let team: TeamName?
    package let origin: AnchorOrigin?
    package let effect: RuleEffect
    package let approvals: Int?
    package let conditions: RuleConditions?

    package init(_ body: RootRuleBody) throws {
        try self.init(
            name: body.name, team: body.team, origin: body.origin, effect: body.effect,
            approvals: body.approvals, conditions: body.conditions)
    }

    private init(
        name: String, team: TeamName?, origin: AnchorOrigin?, effect: RuleEffect, approvals: Int?,
        conditions: RuleConditions?
    ) throws {
        self.name = name
        self.team = team
        self.origin = origin
        self.effect = effect
        self.approvals = effect == .allow ? approvals ?? 1 : nil
        let plain = try conditions.map(Self.plain)
        self.conditions = plain == RuleConditions() ? nil : plain
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            name: try container.decode(String.self, forKey: .name),
            team: try container.decodeIfPresent(TeamName.self, forKey: .team),
            origin: try container.decodeIfPresent(AnchorOrigin.self, forKey: .origin),
            effect: try container.decode(RuleEffect.self, forKey: .effect),
            approvals: try container.decodeIfPresent(Int.self, forKey: .approvals),
            conditions: try container.decodeIfPresent(RuleConditions.self, forKey: .conditions))
    }

    private enum CodingKeys: String, CodingKey { case name, team, origin, effect, approvals, conditions }

    /// Lists in order and each entry once; a subject as this program writes it.
    private static func plain(_ conditions: RuleConditions) throws -> RuleConditions {
        func ordered(_ list: [String]?) -> [String]? { list.map { Set($0.map { $0.lowercased() }).sorted() } }
        let kinds = conditions.kinds.map { Set($0).sorted { $0.rawValue < $1.rawValue } }
        return RuleConditions(
            certificateSHA256: ordered(conditions.certificateSHA256), keySHA256: ordered(conditions.keySHA256),
            subject: try attributes(conditions).map(Self.text),
            keyTypes: ordered(conditions.keyTypes), minimumRSABits: conditions.minimumRSABits,
            maximumValidityDays: conditions.maximumValidityDays, kinds: kinds,
            allowSelfSignedLeaf: conditions.allowSelfSignedLeaf)
    }

    /// In the order of their types: all must be there, wherever they stand.
    private static func attributes(_ conditions: RuleConditions) throws -> [AnchorFacts.Attribute]? {
        try conditions.subject.map { text in
            try DistinguishedName(text).attributes
                .map {
                    AnchorFacts.Attribute(type: $0.type.text, value: $0.value ?? "#" + Hex.encode($0.encodedValue))
                }
                .sorted { ($0.type, $0.value) < ($1.type, $1.value) }
        }
    }

    /// [RFC 4514 §2.4]
    private static func text(_ attributes: [AnchorFacts.Attribute]) -> String {
        attributes.map { attribute in
            let value = attribute.value.map { ",+\"\\<>;=".contains($0) ? "\\\($0)" : String($0) }.joined()
            return "\(attribute.type)=\(value)"
        }.joined(separator: ",")
    }

    /// The rule as operations carry it.
    var rule: RootRule {
        get throws {
            let conditions = conditions ?? RuleConditions()
            return try RootRule(
                name: name, team: team,
                conditions: RootRule.Conditions(
                    origins: origin.map { [$0] }, purposes: conditions.kinds,
                    certificates: conditions.certificateSHA256, keys: conditions.keySHA256,
                    subject: try Self.attributes(conditions), keyTypes: conditions.keyTypes,
                    minimumRSABits: conditions.minimumRSABits,
                    maximumValidityDays: conditions.maximumValidityDays.map { Int64($0) },
                    selfSignedSigningCertificates: conditions.allowSelfSignedLeaf),
                effect: effect == .allow
                    ? .allow(try ApprovalsNeeded(count: approvals ?? 1)) : .deny(reason: "rule \(name) refuses it"))
        }
    }
}
