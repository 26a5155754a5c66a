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

    /// The same trust less the exceptions and the break-glass anchors that have ended by a moment.
    ///
    /// They are taken out, and not only passed over, so that a clock that goes back does not bring them back.
    package func withoutEnded(at time: UTCDate) -> HostTrust {
        HostTrust(
            fleet: fleet, release: release, issued: issued, statements: statements,
            stores: stores.map { $0.withoutEnded(at: time) }, denials: denials, repositories: repositories,
            exceptions: exceptions(at: time))
    }

    /// The first moment after the given one at which an anchor's `until` or an exception's passes.
    package func nextEnd(after time: UTCDate) -> UTCDate? {
        let ends = stores.flatMap(\.constraints).compactMap(\.until) + (exceptions ?? []).map(\.until)
        return ends.filter { $0 > time }.min()
    }
}

extension HostTrust.Store {
    fileprivate func withoutEnded(at time: UTCDate) -> Self {
        let ended = Set(constraints.filter { $0.until.map { $0 <= time } ?? false }.map(\.anchor))
        guard !ended.isEmpty else { return self }
        return Self(
            id: id,
            anchors: anchors.filter { text in
                guard let anchor = try? TrustAnchorFacts(der: try Base64.decode(text)) else { return true }
                return !ended.contains(anchor.sha256)
            }, constraints: constraints.filter { !ended.contains($0.anchor) }, denied: denied)
    }
}

extension HostTrust.Statement {
    fileprivate var rejecting: Self {
        Self(
            name: name, team: team, scopes: scopes, level: "strict", override: nil, stores: [],
            trustedIdentities: ["*"])
    }
}
