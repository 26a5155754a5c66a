package import TrustModel

/// A root rule: who may register which roots, with how many approvals. What no rule allows is refused.
package struct RootRuleBody: Codable, Sendable, Equatable {
    package let id: Int64?
    package let name: String
    /// The team it holds for; absent for every team.
    package let team: TeamName?
    /// Absent for all.
    package let origins: [AnchorOrigin]?
    package let effect: RuleEffect
    /// Approvals needed, at least 1, when the effect is allow.
    package let approvals: Int
    /// How many of them by security officers.
    package let securityOfficers: Int?
    /// How many of them by people who hold no role in the team that asks.
    package let outsiders: Int?
    /// What people are told whom the rule refuses, when the effect is deny.
    package let reason: String?
    package let conditions: RuleConditions
    /// In a request: true for taking the place of the rule of that name; without it there must be none.
    package let replaces: Bool?

    package init(
        id: Int64? = nil, name: String, team: TeamName? = nil, origin: AnchorOrigin? = nil,
        origins: [AnchorOrigin]? = nil, effect: RuleEffect, approvals: Int, securityOfficers: Int? = nil,
        outsiders: Int? = nil, reason: String? = nil, conditions: RuleConditions,
        replaces: Bool? = nil
    ) {
        self.id = id
        self.name = name
        self.team = team
        self.origins = origins ?? origin.map { [$0] }
        self.effect = effect
        self.approvals = approvals
        self.securityOfficers = securityOfficers
        self.outsiders = outsiders
        self.reason = reason
        self.conditions = conditions
        self.replaces = replaces
    }
}

/// What must hold for a rule to apply; an absent condition holds always.
package struct RuleConditions: Codable, Sendable, Equatable {
    package let certificateSHA256: [String]?
    package let keySHA256: [String]?
    /// Certificates that the rule does not hold for: with the effect deny, the only ones that are let through.
    package let exceptCertificateSHA256: [String]?
    /// Public keys that the rule does not hold for.
    package let exceptKeySHA256: [String]?
    /// RFC 4514; every attribute named must be in the certificate's subject.
    package let subject: String?
    /// Such as `ec-p256`, `rsa-3072`, `rsa` for any size.
    package let keyTypes: [String]?
    package let minimumRSABits: Int?
    package let maximumValidityDays: Int?
    /// `sha256`, `sha384` or `sha512`: the hash of the certificate's own signature.
    package let signatureHashes: [String]?
    package let kinds: [TrustStoreKind]?
    /// Registered vendors through which the certificate comes.
    package let vendors: [VendorName]?
    /// Whether the certificate comes through a registered vendor at all.
    package let registeredVendor: Bool?
    /// Lets a self-signed signing certificate be its own anchor.
    package let allowSelfSignedLeaf: Bool?

    package init(
        certificateSHA256: [String]? = nil, keySHA256: [String]? = nil, exceptCertificateSHA256: [String]? = nil,
        exceptKeySHA256: [String]? = nil, subject: String? = nil, keyTypes: [String]? = nil,
        minimumRSABits: Int? = nil, maximumValidityDays: Int? = nil, signatureHashes: [String]? = nil,
        kinds: [TrustStoreKind]? = nil, vendors: [VendorName]? = nil, registeredVendor: Bool? = nil,
        allowSelfSignedLeaf: Bool? = nil
    ) {
        self.certificateSHA256 = certificateSHA256
        self.keySHA256 = keySHA256
        self.exceptCertificateSHA256 = exceptCertificateSHA256
        self.exceptKeySHA256 = exceptKeySHA256
        self.subject = subject
        self.keyTypes = keyTypes
        self.minimumRSABits = minimumRSABits
        self.maximumValidityDays = maximumValidityDays
        self.signatureHashes = signatureHashes
        self.kinds = kinds
        self.vendors = vendors
        self.registeredVendor = registeredVendor
        self.allowSelfSignedLeaf = allowSelfSignedLeaf
    }
}

/// `POST /v1/root-rules/explain`
package struct RuleExplainRequest: Codable, Sendable, Equatable {
    package let team: TeamName
    package let kind: TrustStoreKind
    package let origin: AnchorOrigin
    /// The registered vendor through which it would come; absent where the team registers it itself.
    package let vendor: VendorName?
    /// PEM.
    package let certificate: String

    package init(
        team: TeamName, kind: TrustStoreKind, origin: AnchorOrigin, vendor: VendorName? = nil, certificate: String
    ) {
        self.team = team
        self.kind = kind
        self.origin = origin
        self.vendor = vendor
        self.certificate = certificate
    }
}

/// What the rules say about one certificate for one team.
package struct RuleExplanation: Codable, Sendable, Equatable {
    /// One rule that was looked at.
    package struct Considered: Codable, Sendable, Equatable {
        package struct Condition: Codable, Sendable, Equatable {
            package let asks: String
            package let holds: Bool

            package init(asks: String, holds: Bool) {
                self.asks = asks
                self.holds = holds
            }
        }

        package let rule: String
        /// The team that it is for; absent for every team.
        package let team: TeamName?
        package let effect: RuleEffect
        /// Whether every condition holds.
        package let matches: Bool
        package let conditions: [Condition]

        package init(
            rule: String, team: TeamName? = nil, effect: RuleEffect, matches: Bool, conditions: [Condition]
        ) {
            self.rule = rule
            self.team = team
            self.effect = effect
            self.matches = matches
            self.conditions = conditions
        }
    }

    package let allowed: Bool
    package let approvals: Int
    package let securityOfficers: Int
    package let outsiders: Int
    /// Name of the rule that decided.
    package let rule: String?
    package let reasons: [String]
    /// The roles that can decide: about the addition where it is allowed, else about another rule.
    package let decidedBy: [PersonRole]
    package let considered: [Considered]

    package init(
        allowed: Bool, approvals: Int, securityOfficers: Int = 0, outsiders: Int = 0, rule: String? = nil,
        reasons: [String], decidedBy: [PersonRole], considered: [Considered]
    ) {
        self.allowed = allowed
        self.approvals = approvals
        self.securityOfficers = securityOfficers
        self.outsiders = outsiders
        self.rule = rule
        self.reasons = reasons
        self.decidedBy = decidedBy
        self.considered = considered
    }
}
