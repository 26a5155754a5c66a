package import Codecs

extension HostTrust {
    /// The same trust with every scope rejecting: for a host that has not heard from its fleet for too long.
    package var rejecting: HostTrust { rejecting(exceptions: nil) { _ in true } }

    /// The same trust with the scopes of some teams rejecting.
    package func rejecting(_ isDoomed: (TeamName) -> Bool) -> HostTrust {
        rejecting(exceptions: exceptions) { $0.map(isDoomed) ?? false }
    }

    private func rejecting(exceptions: [PolicyException]?, _ isDoomed: (TeamName?) -> Bool) -> HostTrust {
        HostTrust(
            fleet: fleet, release: release, issued: issued,
            statements: statements.map { isDoomed($0.team) ? $0.rejecting : $0 },
            stores: stores, denials: denials, repositories: repositories, exceptions: exceptions)
    }

    /// The first moment after the given one at which an anchor's `until` or an exception's passes.
    package func nextEnd(after time: UTCDate) -> UTCDate? {
        let ends = stores.flatMap(\.constraints).compactMap(\.until) + (exceptions ?? []).map(\.until)
        return ends.filter { $0 > time }.min()
    }
}

extension HostTrust.Statement {
    fileprivate var rejecting: Self {
        Self(
            name: name, team: team, scopes: scopes, level: "strict", override: nil, stores: [],
            trustedIdentities: ["*"])
    }
}
