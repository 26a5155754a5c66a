extension HostTrust {
    /// The same trust with every scope rejecting: for a host that has not heard from its fleet for too long.
    package var rejecting: HostTrust {
        HostTrust(
            fleet: fleet, release: release, issued: issued,
            statements: statements.map {
                Statement(
                    name: $0.name, team: $0.team, scopes: $0.scopes, level: "strict", override: nil, stores: [],
                    trustedIdentities: ["*"])
            },
            stores: stores, denials: denials, repositories: repositories)
    }
}
