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
    /// When it ends by itself; absent for what stays until it is removed.
    package let until: UTCDate?
    /// The vendor through whose registration it is there.
    package let vendor: VendorName?
    /// PEM, where one anchor is asked for.
    package let certificate: String?

    package init(
        id: Int64, team: TeamName, kind: TrustStoreKind, store: TrustStoreName, origin: AnchorOrigin, subject: String,
        sha256: String, keySHA256: String, notBefore: UTCDate, notAfter: UTCDate, justification: String, owner: String,
        reviewBy: UTCDate? = nil, change: Int64, added: UTCDate, removed: UTCDate? = nil, until: UTCDate? = nil,
        vendor: VendorName? = nil, certificate: String? = nil
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
        self.until = until
        self.vendor = vendor
        self.certificate = certificate
    }
}
