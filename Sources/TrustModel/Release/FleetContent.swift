/// What a fleet's next release says: the governed state, before it becomes signed metadata.
///
/// Two contents are equal when they say the same: every initialiser puts its lists in one order and drops repetitions.
package struct FleetContent: Sendable, Equatable {
    package let fleet: FleetName
    package let id: FleetID
    package let profile: FleetProfile
    package let enforcers: [FleetSettings.EnforcerSetting]
    /// The teams that belong to the fleet now, by name.
    package let teams: [TeamContent]
    /// The denials in force for the fleet, by id.
    package let denials: [DenyDocument.Denial]
    package let revocationLists: [RevocationContent]
    /// Known repositories, into which prefixes expand.
    package let repositories: [RegistryScope]
    /// What hosts do beside their mode.
    package let options: FleetOptions
    /// What the administrators say of images beside the teams.
    package let policy: FleetPolicy
    /// What is let pass until a moment, by number.
    package let exceptions: [PolicyException]

    package init(
        fleet: FleetName, id: FleetID, profile: FleetProfile, enforcers: [FleetSettings.EnforcerSetting] = [],
        teams: [TeamContent], denials: [DenyDocument.Denial] = [], revocationLists: [RevocationContent] = [],
        repositories: [RegistryScope] = [], options: FleetOptions = .standard,
        policy: FleetPolicy = .none, exceptions: [PolicyException] = []
    ) {
        self.fleet = fleet
        self.id = id
        self.profile = profile
        self.enforcers = enforcers.sorted { $0.enforcer < $1.enforcer }
        self.teams = teams.sorted { $0.name < $1.name }
        self.denials = denials.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
        self.revocationLists = revocationLists.sorted { $0.url.utf8.lexicographicallyPrecedes($1.url.utf8) }
        self.repositories = Set(repositories).sorted()
        self.options = options
        self.policy = policy
        self.exceptions = exceptions.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    }
}

/// A team as it stands in a release: the same in every fleet that includes it.
package struct TeamContent: Sendable, Equatable {
    package let name: TeamName
    package let custody: Custody
    package let scopes: [RegistryScope]
    /// Every store that the team has, also those that are empty: their scopes reject.
    package let stores: [StoreContent]
    /// The team's own statements; nil when it wrote none, so that `TeamPolicy.standard` speaks for it.
    package let statements: [TeamPolicy.Statement]?
    package let constraints: [TeamPolicy.AnchorConstraint]
    /// The only anchors that hosts are to take from the team; nil when they do not enforce it.
    package let allowedAnchors: [FleetSettings.AllowedAnchor]?

    package init(
        name: TeamName, custody: Custody = .server, scopes: [RegistryScope], stores: [StoreContent],
        statements: [TeamPolicy.Statement]? = nil, constraints: [TeamPolicy.AnchorConstraint] = [],
        allowedAnchors: [FleetSettings.AllowedAnchor]? = nil
    ) {
        self.name = name
        self.custody = custody
        self.scopes = Set(scopes).sorted()
        self.stores = stores.sorted { ($0.kind, $0.name) < ($1.kind, $1.name) }
        self.statements = statements
        self.constraints = constraints.sorted { $0.anchor.utf8.lexicographicallyPrecedes($1.anchor.utf8) }
        self.allowedAnchors = allowedAnchors.map { Set($0).sorted() }
    }

    /// What the team's `policy.json` says.
    package var policy: TeamPolicy {
        if let statements { return TeamPolicy(team: name, statements: statements, constraints: constraints) }
        let references = stores.map { TeamPolicy.StoreReference(kind: $0.kind, name: $0.name) }
        let standard = TeamPolicy.standard(team: name, scopes: scopes, stores: references)
        return TeamPolicy(team: name, statements: standard.statements, constraints: constraints)
    }
}

/// One trust store of a team and its anchors.
package struct StoreContent: Sendable, Equatable {
    package let kind: TrustStoreKind
    package let name: TrustStoreName
    /// DER of each anchor's certificate, in the order of their bytes.
    package let anchors: [[UInt8]]

    package init(kind: TrustStoreKind, name: TrustStoreName, anchors: [[UInt8]]) {
        self.kind = kind
        self.name = name
        self.anchors = Set(anchors).sorted { $0.lexicographicallyPrecedes($1) }
    }
}

/// A revocation list as it was fetched.
package struct RevocationContent: Sendable, Equatable {
    package let url: String
    /// DER, with its issuer's own signature.
    package let bytes: [UInt8]

    package init(url: String, bytes: [UInt8]) {
        self.url = url
        self.bytes = bytes
    }
}
