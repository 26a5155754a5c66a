package import Codecs
package import TrustModel

/// `POST /v1/bootstrap`, authorised by the bootstrap token: makes the first trust administrator.
package struct BootstrapRequest: Codable, Sendable, Equatable {
    /// Login name of the person.
    package let name: String
    package let displayName: String

    package init(name: String, displayName: String) {
        self.name = name
        self.displayName = displayName
    }
}

/// A credential that is shown once, to its holder.
package struct IssuedToken: Codable, Sendable, Equatable {
    package let token: String
    package let tokenID: Int64
    package let person: PersonBody
    package let expires: UTCDate

    package init(token: String, tokenID: Int64, person: PersonBody, expires: UTCDate) {
        self.token = token
        self.tokenID = tokenID
        self.person = person
        self.expires = expires
    }
}

/// A person as others see it.
package struct PersonBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let name: String
    package let displayName: String
    package let disabled: Bool
    /// Who vouches for the name; absent for accounts of this server.
    package let issuer: String?

    package init(id: Int64, name: String, displayName: String, disabled: Bool, issuer: String? = nil) {
        self.id = id
        self.name = name
        self.issuer = issuer
        self.displayName = displayName
        self.disabled = disabled
    }
}

/// One role and where it holds: with neither team nor fleet, everywhere.
package struct RoleBindingBody: Codable, Sendable, Equatable {
    package let id: Int64?
    /// Login name.
    package let person: String
    package let role: PersonRole
    package let team: TeamName?
    package let fleet: FleetName?
    /// The group that it comes from; absent for a role of the person's own.
    package let group: RoleGroupBody?

    package init(
        id: Int64? = nil, person: String, role: PersonRole, team: TeamName? = nil, fleet: FleetName? = nil,
        group: RoleGroupBody? = nil
    ) {
        self.id = id
        self.group = group
        self.person = person
        self.role = role
        self.team = team
        self.fleet = fleet
    }
}

/// `POST /v1/invitations`: invites a person, who makes the credential.
package struct InvitationRequest: Codable, Sendable, Equatable {
    package let name: String
    package let displayName: String
    /// Roles that are asked for with it: at once while nobody else could agree, else by a change. At most 20.
    package let bindings: [InvitedRole]
    /// 1 to 336; 72 unless said.
    package let expiresInHours: Int?

    package init(name: String, displayName: String, bindings: [InvitedRole], expiresInHours: Int? = nil) {
        self.name = name
        self.displayName = displayName
        self.bindings = bindings
        self.expiresInHours = expiresInHours
    }
}

/// A role that an invitation brings.
package struct InvitedRole: Codable, Sendable, Equatable {
    package let role: PersonRole
    package let team: TeamName?
    package let fleet: FleetName?

    package init(role: PersonRole, team: TeamName? = nil, fleet: FleetName? = nil) {
        self.role = role
        self.team = team
        self.fleet = fleet
    }
}

/// An invitation, shown once.
package struct InvitationBody: Codable, Sendable, Equatable {
    package let invitation: String
    package let name: String
    package let expires: UTCDate
    /// What asks for the roles; absent where none were asked for.
    package let change: ChangeBody?

    package init(invitation: String, name: String, expires: UTCDate, change: ChangeBody? = nil) {
        self.change = change
        self.invitation = invitation
        self.name = name
        self.expires = expires
    }
}

/// An invitation that can still be taken up.
package struct OpenInvitationBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let name: String
    package let displayName: String
    /// The roles that come with it, by what others agreed to.
    package let roles: [InvitedRole]
    /// The login name of who invited.
    package let invitedBy: String
    package let expires: UTCDate

    package init(
        id: Int64, name: String, displayName: String, roles: [InvitedRole], invitedBy: String, expires: UTCDate
    ) {
        self.id = id
        self.name = name
        self.displayName = displayName
        self.roles = roles
        self.invitedBy = invitedBy
        self.expires = expires
    }
}

/// `POST /v1/invitations/accept`: turns an invitation into a token of its holder.
package struct AcceptInvitationRequest: Codable, Sendable, Equatable {
    package let invitation: String
    /// What the token is for, such as `laptop`.
    package let label: String

    package init(invitation: String, label: String) {
        self.invitation = invitation
        self.label = label
    }
}

/// `GET /v1/whoami`
package struct WhoAmI: Codable, Sendable, Equatable {
    package let person: PersonBody
    package let tokenID: Int64
    package let access: TokenAccess
    package let expires: UTCDate
    package let bindings: [RoleBindingBody]
    package let credential: CredentialKind
    /// `machine` where the caller acts for the person.
    package let holder: TokenLimits.Holder

    package init(
        person: PersonBody, tokenID: Int64, access: TokenAccess, expires: UTCDate, bindings: [RoleBindingBody],
        credential: CredentialKind = .token, holder: TokenLimits.Holder = .person
    ) {
        self.credential = credential
        self.holder = holder
        self.person = person
        self.tokenID = tokenID
        self.access = access
        self.expires = expires
        self.bindings = bindings
    }
}

/// `POST /v1/tokens`: a further token of the caller, never wider than the one in use.
package struct TokenRequest: Codable, Sendable, Equatable {
    package let label: String
    package let access: TokenAccess?
    /// Limits the token to one team.
    package let team: TeamName?
    /// 1 to 365; 90 unless said.
    package let expiresInDays: Int?

    package init(label: String, access: TokenAccess? = nil, team: TeamName? = nil, expiresInDays: Int? = nil) {
        self.label = label
        self.access = access
        self.team = team
        self.expiresInDays = expiresInDays
    }
}

/// A token without its secret.
package struct TokenBody: Codable, Sendable, Equatable {
    package let id: Int64
    package let label: String
    package let access: TokenAccess
    package let team: TeamName?
    package let created: UTCDate
    package let expires: UTCDate
    package let lastUsed: UTCDate?
    package let revoked: Bool
    package let kind: CredentialKind

    package init(
        id: Int64, label: String, access: TokenAccess, team: TeamName? = nil, created: UTCDate, expires: UTCDate,
        lastUsed: UTCDate? = nil, revoked: Bool, kind: CredentialKind = .token
    ) {
        self.kind = kind
        self.id = id
        self.label = label
        self.access = access
        self.team = team
        self.created = created
        self.expires = expires
        self.lastUsed = lastUsed
        self.revoked = revoked
    }
}
