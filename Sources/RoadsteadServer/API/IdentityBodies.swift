import RoadsteadStore
import RoadsteadWire
import TrustModel

extension PersonBody {
    init(_ record: PersonRecord) {
        self.init(
            id: record.id.rawValue, name: record.subject, displayName: record.displayName, disabled: record.disabled,
            issuer: record.issuer == PersonRecord.localIssuer ? nil : record.issuer)
    }
}

extension IssuedToken {
    init(_ token: TokenText, _ session: Session) {
        self.init(
            token: token.text, tokenID: session.credential.id, person: PersonBody(session.person),
            expires: session.credential.expires)
    }
}

extension TokenBody {
    init(_ record: CredentialRecord) {
        self.init(
            id: record.id, label: record.label, access: record.limits.access, team: record.limits.team,
            created: record.created, expires: record.expires, lastUsed: record.lastUsed,
            revoked: record.revoked != nil, kind: record.kind)
    }
}

extension RoleBindingBody {
    init(_ binding: RoleBinding, person: String, id: Int64? = nil) {
        self.init(
            id: id, person: person, role: binding.role, team: binding.reach.teamName, fleet: binding.reach.fleetName)
    }

    /// A role with where it comes from; what a group brings has no number to revoke it by.
    init(_ record: BindingRecord) {
        self.init(
            id: record.group == nil ? record.id : nil, person: record.subject, role: record.binding.role,
            team: record.binding.reach.teamName, fleet: record.binding.reach.fleetName,
            group: record.group.map { RoleGroupBody(issuer: $0.issuer, name: $0.name, until: $0.until) })
    }
}

extension RoleReach {
    /// The reach that a body names: with neither, everything.
    init(team: TeamName?, fleet: FleetName?) throws {
        switch (team, fleet) {
        case (nil, nil): self = .everything
        case (let team?, nil): self = .team(team)
        case (nil, let fleet?): self = .fleet(fleet)
        default:
            throw StoreError(.invalid, "a role is bound to a team or to a fleet, not to both", hint: "bind it twice")
        }
    }

    var teamName: TeamName? { if case .team(let name) = self { name } else { nil } }
    var fleetName: FleetName? { if case .fleet(let name) = self { name } else { nil } }
}
