package import Codecs
package import TrustModel

/// Which entries of the audit log are asked for; what is nil asks for all.
package struct AuditFilter: Sendable, Equatable {
    /// The first moment.
    package let from: UTCDate?
    /// The first moment that is too late.
    package let to: UTCDate?
    /// `person:N`, `host:N`, `publisher` or `server`.
    package let actor: String?
    package let object: String?
    package let action: String?
    package let team: TeamName?
    package let fleet: FleetName?

    package init(
        from: UTCDate? = nil, to: UTCDate? = nil, actor: String? = nil, object: String? = nil, action: String? = nil,
        team: TeamName? = nil, fleet: FleetName? = nil
    ) {
        self.from = from
        self.to = to
        self.actor = actor
        self.object = object
        self.action = action
        self.team = team
        self.fleet = fleet
    }
}

extension ReadableAudit {
    /// What somebody may take out of the log: what all their roles open together.
    ///
    /// - Throws: `StoreError(.forbidden)` for a caller who may take out nothing.
    package init(exportedBy session: Session) throws {
        let reaches = session.bindings.map(\.reach).filter { session.decide(.exportAudit($0)).isAllowed }
        if reaches.isEmpty { try session.require(.exportAudit(.everything)) }
        self.init(
            isEverything: session.decide(.exportAudit(.everything)).isAllowed,
            teams: .only(Set(reaches.compactMap(\.team))), fleets: .only(Set(reaches.compactMap(\.fleet))))
    }
}
