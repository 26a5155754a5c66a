package import Codecs
package import TrustModel

/// `GET /v1/sign-in`: the ways to sign in beside tokens of this server.
package struct SignInOffer: Codable, Sendable, Equatable {
    /// Where people sign in; absent where there is no provider.
    package let provider: ProviderOffer?
    /// Whether the server asks for client certificates.
    package let certificate: Bool

    package init(provider: ProviderOffer?, certificate: Bool) {
        self.provider = provider
        self.certificate = certificate
    }
}

/// What a client needs for signing in at a provider. [OpenID Connect Discovery §3, RFC 8628 §4]
package struct ProviderOffer: Codable, Sendable, Equatable {
    package let issuer: String
    package let clientID: String
    package let authorizationEndpoint: String?
    package let tokenEndpoint: String?
    package let deviceAuthorizationEndpoint: String?

    package init(
        issuer: String, clientID: String, authorizationEndpoint: String?, tokenEndpoint: String?,
        deviceAuthorizationEndpoint: String?
    ) {
        self.issuer = issuer
        self.clientID = clientID
        self.authorizationEndpoint = authorizationEndpoint
        self.tokenEndpoint = tokenEndpoint
        self.deviceAuthorizationEndpoint = deviceAuthorizationEndpoint
    }
}

/// `POST /v1/sign-in`
package struct SignInRequest: Codable, Sendable, Equatable {
    /// The provider's ID token, issued at most ten minutes ago; it is taken once.
    package let idToken: String
    /// The nonce that was sent to the provider, where there was one.
    package let nonce: String?
    /// What the session is for, such as `laptop`.
    package let label: String

    package init(idToken: String, nonce: String? = nil, label: String) {
        self.idToken = idToken
        self.nonce = nonce
        self.label = label
    }
}

/// `POST /v1/identities/proofs`: a token of the identity that is to be linked.
package struct IdentityProofRequest: Codable, Sendable, Equatable {
    package let token: String
    package let nonce: String?

    package init(token: String, nonce: String? = nil) {
        self.token = token
        self.nonce = nonce
    }
}

/// An identity that was shown.
package struct IdentityBody: Codable, Sendable, Equatable {
    package let issuer: IssuerURL
    package let subject: IdentitySubject
    /// Whether its issuer speaks for machines only.
    package let isForMachines: Bool

    package init(issuer: IssuerURL, subject: IdentitySubject, isForMachines: Bool) {
        self.issuer = issuer
        self.subject = subject
        self.isForMachines = isForMachines
    }
}

/// Another identity of a person, or a machine that acts for one.
package struct IdentityLinkBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let issuer: String
    package let subject: String
    package let holder: TokenLimits.Holder
    package let team: TeamName?
    package let linked: UTCDate
    /// The change that brought it.
    package let change: Int64

    package init(
        id: Int64, issuer: String, subject: String, holder: TokenLimits.Holder, team: TeamName?, linked: UTCDate,
        change: Int64
    ) {
        self.id = id
        self.issuer = issuer
        self.subject = subject
        self.holder = holder
        self.team = team
        self.linked = linked
        self.change = change
    }
}

/// The role that members of a group at an issuer hold.
package struct GroupRoleBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let issuer: String
    package let group: String
    package let role: PersonRole
    package let reach: RoleReach
    package let set: UTCDate
    /// The change that brought it.
    package let change: Int64

    package init(
        id: Int64, issuer: String, group: String, role: PersonRole, reach: RoleReach, set: UTCDate, change: Int64
    ) {
        self.id = id
        self.issuer = issuer
        self.group = group
        self.role = role
        self.reach = reach
        self.set = set
        self.change = change
    }
}

/// `POST /v1/certificates`, over a connection that shows the certificate.
package struct CertificateRequest: Codable, Sendable, Equatable {
    package let label: String

    package init(label: String) { self.label = label }
}

/// The group that a role comes from.
package struct RoleGroupBody: Codable, Sendable, Equatable {
    package let issuer: String
    package let name: String
    /// When the word of the newest token ends.
    package let until: UTCDate

    package init(issuer: String, name: String, until: UTCDate) {
        self.issuer = issuer
        self.name = name
        self.until = until
    }
}
