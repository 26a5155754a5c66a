import Codecs
import PKI
package import RoadsteadWire
package import TrustModel

/// `kind: Rule`: a root rule by its name, in one spelling, so that the same rule compares equal.
package struct DeclaredRule: Codable, Sendable, Equatable {
    package let name: String
    package let team: TeamName?
    package let origins: [AnchorOrigin]?
    package let effect: RuleEffect
    /// 1 unless said, where the effect is allow.
    package let approvals: Int?
    package let securityOfficers: Int?
    package let outsiders: Int?
    /// Where the effect is deny.
    package let reason: String?
    package let conditions: RuleConditions?

    package init(_ body: RootRuleBody) throws {
        let isAllowing = body.effect == .allow
        guard !isAllowing || body.reason == nil else {
            throw DeclarationError(.form, "rule \"\(body.name)\" allows and gives a reason to refuse")
        }
        name = body.name
        team = body.team
        origins = body.origins.map { Set($0).sorted { $0.rawValue < $1.rawValue } }
        effect = body.effect
        approvals = isAllowing ? body.approvals : nil
        securityOfficers = isAllowing ? body.securityOfficers.flatMap { $0 == 0 ? nil : $0 } : nil
        outsiders = isAllowing ? body.outsiders.flatMap { $0 == 0 ? nil : $0 } : nil
        reason = isAllowing ? nil : body.reason ?? "rule \(body.name) refuses it"
        let plain = try Self.plain(body.conditions)
        conditions = plain == RuleConditions() ? nil : plain
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            RootRuleBody(
                name: try container.decode(String.self, forKey: .name),
                team: try container.decodeIfPresent(TeamName.self, forKey: .team),
                origins: try container.decodeIfPresent([AnchorOrigin].self, forKey: .origins),
                effect: try container.decode(RuleEffect.self, forKey: .effect),
                approvals: try container.decodeIfPresent(Int.self, forKey: .approvals) ?? 1,
                securityOfficers: try container.decodeIfPresent(Int.self, forKey: .securityOfficers),
                outsiders: try container.decodeIfPresent(Int.self, forKey: .outsiders),
                reason: try container.decodeIfPresent(String.self, forKey: .reason),
                conditions: try container.decodeIfPresent(RuleConditions.self, forKey: .conditions)
                    ?? RuleConditions()))
    }

    private enum CodingKeys: String, CodingKey {
        case name, team, origins, effect, approvals, securityOfficers, outsiders, reason, conditions
    }

    /// Lists in order and each entry once; a subject as this program writes it.
    private static func plain(_ conditions: RuleConditions) throws -> RuleConditions {
        func ordered(_ list: [String]?) -> [String]? { list.map { Set($0.map { $0.lowercased() }).sorted() } }
        return RuleConditions(
            certificateSHA256: ordered(conditions.certificateSHA256), keySHA256: ordered(conditions.keySHA256),
            exceptCertificateSHA256: ordered(conditions.exceptCertificateSHA256),
            exceptKeySHA256: ordered(conditions.exceptKeySHA256),
            subject: try attributes(conditions).map(Self.text), keyTypes: ordered(conditions.keyTypes),
            minimumRSABits: conditions.minimumRSABits, maximumValidityDays: conditions.maximumValidityDays,
            signatureHashes: ordered(conditions.signatureHashes),
            kinds: conditions.kinds.map { Set($0).sorted { $0.rawValue < $1.rawValue } },
            vendors: conditions.vendors.map { Set($0).sorted() }, registeredVendor: conditions.registeredVendor,
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
                    origins: origins, purposes: conditions.kinds, certificates: conditions.certificateSHA256,
                    keys: conditions.keySHA256, subject: try Self.attributes(conditions),
                    keyTypes: conditions.keyTypes, minimumRSABits: conditions.minimumRSABits,
                    maximumValidityDays: conditions.maximumValidityDays.map { Int64($0) },
                    signatureHashes: conditions.signatureHashes,
                    exceptCertificates: conditions.exceptCertificateSHA256, exceptKeys: conditions.exceptKeySHA256,
                    vendors: conditions.vendors, registeredVendor: conditions.registeredVendor,
                    selfSignedSigningCertificates: conditions.allowSelfSignedLeaf),
                effect: try ruleEffect)
        }
    }

    private var ruleEffect: RootRule.Effect {
        get throws {
            guard effect == .allow else { return .deny(reason: reason ?? "rule \(name) refuses it") }
            return .allow(
                try ApprovalsNeeded(
                    count: approvals ?? 1, securityOfficers: securityOfficers ?? 0, outsiders: outsiders ?? 0))
        }
    }
}
