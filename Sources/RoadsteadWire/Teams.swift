package import Codecs
package import TrustModel

/// `POST /v1/teams`
package struct TeamRequest: Codable, Sendable, Equatable {
    package let name: TeamName
    package let displayName: String?

    package init(name: TeamName, displayName: String? = nil) {
        self.name = name
        self.displayName = displayName
    }
}

/// A team with what it owns.
package struct TeamBody: Codable, Sendable, Equatable {
    package let name: TeamName
    package let displayName: String
    package let custody: Custody
    package let scopes: [RegistryScope]
    package let stores: [StoreBody]
    package let created: UTCDate
    /// Says "not protected from the server" while the targets key of one of the team's fleets is online.
    package let custodyNote: String?

    package init(
        name: TeamName, displayName: String, custody: Custody, scopes: [RegistryScope], stores: [StoreBody],
        created: UTCDate, custodyNote: String? = nil
    ) {
        self.custodyNote = custodyNote
        self.name = name
        self.displayName = displayName
        self.custody = custody
        self.scopes = scopes
        self.stores = stores
        self.created = created
    }
}

/// `POST /v1/teams/{team}/scopes`
package struct ScopeRequest: Codable, Sendable, Equatable {
    package let scope: RegistryScope

    package init(scope: RegistryScope) {
        self.scope = scope
    }
}

/// `POST /v1/teams/{team}/stores`
package struct StoreRequest: Codable, Sendable, Equatable {
    package let kind: TrustStoreKind
    package let name: TrustStoreName

    package init(kind: TrustStoreKind, name: TrustStoreName) {
        self.kind = kind
        self.name = name
    }
}

/// A trust store and how many anchors it holds.
package struct StoreBody: Codable, Sendable, Equatable {
    package let team: TeamName
    package let kind: TrustStoreKind
    package let name: TrustStoreName
    package let anchors: Int

    package init(team: TeamName, kind: TrustStoreKind, name: TrustStoreName, anchors: Int) {
        self.team = team
        self.kind = kind
        self.name = name
        self.anchors = anchors
    }
}

/// `POST /v1/repositories`: records a repository, into which prefixes expand; it cannot widen trust.
package struct RepositoryBody: Codable, Sendable, Equatable {
    package let repository: RegistryScope

    package init(repository: RegistryScope) {
        self.repository = repository
    }
}

/// A root rule: who may register which roots, with how many approvals. What no rule allows is refused.
package struct RootRuleBody: Codable, Sendable, Equatable {
    package let id: Int64?
    package let name: String
    /// The team it holds for; absent for every team.
    package let team: TeamName?
    /// Absent for either.
    package let origin: AnchorOrigin?
    package let effect: RuleEffect
    /// Approvals needed, at least 1, when the effect is allow.
    package let approvals: Int
    package let conditions: RuleConditions
    /// In a request: true for taking the place of the rule of that name; without it there must be none.
    package let replaces: Bool?

    package init(
        id: Int64? = nil, name: String, team: TeamName? = nil, origin: AnchorOrigin? = nil, effect: RuleEffect,
        approvals: Int, conditions: RuleConditions, replaces: Bool? = nil
    ) {
        self.replaces = replaces
        self.id = id
        self.name = name
        self.team = team
        self.origin = origin
        self.effect = effect
        self.approvals = approvals
        self.conditions = conditions
    }
}

/// What must hold for a rule to apply; an absent condition holds always.
package struct RuleConditions: Codable, Sendable, Equatable {
    package let certificateSHA256: [String]?
    package let keySHA256: [String]?
    /// RFC 4514; every attribute named must be in the certificate's subject.
    package let subject: String?
    /// Such as `ec-p256`, `rsa-3072`, `rsa` for any size.
    package let keyTypes: [String]?
    package let minimumRSABits: Int?
    package let maximumValidityDays: Int?
    package let kinds: [TrustStoreKind]?
    /// Lets a self-signed signing certificate be its own anchor.
    package let allowSelfSignedLeaf: Bool?

    package init(
        certificateSHA256: [String]? = nil, keySHA256: [String]? = nil, subject: String? = nil,
        keyTypes: [String]? = nil, minimumRSABits: Int? = nil, maximumValidityDays: Int? = nil,
        kinds: [TrustStoreKind]? = nil, allowSelfSignedLeaf: Bool? = nil
    ) {
        self.certificateSHA256 = certificateSHA256
        self.keySHA256 = keySHA256
        self.subject = subject
        self.keyTypes = keyTypes
        self.minimumRSABits = minimumRSABits
        self.maximumValidityDays = maximumValidityDays
        self.kinds = kinds
        self.allowSelfSignedLeaf = allowSelfSignedLeaf
    }
}

/// `POST /v1/root-rules/explain`
package struct RuleExplainRequest: Codable, Sendable, Equatable {
    package let team: TeamName
    package let kind: TrustStoreKind
    package let origin: AnchorOrigin
    /// PEM.
    package let certificate: String

    package init(team: TeamName, kind: TrustStoreKind, origin: AnchorOrigin, certificate: String) {
        self.team = team
        self.kind = kind
        self.origin = origin
        self.certificate = certificate
    }
}

/// What the rules say about one certificate for one team.
package struct RuleExplanation: Codable, Sendable, Equatable {
    package let allowed: Bool
    package let approvals: Int
    /// Name of the rule that decided.
    package let rule: String?
    package let reasons: [String]

    package init(allowed: Bool, approvals: Int, rule: String? = nil, reasons: [String]) {
        self.allowed = allowed
        self.approvals = approvals
        self.rule = rule
        self.reasons = reasons
    }
}

/// A trust anchor in a store.
package struct AnchorBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let team: TeamName
    package let kind: TrustStoreKind
    package let store: TrustStoreName
    package let origin: AnchorOrigin
    package let subject: String
    package let sha256: String
    package let keySHA256: String
    package let notBefore: UTCDate
    package let notAfter: UTCDate
    package let justification: String
    package let owner: String
    package let reviewBy: UTCDate?
    /// The change that brought it.
    package let change: Int64
    package let added: UTCDate
    package let removed: UTCDate?
    /// PEM, where one anchor is asked for.
    package let certificate: String?

    package init(
        id: Int64, team: TeamName, kind: TrustStoreKind, store: TrustStoreName, origin: AnchorOrigin, subject: String,
        sha256: String, keySHA256: String, notBefore: UTCDate, notAfter: UTCDate, justification: String, owner: String,
        reviewBy: UTCDate? = nil, change: Int64, added: UTCDate, removed: UTCDate? = nil, certificate: String? = nil
    ) {
        self.id = id
        self.team = team
        self.kind = kind
        self.store = store
        self.origin = origin
        self.subject = subject
        self.sha256 = sha256
        self.keySHA256 = keySHA256
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.justification = justification
        self.owner = owner
        self.reviewBy = reviewBy
        self.change = change
        self.added = added
        self.removed = removed
        self.certificate = certificate
    }
}
